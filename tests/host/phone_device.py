"""A device as the specification has it, for tests of the phone page: on the second implementation, ble_reference.

device = ReferenceDevice()
device.answers["APPLY"] = [(1, {}), (6, {})]       each message of that type: first code 1, then code 6
device.faults["CFG"] = ["silence", "damage"]       what happens to the next answers to that type
device.done                                        [(typ, dat)] whose work was done, each once
"""

import json
from collections import defaultdict

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tests import ble_reference as reference

CODE = bytes.fromhex("00112233445566778899")
CODE_TEXT = "AAIS-EM2E-KVTH-PCEZ"
APS = [
    {"ssid": "Café Müller", "rssi": -48, "secure": True},
    {"ssid": "workshop", "rssi": -71, "secure": True},
    {"ssid": "guests", "rssi": -79, "secure": False},
    {"ssid": "far away", "rssi": -90, "secure": True},
]
STATUS = {"mode": "CONFIG", "version": "1.0.0", "thing": None, "rssi": None, "uptime_s": 5, "heap_free": 90000}


class ReferenceDevice:
    """One device; `connect` begins a connection, `write` takes a write and returns the notifications it causes."""

    def __init__(self, setup_code=CODE, name="esp-0a1b2c", security="code", chunk=180):
        self.setup_code, self.name, self.security, self.chunk = setup_code, name, security, chunk
        self.proto = 1
        self.answers = {"SCAN": [(1, {}), (0, {"aps": APS})], "STS": [(0, STATUS)], "APPLY": [(1, {}), (2, {})]}
        self.faults = defaultdict(list)
        self.locked_s = 0
        self.hold = set()
        self.patience = float("inf")  # after so many repetitions what was held is answered
        self._held = []
        self.state = {"mode": "CONFIG", "step": "waiting", "code": 0, "message": "", "last": None}
        self.done = []
        self.repeated = 0
        self.connections = 0
        self.heard = b""  # everything that came over the air in one connection
        self.connect()

    def connect(self):
        self.connections += 1
        self.heard = self._stream = b""
        self._end = None
        self._last = (None, [])

    def info(self):
        document = {"proto": self.proto, "name": self.name, "hardware": "esp32", "version": "1.0.0"}
        return json.dumps({**document, "security": self.security, "chunk": self.chunk}).encode()

    def read_state(self):
        return json.dumps(self.state).encode()

    def opens_config_again(self, code, message):
        """It has restarted, could not work with its settings, and its STATE says why."""
        self.state = dict(self.state, mode="CONFIG", step="waiting", last={"code": code, "message": message})

    def write(self, data):
        assert len(data) <= self.chunk, "a write is longer than the device said"
        self.heard += data
        self._stream += data
        found = reference.find_frames(self._stream)
        if not found:
            return []
        self._stream = b""
        return [piece for kind, payload in found for out in self._take(kind, payload) for piece in self._cut(out)]

    @property
    def holds(self):
        """Whether an answer is held."""
        return bool(self._held)

    def release(self):
        """The notifications that were held."""
        held, self._held = self._held, []
        return [piece for dat, message_id in held for piece in self._cut(self._answer(dat, message_id))]

    def _cut(self, stream):
        return [stream[at : at + self.chunk] for at in range(0, len(stream), self.chunk)]

    def _take(self, kind, payload):
        if kind == reference.CLEAR:
            message = json.loads(payload)
            if message["typ"] == "HELLO" and self.security == "code":
                return [self._hello(message)]
            if self.security == "code":
                return [self._clear({"pkt": None, "code": 3, "msg": "no session"}, None)]
            return self._obey(message)
        try:
            text = self._end.open(payload) if self._end else None
        except reference.WrongTag:
            return [self._clear({"pkt": None, "code": 3, "msg": "wrong code"}, None)]
        return self._obey(json.loads(text)) if text else []

    def _hello(self, message):
        if self.locked_s:
            return self._clear({"pkt": "HELLO", "code": 3, "msg": "refused", "retry_s": self.locked_s}, message["id"])
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        phone = bytes.fromhex(message["dat"]["pub"])
        th = reference.hashlib.sha256(phone + public + self.name.encode()).digest()
        secret = private.exchange(X25519PublicKey.from_public_bytes(phone))
        enc_p, mac_p, enc_d, mac_d = reference.derive(secret, self.setup_code, th)
        self._end = reference.End(enc_d, mac_d, enc_p, mac_p)
        confirm = reference.hmac.digest(mac_d, b"device" + th, "sha256")[:16].hex()
        dat = {"pkt": "HELLO", "code": 0, "msg": "Done.", "pub": public.hex(), "confirm": confirm}
        return self._clear(dat, message["id"])

    def _obey(self, message):
        typ = message["typ"]
        fault = self.faults[typ].pop(0) if self.faults[typ] else None
        if fault in (4, 10, 99):
            return [self._clear({"pkt": None, "code": fault, "msg": "say it again"}, None)]
        if fault == 11:
            return [self._answer({"pkt": typ, "code": 11, "msg": "busy"}, message["id"])]
        dats = self._work(message)
        if typ in self.hold and len(dats) > 1:
            dats, self._held = dats[:1], [(dat, message["id"]) for dat in dats[1:]]
        out = [self._answer(dat, message["id"]) for dat in dats]
        if fault == "silence":
            return out[:-1]
        if fault == "damage":
            return [*out[:-1], out[-1][:-1] + bytes([out[-1][-1] ^ 1])]
        return out

    def _work(self, message):
        last_id, dats = self._last
        if last_id == message["id"]:
            self.repeated += 1
            return dats[:1] if self._held and self.repeated < self.patience else dats[-1:]
        self.done.append((message["typ"], message["dat"]))
        answers = self.answers.get(message["typ"], [(0, {})])
        dats = [{"pkt": message["typ"], "code": code, "msg": f"code {code}", **more} for code, more in answers]
        self._last = (message["id"], dats)
        return dats

    def _answer(self, dat, message_id):
        if self.security == "open":
            return self._clear(dat, message_id)
        document = json.dumps({"typ": "ACK", "id": message_id, "dat": dat}).encode()
        return reference.frame(reference.SEALED, self._end.seal(document))

    def _clear(self, dat, message_id):
        document = {"typ": "ACK", "id": message_id, "dat": dat}
        return reference.frame(reference.CLEAR, json.dumps(document).encode())


class Radio:
    """What a transport asks, answered by a device.

    `cut_at`: the connection ends at that write of the connection; `leaves`: once the phone hangs up, nobody is there.
    """

    def __init__(self, device):
        self.device = device
        self.cut_at = None
        self.reachable = True
        self.leaves = False
        self.state_reads = 0
        self.writes = 0

    def asked(self, what, data):
        """{"data": notifications, "value": what was read, "fail": why it failed}"""
        if what != "close" and not self.reachable:
            return {"fail": "out of range"}
        return getattr(self, "_" + what)(data)

    def _open(self, _):
        self.device.connect()
        self.writes = 0
        return {}

    def _close(self, _):
        self.reachable = not self.leaves
        return {}

    def _info(self, _):
        return {"value": self.device.info()}

    def _state(self, _):
        self.state_reads += 1
        return {"value": self.device.read_state()}

    def _write(self, data):
        self.writes += 1
        if self.writes == self.cut_at:
            return {"fail": "the connection ended"}
        return {"data": self.device.write(data)}
