"""Where operations are registered.

    @operation("iot", "CreateThing")
    def create_thing(desk, request): ...

`request` holds the parameters under AWS's names, checked by AWS's model; the result is a dict under AWS's names, keys
with None left out, or None. An operation may be a coroutine. Errors are `aws_errors`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from tools.cloud.aws_errors import NotImplementedHere
from tools.cloud.operations.desk import Desk

Handler = Callable[[Desk, dict[str, Any]], "dict | Awaitable[dict | None] | None"]
AsyncHandler = Callable[[Desk, dict[str, Any]], Awaitable["dict | None"]]

_handlers: dict[tuple[str, str], AsyncHandler] = {}


def operation(service: str, name: str) -> Callable[[Handler], Handler]:
    """Register a function as an operation of botocore's service model `service`."""

    def register(handler: Handler) -> Handler:
        if (service, name) in _handlers:
            raise ValueError(f"{service} {name} is there twice")
        _handlers[service, name] = handler if inspect.iscoroutinefunction(handler) else _awaitable(handler)
        return handler

    return register


def refuse(request: dict[str, Any], *names: str) -> None:
    """Raise NotImplementedHere for parameters that are not part of the local AWS IoT: never drop them silently."""
    for name in names:
        if request.get(name):
            raise NotImplementedHere(f"{name} is not part of the local AWS IoT")


def find_operation(service: str, name: str) -> AsyncHandler | None:
    return _handlers.get((service, name))


def names() -> list[tuple[str, str]]:
    """Service and name of every operation that is there."""
    return sorted(_handlers)


def _awaitable(handler: Callable[[Desk, dict], dict | None]) -> AsyncHandler:
    async def call(desk: Desk, request: dict) -> dict | None:
        return handler(desk, request)

    return call
