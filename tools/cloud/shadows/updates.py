"""Requests to shadows, read and checked: what AWS refuses, in its words ("Device Shadow error messages")."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tools.cloud import strict_json
from tools.cloud.aws_errors import InvalidRequest, RequestTooLarge, UnsupportedEncoding
from tools.cloud.shadows.state import Json, is_deeper

HALVES = ("desired", "reported")
_MAX_STATE_BYTES = 8 * 1024  # desired and reported together; metadata does not count
# The quotas say 8 levels, the error's text and AWS's own Greengrass 6: what passes here passes there.
_MAX_DEPTH = 6
_MAX_TOKEN_BYTES = 64


@dataclass(frozen=True)
class Update:
    state: Json | None  # None: both halves are to be deleted
    version: int | None


def read(payload: bytes) -> Json:
    """The JSON object that a request is; an empty one is `{}`. Raises UnsupportedEncoding, InvalidRequest."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise UnsupportedEncoding("Unsupported documented encoding; supported encoding is UTF-8") from None
    try:
        request = strict_json.loads(text or "{}")
    except ValueError:
        raise InvalidRequest("Invalid JSON") from None
    if not isinstance(request, dict):
        raise InvalidRequest("Invalid JSON")
    return request


def client_token(request: Json) -> str | None:
    """The token by which an answer is told from others. Raises InvalidRequest."""
    token = request.get("clientToken")
    if token is not None and (not isinstance(token, str) or len(_bytes(token)) > _MAX_TOKEN_BYTES):
        raise InvalidRequest("Invalid clientToken")
    return token


def update(request: Json) -> Update:
    """What an update asks for. Raises InvalidRequest."""
    if "state" not in request:
        raise InvalidRequest("Missing required node: state")
    state, version = request["state"], request.get("version")
    if version is not None and (type(version) is not int or version < 0):
        raise InvalidRequest("Invalid version")
    if state is not None:
        _check_state(state)
        state = {half: state[half] for half in HALVES if half in state}
    return Update(state, version)


def check_size(desired: Json, reported: Json) -> None:
    """Raises RequestTooLarge for a state beyond AWS's limit."""
    texts = [json.dumps(half, ensure_ascii=False, separators=(",", ":")) for half in (desired, reported) if half]
    if sum(len(_bytes(text)) for text in texts) > _MAX_STATE_BYTES:
        raise RequestTooLarge("The payload exceeds the maximum size allowed")


def _check_state(state: object) -> None:
    if not isinstance(state, dict):
        raise InvalidRequest("State node must be an object")
    for name, half in state.items():
        if name == "delta":  # what came with an answer may be sent back; it has no effect
            continue
        if name not in HALVES:
            raise InvalidRequest(f"State contains an invalid node: '{name}'")
        if half is not None and not isinstance(half, dict):
            raise InvalidRequest(f"{name.capitalize()} node must be an object")
        if is_deeper(half, _MAX_DEPTH):
            raise InvalidRequest(f"JSON contains too many levels of nesting; maximum is {_MAX_DEPTH}")
        if _has_null_in_array(half):
            raise InvalidRequest("Invalid JSON: an array must not contain null")


def _has_null_in_array(value: object) -> bool:
    if isinstance(value, list):
        return None in value or any(_has_null_in_array(each) for each in value)
    return isinstance(value, dict) and any(_has_null_in_array(each) for each in value.values())


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # JSON may escape half a pair, which has no UTF-8
