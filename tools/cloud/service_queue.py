"""Messages to services (`$aws/...`) on their way: one queue for each connection, so that they keep their order."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.cloud.interfaces import Log, Service
from tools.cloud.limits import Limits

if TYPE_CHECKING:
    from tools.cloud.connection import Connection


class ServiceQueue:
    """Bounded; one message of a connection is at work at a time, other connections are not waited for."""

    def __init__(self, client: Connection, limits: Limits, log: Log, tasks: set[asyncio.Task]):
        """`tasks` is where the task is kept while there is work: for whoever has to end it."""
        self._client = client
        self._limits = limits
        self._log = log
        self._tasks = tasks
        self._waiting: deque[tuple[Service, str, bytes]] = deque()
        self._at_work: Service | None = None
        self._task: asyncio.Task | None = None

    def ask(self, services: Iterable[Service], topic: str, payload: bytes) -> None:
        """Hand a message to the one of the services that it is for."""
        for service in services:
            if service.claims(topic):
                self.add(service, topic, payload)
                return
        self._log("no_service", client_id=self._client.client_id, topic=topic)

    def add(self, service: Service, topic: str, payload: bytes) -> None:
        """Hand a message to its service; what exceeds the limits is refused, or dropped and logged."""
        if self._goes_wrong(service, topic, payload):
            return
        if service.in_flight is not None and self._on_their_way(service) >= service.in_flight:
            service.refuse(self._client, topic, payload, 429)
            return
        if len(self._waiting) >= self._limits.service_queue:
            self._log("request_dropped", client_id=self._client.client_id, topic=topic, waiting=len(self._waiting))
            return
        self._waiting.append((service, topic, payload))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(self._task)
            self._task.add_done_callback(self._tasks.discard)

    def _on_their_way(self, service: Service) -> int:
        return sum(each is service for each, _, _ in self._waiting) + (self._at_work is service)

    def _goes_wrong(self, service: Service, topic: str, payload: bytes) -> bool:
        """Has a fault been ordered for this request?"""

        def strikes(kind: str) -> bool:
            client = self._client
            return client.faults.strikes(kind, client.number, client.client_id, service.name) is not None

        if strikes("service_silent"):
            self._log("request_unanswered", client_id=self._client.client_id, topic=topic)
            return True
        for kind, status in (("service_throttled", 429), ("service_failed", 500)):
            if strikes(kind):
                service.refuse(self._client, topic, payload, status)
                return True
        return False

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._handle(*self._waiting.popleft())
        finally:
            self._task = None

    async def _handle(self, service: Service, topic: str, payload: bytes) -> None:
        self._at_work = service
        try:
            await asyncio.wait_for(service.handle(self._client, topic, payload), self._limits.service_timeout_s)
        except asyncio.TimeoutError:
            self._log("service_timeout", client_id=self._client.client_id, topic=topic)
        except Exception:  # noqa: BLE001 - a service's mistake is logged, and costs neither connection nor broker
            self._log("service_failed", client_id=self._client.client_id, topic=topic, error=traceback.format_exc())
        finally:
            self._at_work = None
