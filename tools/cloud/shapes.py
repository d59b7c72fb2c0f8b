"""Requests and responses of REST-JSON services, read, checked and written by botocore's shapes."""

from __future__ import annotations

import base64
import datetime
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.model import OperationModel, Shape, StructureShape

from tools.cloud import strict_json
from tools.cloud.aws_errors import InvalidRequest

_JAVA_CLASS = re.compile(r"\\p\{(\w+)\}")
_ASCII_CLASSES = {"Upper": "A-Z", "Digit": "0-9", "Graph": "!-~"}
_ONE_OF = {"C": "\0", "L": "a", "N": "0", "Z": " "}  # a set of Python must not be empty
_BEYOND = {"integer": 2**31, "long": 2**63}  # the first number that the type does not have


@dataclass(frozen=True)
class Request:
    """One HTTP request, as far as an operation's input is in it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]  # must not be case-sensitive
    body: bytes


@dataclass
class Response:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = "application/json"


def read(operation: OperationModel, request: Request) -> dict:
    """The operation's parameters by name. Raises InvalidRequest in AWS's words."""
    shape = operation.input_shape
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    body = {} if payload else _json_object(request.body)
    parameters = {}
    for name, member in shape.members.items():
        value = request.body if name == payload else _find(name, member, request, body)
        if value is not None:
            parameters[name] = _read_value(value, member, name)
    _check_required(shape, parameters, "")
    return parameters


def read_structure(value: object, shape: StructureShape) -> dict:
    """Parameters that are all in one JSON object, whatever their places in HTTP. Raises InvalidRequest."""
    return _read_structure(value, shape, "request")


def _find(name: str, member: Shape, request: Request, body: Mapping) -> object:
    location = member.serialization.get("location")
    wire_name = member.serialization.get("name", name)
    source = {"uri": request.path, "querystring": request.query, "header": request.headers, None: body}[location]
    return source.get(wire_name)


def _json_object(body: bytes) -> Mapping:
    if not body:
        return {}
    try:
        value = strict_json.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"The request body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The request body is not a JSON object")
    return value


def _read_value(value: object, shape: Shape, where: str) -> object:
    reader = _READERS.get(shape.type_name)
    if reader is None:
        raise InvalidRequest(f"{where}: values of type {shape.type_name} cannot be read")
    return reader(value, shape, where)


def _read_structure(value: object, shape: StructureShape, where: str) -> dict:
    if not isinstance(value, dict):
        raise _invalid(value, where, "Member must be an object")
    found = {}
    for name, member in shape.members.items():
        given = value.get(member.serialization.get("name", name))
        if given is not None:
            found[name] = _read_value(given, member, f"{where}.{name}")
    _check_required(shape, found, f"{where}.")
    return found


def _read_list(value: object, shape: Shape, where: str) -> list:
    if not isinstance(value, list):
        raise _invalid(value, where, "Member must be a list")
    _check_range(len(value), shape, value, where, "length")
    return [_read_value(each, shape.member, f"{where}.{index + 1}.member") for index, each in enumerate(value)]


def _read_map(value: object, shape: Shape, where: str) -> dict:
    if not isinstance(value, dict):
        raise _invalid(value, where, "Member must be an object")
    return {
        _read_value(key, shape.key, where): _read_value(each, shape.value, f"{where}.{key}")
        for key, each in value.items()
    }


def _read_string(value: object, shape: Shape, where: str) -> str:
    if not isinstance(value, str):
        raise _invalid(value, where, "Member must be a string")
    _check_range(len(value), shape, value, where, "length")
    pattern, allowed = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not _matches(pattern, value):
        raise _invalid(value, where, f"Member must satisfy regular expression pattern: {pattern}")
    if allowed and value not in allowed:
        raise _invalid(value, where, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    return value


def _matches(pattern: str, value: str) -> bool:
    """Patterns are Java's: `\\w` and `\\d` are of ASCII there, and `\\p{...}` names a class, which Python has not."""
    pattern = _JAVA_CLASS.sub(lambda found: _members(found[1], value), pattern)
    return re.fullmatch(pattern, value, re.ASCII) is not None


def _members(name: str, value: str) -> str:
    """What stands for a class of Java in a set of Python: of a category of Unicode only what the value has of it."""
    if name in _ASCII_CLASSES:
        return _ASCII_CLASSES[name]
    found = {char for char in value if unicodedata.category(char)[0] == name}
    return re.escape("".join(sorted(found | {_ONE_OF[name]})))


def _read_integer(value: object, shape: Shape, where: str) -> int:
    try:
        number = int(value) if isinstance(value, str) or type(value) is int else None
    except ValueError:
        number = None
    if number is None or not -_BEYOND[shape.type_name] <= number < _BEYOND[shape.type_name]:
        raise _invalid(value, where, f"Member must be an integer of type {shape.type_name}")
    _check_range(number, shape, value, where, "value")
    return number


def _read_boolean(value: object, shape: Shape, where: str) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, (bool, str)) or value not in known:
        raise _invalid(value, where, "Member must be true or false")
    return known[value]


def _read_number(value: object, shape: Shape, where: str) -> float:
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise _invalid(value, where, "Member must be a number")
    _check_range(number, shape, value, where, "value")
    return number


def _read_blob(value: object, shape: Shape, where: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise _invalid(value, where, "Member must be base64") from None


_READERS = {
    "structure": _read_structure,
    "list": _read_list,
    "map": _read_map,
    "string": _read_string,
    "integer": _read_integer,
    "long": _read_integer,
    "boolean": _read_boolean,
    "float": _read_number,
    "double": _read_number,
    "timestamp": _read_number,
    "blob": _read_blob,
}


def _check_required(shape: StructureShape, given: Mapping, where: str) -> None:
    for name in shape.required_members:
        if name not in given:
            raise _invalid(None, where + name, "Member must not be null")


def _check_range(number: float, shape: Shape, value: object, where: str, what: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        raise _invalid(value, where, f"Member must have {what} greater than or equal to {least}")
    if most is not None and number > most:
        raise _invalid(value, where, f"Member must have {what} less than or equal to {most}")


def _invalid(value: object, where: str, constraint: str) -> InvalidRequest:
    shown = "null" if value is None else str(value)[:100]
    return InvalidRequest(
        f"1 validation error detected: Value '{shown}' at '{where}' failed to satisfy constraint: {constraint}"
    )


def write(operation: OperationModel, result: Mapping | None) -> Response:
    """The HTTP response to a result. A key that the operation does not have is our bug: KeyError."""
    result = {key: value for key, value in (result or {}).items() if value is not None}
    shape = operation.output_shape
    response = Response(status=operation.http.get("responseCode", 200))
    members = shape.members if shape is not None else {}
    unknown = result.keys() - members.keys()
    if unknown:
        raise KeyError(f"{operation.name} returns no {', '.join(sorted(unknown))}")
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload:
        response.body = result.get(payload, b"")
        return response
    body = {}
    for name, value in result.items():
        member = members[name]
        if member.serialization.get("location") == "header":
            response.headers[member.serialization["name"]] = str(value)
        else:
            body[member.serialization.get("name", name)] = _plain(value)
    response.body = json.dumps(body).encode()
    return response


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value
