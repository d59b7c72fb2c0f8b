"""A shadow of AWS IoT for the scripted broker: documents, versions, deltas, and what a test wants to go wrong."""

import asyncio
import json

from scripted_broker import PUBLISH, SUBSCRIBE, publish, until


def _same(one, other):
    """Equal as JSON: 1 is 1.0, but true is not 1, as it is for Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(_same(one[name], other[name]) for name in one)
    return one == other


def _different(desired, reported):
    found = {}
    for name in desired:
        if isinstance(desired[name], dict) and isinstance(reported.get(name), dict):
            part = _different(desired[name], reported[name])
            if part:
                found[name] = part
        elif name not in reported or not _same(desired[name], reported[name]):
            found[name] = desired[name]
    return found


def _lay(target, change):
    for name in change:
        if change[name] is None:
            target.pop(name, None)
        elif isinstance(change[name], dict):
            _lay(target.setdefault(name, {}), change[name])
        else:
            target[name] = change[name]


async def settled(cloud):
    """Wait until nothing has been asked for a while; returns how much was asked in all."""
    count = -1
    while count != len(cloud.asked):
        count = len(cloud.asked)
        await asyncio.sleep_ms(150)
    return count


class CloudShadow:
    """Serves connections: `Desk(cloud.serve)`. `asked` holds (operation, document) of every request so far.

    `refuse`: codes by which the next requests are rejected; None takes one. `silent`: nothing is answered.
    `subscribed`: lists of filters. `present`: the CONNACK's session present.
    """

    def __init__(self, base="$aws/things/lamp/shadow/", desired=None, reported=None):
        self.base = base
        self.state = None if desired is None else {"desired": desired, "reported": reported or {}}
        self.version = 1 if self.state else 0
        self.asked = []
        self.refuse = []
        self.silent = False
        self.subscribed = []
        self.present = 0
        self.peer = None
        self._stamps = dict.fromkeys(desired or {}, 1)

    async def serve(self, peer):
        await peer.accept(self.present)
        self.peer = peer
        packet = await peer.receive()
        while packet is not None:
            await peer.answer(packet)
            if packet.kind == SUBSCRIBE:
                self.subscribed.append([name for name, _ in packet.filters])
            elif packet.kind == PUBLISH and packet.topic.startswith(self.base) and not self.silent:
                await self._handle(packet.topic[len(self.base) :], json.loads(packet.payload or b"{}"))
            packet = await peer.receive()

    async def wish(self, **values):
        """Change the desired state, as somebody in the cloud does."""
        self._lay({"desired": values})
        await self._send_delta()

    def wish_unheard(self, **values):
        """The same while the device is away."""
        self._lay({"desired": values})

    async def send(self, end, document):
        await self.peer.send(publish(self.base + end, json.dumps(document).encode()))

    def requests(self, operation):
        return [document for asked, document in self.asked if asked == operation]

    def reports(self):
        return [document["state"]["reported"] for document in self.requests("update")]

    async def reported(self, **values):
        """Wait until this is reported."""
        await until(lambda: self.state and all(self.state["reported"].get(n) == values[n] for n in values), str(values))

    def _lay(self, state):
        if self.state is None:
            self.state = {"desired": {}, "reported": {}}
        for half in state:
            _lay(self.state[half], state[half])
        self.version += 1
        for name in state.get("desired", {}):
            self._stamps[name] = self.version  # a new wish is newer, also in the same second

    def _delta(self):
        return _different(self.state["desired"], self.state["reported"])

    def _metadata(self):
        return {name: {"timestamp": self._stamps[name]} for name in self.state["desired"]}

    async def _send_delta(self):
        if self._delta():
            await self.send(
                "update/delta", {"version": self.version, "state": self._delta(), "metadata": self._metadata()}
            )

    async def _handle(self, operation, document):
        token = document.pop("clientToken")
        self.asked.append((operation, document))
        code = self.refuse.pop(0) if self.refuse else None
        if code is None:
            code = self._refusal(operation, document)
        if code is not None:
            await self.send(operation + "/rejected", {"code": code, "message": "no", "clientToken": token})
            return
        answer = {"clientToken": token, "timestamp": 1, "version": self.version}
        if operation == "get":
            answer["state"] = dict(self.state, delta=self._delta())
            answer["metadata"] = {"desired": self._metadata()}
        elif operation == "update":
            self._lay(document["state"])
            answer.update(version=self.version, state=document["state"])
        else:
            self.state = None
        await self.send(operation + "/accepted", answer)
        if operation == "update":
            await self._send_delta()

    def _refusal(self, operation, document):
        if self.state is None and operation != "update":
            return 404
        return 409 if document.get("version", self.version) != self.version else None
