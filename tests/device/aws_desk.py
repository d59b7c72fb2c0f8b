"""What the tests of `Aws` share: settings, a TLS broker in the test's own process, and a log of the events.

They need the companion `tls_servers`, for its certificates.
"""

import asyncio
import ssl

import errors
import events
from aws.client import Aws
from backoff import Backoff
from fakes import Group
from scripted_broker import Broker

THING = "lamp"


def stored(name):
    with open(name, "rb") as file:
        return file.read()


def server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stored(pair), stored(pair + "_key"))
    return context


async def resolve(host, beat=None):
    if host != "broker.test":
        raise errors.error("unknown_name", host)
    return "127.0.0.1"


class Desk:
    """`async with Desk(script, ...) as desk:` a broker with these scripts, `desk.aws` for it, `desk.told` its events.

    `run=False`: it is not started; then `desk.start()`. Options are limits and timeouts of the settings; `pair`: whom
    the broker shows; `port`: another server.
    """

    def __init__(self, *scripts, run=True, clock_is_set=lambda: True, resolve=resolve, backoff=None, **options):
        self.broker = Broker(*scripts, context=server_context(options.pop("pair", "server")))
        self.told = []
        self.beats = 0
        self._run = run
        self._tasks = []
        bus = events.Bus()
        self._listener = bus.listen(limit=1000)
        self.bus = bus
        self.backoff = backoff or Backoff(20, 50)
        self.aws = Aws(bus, self._settings(options), resolve, clock_is_set, self.backoff)
        self.aws.first_wait(0)
        self.aws.use(THING, stored("client"), stored("client_key"))

    def _settings(self, options):
        limits = {"ring": 4, "receive_buffer": 4096, "window": 10, "publishes_per_s": 0, "bytes_per_s": 0}
        limits.update(outbox_messages=5, outbox_bytes=1000)
        timeouts = {"dns_s": 1, "connect_s": 2, "connack_s": 1, "ack_s": 1, "keepalive_s": 30}
        timeouts.update(stable_s=20, drain_s=1, backoff_s=1, backoff_cap_s=1, job_jitter_s=0, job_step_s=3600)
        status, port = options.pop("status", None), options.pop("port", None)
        outbox = {"place": "memory", "when_full": "drop_oldest"}
        for group in (limits, timeouts, outbox):
            for name in group:
                group[name] = options.pop(name, group[name])
        if options:
            raise TypeError("unknown options %s" % list(options))
        return Group(
            aws=Group(endpoint="broker.test", port=port or self.broker.port, status=status),
            roots=[stored("root")],
            outbox=Group(**outbox),
            limits=Group(**limits),
            timeouts=Group(**timeouts),
        )

    def _beat(self):
        self.beats += 1

    def start(self):
        self.running = asyncio.create_task(self.aws.run(self._beat))
        self._tasks.append(self.running)

    async def __aenter__(self):
        await self.broker.__aenter__()
        self._tasks.append(asyncio.create_task(self._listen()))
        if self._run:
            self.start()
        return self

    async def __aexit__(self, kind, error, trace):
        for task in self._tasks:
            task.cancel()
        await self.aws.stop()
        await self.broker.__aexit__(kind, error, trace)

    async def _listen(self):
        async for event in self._listener:
            self.told.append((event.name, event.data))

    def names(self):
        return [name for name, _ in self.told]

    def of(self, name):
        """The data of the events of this name."""
        return [data for told, data in self.told if told == name]
