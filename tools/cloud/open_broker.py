"""A broker that lets everybody in, over plain TCP: for benchmarks and for tests of MQTT alone.

`with open_broker() as broker:` runs one in a thread of its own: connect to 127.0.0.1 and `broker.port`, order faults
with `broker.faults.order("no_puback", packets=1)`. `python -m tools.cloud.open_broker` is the same until Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TypeVar

from tools.cloud.broker import Broker, silent
from tools.cloud.faults import Faults
from tools.cloud.interfaces import Clock, Identity, Log, Registry, Service
from tools.cloud.limits import Limits
from tools.cloud.policy import EVERYTHING

Result = TypeVar("Result")

_TIMEOUT_S = 20.0  # more than the broker takes to stop at worst


class OpenRegistry:
    """A registry that knows one identity, whoever asks; replace `identity` to change what it may do."""

    def __init__(self, *policies: dict):
        certificate_id = "0" * 64
        arn = f"arn:aws:iot:us-east-1:123456789012:cert/{certificate_id}"
        self.identity = Identity(certificate_id, arn, policies=policies or (EVERYTHING,))

    def connection(self, certificate_der: bytes) -> Identity | None:
        return self.identity


class BrokerThread:
    """A broker with an event loop in its own thread; `call` does things in that loop."""

    def __init__(
        self,
        registry: Registry,
        services: Sequence[Service] = (),
        limits: Limits | None = None,
        log: Log = silent,
        clock: Clock = time.monotonic,
    ):
        self.faults = Faults()
        self.broker = Broker(registry, services, clock, limits, self.faults, log)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)

    def start(self, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None) -> int:
        """Start to listen and return the port. Raises what the broker raises, OSError for a port in use."""
        self._thread.start()
        self.port = self.wait(self.broker.start(host, port, ssl_context))
        return self.port

    def wait(self, coroutine: Coroutine[None, None, Result]) -> Result:
        """Run a coroutine in the broker's loop and wait for its end."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_TIMEOUT_S)

    def call(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Call a function of the broker in its loop and wait for what it returns."""

        async def in_loop() -> Result:
            return function(*arguments)

        return self.wait(in_loop())

    def stop(self) -> None:
        """Stop the broker and its thread."""
        self.wait(self.broker.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT_S)
        self._loop.close()


@contextlib.contextmanager
def open_broker(limits: Limits | None = None, host: str = "127.0.0.1", port: int = 0) -> Iterator[BrokerThread]:
    """A running broker without TLS and policies, its limits those for benchmarks unless others are given."""
    broker = BrokerThread(OpenRegistry(), limits=limits or Limits().for_benchmarks())
    try:
        broker.start(host, port)
        yield broker
    finally:
        broker.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="An MQTT broker for benchmarks: plain TCP, everybody may do all.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one, printed)")
    options = parser.parse_args()
    try:
        with open_broker(host=options.host, port=options.port) as broker:
            print(broker.port, flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        parser.exit(1, f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")


if __name__ == "__main__":
    main()
