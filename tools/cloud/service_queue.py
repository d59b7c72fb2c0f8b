"""Messages to services (`$aws/...`) on their way: one queue for each connection, so that they keep their order."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque

from tools.cloud.interfaces import Client, Log, Service
from tools.cloud.limits import Limits


class ServiceQueue:
    """Bounded; one message of a connection is at work at a time, other connections are not waited for."""

    def __init__(self, client: Client, limits: Limits, log: Log, tasks: set[asyncio.Task]):
        """`tasks` is where the task is kept while there is work: for whoever has to end it."""
        self._client = client
        self._limits = limits
        self._log = log
        self._tasks = tasks
        self._waiting: deque[tuple[Service, str, bytes]] = deque()
        self._task: asyncio.Task | None = None

    def add(self, service: Service, topic: str, payload: bytes) -> None:
        """Hand a message to its service; what exceeds the limit is dropped and logged."""
        if len(self._waiting) >= self._limits.service_queue:
            self._log("request_dropped", client_id=self._client.client_id, topic=topic, waiting=len(self._waiting))
            return
        self._waiting.append((service, topic, payload))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(self._task)
            self._task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._handle(*self._waiting.popleft())
        finally:
            self._task = None

    async def _handle(self, service: Service, topic: str, payload: bytes) -> None:
        try:
            await asyncio.wait_for(service.handle(self._client, topic, payload), self._limits.service_timeout_s)
        except asyncio.TimeoutError:
            self._log("service_timeout", client_id=self._client.client_id, topic=topic)
        except Exception:  # noqa: BLE001 - a service's mistake is logged, and costs neither connection nor broker
            self._log("service_failed", client_id=self._client.client_id, topic=topic, error=traceback.format_exc())
