"""Wi-Fi, cloud and downloads of `update_desk`: no sockets, only what the head asks of them."""

import asyncio
import json

import errors
import events
from aws.jobs import Jobs
from jobs_desk import Refused


class Wifi:
    """There while `desk.has_wifi`."""

    clock_is_set = True

    def __init__(self, desk, bus):
        self._desk = desk
        self._bus = bus

    @property
    def is_connected(self):
        return self._desk.has_wifi

    @property
    def ip(self):
        return "192.168.4.2" if self.is_connected else None

    async def run(self, beat):
        while True:
            beat()
            await asyncio.sleep(5)

    async def resolve(self, host, beat=None):
        return "127.0.0.1"

    def now(self):
        return 1800000000

    async def stop(self):
        pass


class Aws:
    """Jobs only, answered at once by `desk.cloud`, while `desk.is_reachable`."""

    def __init__(self, desk, bus, settings):
        self.is_connected = False
        self.subscribing = asyncio.Lock()
        self.only_ec = None
        self._desk = desk
        self._bus = bus
        self._services = []
        self.jobs = Jobs(self.attach, bus, settings)

    def use(self, name, cert, key):
        self._thing = name

    def attach(self, service):
        self._services.append(service)
        self._begin(service)

    def _begin(self, service):
        if self.is_connected:
            service.belong(self._thing, self._publish)
            service.ready.set()
            service.online()

    async def run(self, beat):
        while True:
            await asyncio.sleep_ms(100)  # first: a connection takes its time, and by then somebody listens
            beat()
            desk = self._desk
            wanted = desk.is_reachable and desk.has_wifi and desk.starts[-1] != desk.refuses
            if wanted != self.is_connected:
                self._turn(wanted)

    def _turn(self, connected):
        self.is_connected = connected
        if connected:
            self._bus.emit(events.AWS_CONNECTED, endpoint="cloud.test", client_id=self._thing, session_present=True)
        for service in self._services:
            if connected:
                self._begin(service)
            else:
                service.lost()

    async def _publish(self, topic, payload, timeout_ms):
        if not self._services or not self.is_connected:
            raise errors.error("not_connected")
        service = self._services[0]
        end, document = topic[len(service.prefix) :].decode(), json.loads(payload)
        self._desk.cloud.asked.append((end, document))
        try:
            verdict, answer = "/accepted", dict(self._desk.cloud._answer(end, document))
        except Refused as refusal:
            verdict, answer = "/rejected", dict(refusal.args[1], code=refusal.args[0])
        answer["clientToken"] = document["clientToken"]
        service.hear(end + verdict, json.dumps(answer))

    def news(self):
        """What AWS sends when the next job is another one."""
        for service in self._services:
            service.hear("notify", b"{}")

    async def stop(self):
        self._turn(False)


class Asker(Aws):
    """Asks only."""

    def __init__(self, *details):
        super().__init__(*details)
        self.attach(self.jobs)


class Link:
    """A connection to the server of images: `data` is what it says. `after`: called when all of that was read."""

    def __init__(self, desk, request):
        lines = request.decode().split("\r\n")
        self.path = lines[0].split(" ")[1].split("?")[0]
        self.query = lines[0].split("?")[1].split(" ")[0]
        self.start = 0
        for line in lines:
            if line.startswith("Range: bytes="):
                self.start = int(line[13:-1])
        self.stream = self
        self.after = None
        self.is_open = True
        self._at = 0
        image = desk.images[self.path]
        self.body = memoryview(image)[self.start :]
        self.say(206 if self.start else 200, self.body, len(image))

    def say(self, status, body, total=0):
        """Answer so."""
        head = "HTTP/1.1 %d x\r\nContent-Length: %d\r\n" % (status, len(body))
        if status == 206:
            head += "Content-Range: bytes %d-%d/%d\r\n" % (self.start, self.start + len(body) - 1, total)
        self.data = (head + "\r\n").encode() + bytes(body)

    def readinto(self, view):
        if self._at == len(self.data):
            if self.after:
                self.after()
            return 0
        count = min(len(view), 1460, len(self.data) - self._at)
        view[:count] = self.data[self._at : self._at + count]
        self._at += count
        return count

    async def more(self):
        await asyncio.sleep(3600)

    def close(self):
        self.is_open = False
