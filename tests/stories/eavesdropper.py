"""Who has heard a whole conversation over Bluetooth, and learns the setup code afterwards."""

import json

from tests import ble_reference

_ATTRIBUTES = 4  # L2CAP's channel of them
_WRITE, _NOTIFICATION = 0x12, 0x1B
_VALUE = 7  # after L2CAP's header, the operation and the handle


class Eavesdropper:
    """`heard`: a `Listener` of the radio; `name`: the device's, which it advertises."""

    def __init__(self, heard, name):
        self.air = b"".join(frame.data for frame in heard.data())
        self.name = name
        self.said = {kind: _messages(heard, kind) for kind in (_WRITE, _NOTIFICATION)}

    def publics(self, public):
        """(the phone's public key, the device's) of the session in which the phone's was this."""
        acks = [json.loads(payload)["dat"] for kind, payload in self.said[_NOTIFICATION] if kind == ble_reference.CLEAR]
        return public, bytes.fromhex(next(ack["pub"] for ack in acks if "pub" in ack))

    def opened(self, secret, code, publics):
        """The sealed messages of the phone (bytes), as far as keys from this secret and setup code open them."""
        th = ble_reference.hashlib.sha256(b"".join(publics) + self.name.encode()).digest()
        enc_p, mac_p, enc_d, mac_d = ble_reference.derive(secret, code, th)
        device = ble_reference.End(enc_d, mac_d, enc_p, mac_p)
        found = []
        for kind, payload in self.said[_WRITE]:
            if kind == ble_reference.SEALED:
                try:
                    found.append(device.open(payload))
                except ble_reference.WrongTag:
                    pass
        return found


def _messages(heard, operation):
    stream = b""
    for frame in heard.data():
        channel = int.from_bytes(frame.data[2:4], "little")
        if channel == _ATTRIBUTES and frame.data[4] == operation:
            assert len(frame.data) == 4 + int.from_bytes(frame.data[:2], "little"), "in one piece"
            stream += frame.data[_VALUE:]
    return ble_reference.find_frames(stream)
