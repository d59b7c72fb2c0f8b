"""Which operation an HTTP request is: routes and shapes from botocore's models of AWS's services."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel

SERVICES = ("iot", "iot-data", "iot-jobs-data")


@dataclass(frozen=True)
class Route:
    service: str
    operation: OperationModel
    segments: tuple[str, ...]  # of the path: "things", "{thingName}"

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """The path parameters, None when the path is another."""
        greedy = bool(self.segments) and self.segments[-1].endswith("+}")
        if len(path) != len(self.segments) and not (greedy and len(path) > len(self.segments)):
            return None
        if greedy:
            last = len(self.segments) - 1
            path = (*path[:last], "/".join(path[last:]))
        found = {}
        for segment, given in zip(self.segments, path, strict=True):
            if segment.startswith("{"):
                found[segment.strip("{+}")] = unquote(given)
            elif segment != given:
                return None
        return found


class ServiceModels:
    def __init__(self) -> None:
        loader = botocore.session.get_session().get_component("data_loader")
        self._by_signing_name: dict[str, str] = {}
        self._routes: dict[str, list[Route]] = {}
        for service in SERVICES:
            model = ServiceModel(loader.load_service_model(service, "service-2"), service)
            self._by_signing_name[model.signing_name] = service
            for name in model.operation_names:
                self._add(service, model.operation_model(name))

    def find(self, method: str, path: str, signing_name: str | None) -> tuple[Route, dict[str, str]] | None:
        """The operation of a raw (percent-encoded) path, and its path parameters.

        No two operations of one service share a path; `iot` and `iot-jobs-data` share some: the service that the
        request was signed for tells them apart, and an unsigned one is for `iot`.
        """
        segments = _segments(path)
        wanted = self._by_signing_name.get(signing_name or "")
        for route in self._in_order(method, wanted):
            parameters = route.match(segments)
            if parameters is not None:
                return route, parameters
        return None

    @property
    def signing_names(self) -> frozenset[str]:
        """What requests to these services are signed for."""
        return frozenset(self._by_signing_name)

    def operation(self, service: str, name: str) -> OperationModel:
        """The model of an operation. Raises KeyError."""
        for routes in self._routes.values():
            for route in routes:
                if (route.service, route.operation.name) == (service, name):
                    return route.operation
        raise KeyError(f"{service} has no operation {name}")

    def _in_order(self, method: str, wanted: str | None) -> Iterator[Route]:
        routes = self._routes.get(method, ())
        yield from (route for route in routes if wanted in (None, route.service))

    def _add(self, service: str, operation: OperationModel) -> None:
        path = operation.http["requestUri"].partition("?")[0]
        self._routes.setdefault(operation.http["method"], []).append(Route(service, operation, _segments(path)))


@functools.cache
def service_models() -> ServiceModels:
    """One for all of the process: the models are large, and never change."""
    return ServiceModels()


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))
