"""The functions that may stand in a provisioning template in place of a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_PLACEHOLDER = re.compile(r"\$\{(!?)([^${}]*)\}")


class TemplateError(Exception):
    """The template cannot be read, or not with these parameters; the message says where and why."""


@dataclass(frozen=True)
class Scope:
    """What names stand for: parameters, the variables of an Fn::Sub, mappings."""

    values: Mapping[str, str]
    mappings: Mapping = field(default_factory=dict)


def resolve(node: object, scope: Scope, where: str) -> object:
    """The value with every function in it called. Raises TemplateError."""
    if isinstance(node, list):
        return [resolve(each, scope, where) for each in node]
    if not isinstance(node, dict):
        return node
    name = _function_name(node)
    if name is None:
        return {key: resolve(value, scope, f"{where}.{key}") for key, value in node.items()}
    return _FUNCTIONS[name](node[name], scope, f"{where}.{name}")


def check(node: object, known: set[str], where: str) -> None:
    """Raise TemplateError for a function that is not known, or a Ref to a parameter that is not declared."""
    if isinstance(node, list):
        for each in node:
            check(each, known, where)
    if not isinstance(node, dict):
        return
    name = _function_name(node)
    if name is None and any(key == "Ref" or key.startswith("Fn::") for key in node):
        raise TemplateError(f"{where}: {', '.join(node)} is not a function; allowed: {', '.join(_FUNCTIONS)}")
    if name == "Ref" and (not isinstance(node["Ref"], str) or node["Ref"] not in known):
        raise TemplateError(f"{where}: Ref to {node['Ref']!r}, which is not declared in Parameters")
    for key, value in node.items():
        check(value, known, f"{where}.{key}")


def _function_name(node: Mapping) -> str | None:
    name = next(iter(node)) if len(node) == 1 else None
    return name if name in _FUNCTIONS else None


def _ref(argument: object, scope: Scope, where: str) -> object:
    if not isinstance(argument, str) or argument not in scope.values:
        raise TemplateError(f"{where}: {argument!r} is not a parameter")
    return scope.values[argument]


def _join(argument: object, scope: Scope, where: str) -> object:
    """{"Fn::Join": [delimiter, [strings]]}"""
    delimiter, parts = _pair(argument, scope, where)
    if not isinstance(parts, list):
        raise TemplateError(f"{where}: a list of strings is needed")
    return _string(delimiter, where).join(_string(part, where) for part in parts)


def _select(argument: object, scope: Scope, where: str) -> object:
    """{"Fn::Select": [index, [values]]}"""
    index, values = _pair(argument, scope, where)
    if not str(index).isdecimal() or not isinstance(values, list) or int(str(index)) >= len(values):
        raise TemplateError(f"{where}: there is no element {index!r}")
    return values[int(str(index))]


def _split(argument: object, scope: Scope, where: str) -> object:
    """{"Fn::Split": [delimiter, string]}"""
    delimiter, text = (_string(each, where) for each in _pair(argument, scope, where))
    if not delimiter:
        raise TemplateError(f"{where}: the delimiter is empty")
    return text.split(delimiter)


def _find_in_map(argument: object, scope: Scope, where: str) -> object:
    """{"Fn::FindInMap": [mapping, first key, second key]}"""
    keys = resolve(argument, scope, where)
    if not isinstance(keys, list) or len(keys) != 3:
        raise TemplateError(f"{where}: mapping, first and second key are needed")
    found: object = scope.mappings
    for key in keys:
        if not isinstance(found, dict) or not isinstance(key, str) or key not in found:
            raise TemplateError(f"{where}: Mappings have no {' / '.join(map(str, keys))}")
        found = found[key]
    return found


def _sub(argument: object, scope: Scope, where: str) -> object:
    """{"Fn::Sub": "text with ${Parameter}"} or {"Fn::Sub": [text, {variables}]}; ${!Literal} stays ${Literal}"""
    text, extra = argument, {}
    if isinstance(argument, list):
        text, extra = _pair(argument, scope, where)
        if not isinstance(extra, dict):
            raise TemplateError(f"{where}: variables are given as an object")
    values = {**scope.values, **extra}

    def value(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return "${" + name + "}"
        if name not in values:
            raise TemplateError(f"{where}: ${{{name}}} is not known; write ${{!{name}}} for the text itself")
        return _string(values[name], where)

    return _PLACEHOLDER.sub(value, _string(text, where))


def _pair(argument: object, scope: Scope, where: str) -> list:
    resolved = resolve(argument, scope, where)
    if not isinstance(resolved, list) or len(resolved) != 2:
        raise TemplateError(f"{where}: a list of two is needed")
    return resolved


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"{where}: a string is needed, not {value!r}")
    return value


_FUNCTIONS: dict[str, Callable[[object, Scope, str], object]] = {
    "Ref": _ref,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
    "Fn::Sub": _sub,
}
