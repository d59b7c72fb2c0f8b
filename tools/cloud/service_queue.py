"""Messages to services (`$aws/...`) on their way: one queue for each connection, so that they keep their order."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque

from tools.cloud.interfaces import Client, Log, Service


class ServiceQueue:
    """Bounded; one message of a connection is at work at a time, other connections are not waited for."""

    def __init__(self, client: Client, limit: int, log: Log):
        self._client = client
        self._limit = limit
        self._log = log
        self._waiting: deque[tuple[Service, str, bytes]] = deque()
        self._task: asyncio.Task | None = None

    def add(self, service: Service, topic: str, payload: bytes) -> None:
        """Hand a message to its service; what exceeds the limit is dropped and logged."""
        if len(self._waiting) >= self._limit:
            self._log("request_dropped", client_id=self._client.client_id, topic=topic, waiting=len(self._waiting))
            return
        self._waiting.append((service, topic, payload))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def cancel(self) -> None:
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._handle(*self._waiting.popleft())
        finally:
            self._task = None

    async def _handle(self, service: Service, topic: str, payload: bytes) -> None:
        try:
            await service.handle(self._client, topic, payload)
        except Exception:  # noqa: BLE001 - a service's mistake is logged, and costs neither connection nor broker
            self._log("service_failed", client_id=self._client.client_id, topic=topic, error=traceback.format_exc())
