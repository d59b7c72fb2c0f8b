"""The worked example of docs/ble-protocol.md, computed from tests/vectors/ble.json by the second implementation.

`python -m tests.host.ble_example` writes it into the document; a test holds the document against it.
"""

import json
import re
from pathlib import Path

from tests import ble_reference as reference

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "ble-protocol.md"
SESSION = json.loads((ROOT / "tests" / "vectors" / "ble.json").read_text())["session"]
_BEGIN, _END = "<!-- example: begin -->\n", "<!-- example: end -->\n"
_BYTES_A_LINE = 32
_SMALLEST_CHUNK = 20
_APS = {"pkt": "SCAN", "code": 0, "msg": "Done.", "aps": [{"ssid": "home", "rssi": -52, "secure": True}]}


def unhex(name):
    return bytes.fromhex(SESSION[name])


def example():
    """The example as Markdown."""
    return "\n".join([*_keys(), *_hello(), *_secrets(), *_scan(), ""])


def document():
    """The whole document with today's example in it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.sub(f"{_BEGIN}.*?{_END}", lambda _: f"{_BEGIN}\n{example()}\n{_END}", text, flags=re.DOTALL)


def _keys():
    return [
        "What both sides have. Real private keys are random and new for each HELLO.",
        "",
        *_table(
            ("the phone's private key", "phone_private"),
            ("the phone's public key", "phone_public"),
            ("the device's private key", "device_private"),
            ("the device's public key", "device_public"),
            (f"setup code {SESSION['setup_code_text']}", "setup_code_bytes"),
        ),
        f"The device's name, as INFO has it: `{SESSION['name']}`.",
        "",
    ]


def _hello():
    payload = unhex("frame_type_1")[6:]
    pieces = -(-len(unhex("frame_type_1")) // _SMALLEST_CHUNK)
    dat = {"pkt": "HELLO", "code": 0, "msg": "Done.", "pub": SESSION["device_public"], "confirm": SESSION["confirm"]}
    answer = _compact({"typ": "ACK", "id": 1, "dat": dat})
    return [
        f"**HELLO**, type 1, written to RX in {pieces} writes of at most {_SMALLEST_CHUNK} bytes, or in one of 509:",
        "",
        *_block(payload.decode(), unhex("frame_type_1")),
        "The device's **ACK**, type 1, in notifications of TX:",
        "",
        *_block(answer.decode(), reference.frame(reference.CLEAR, answer)),
    ]


def _secrets():
    return [
        "What both sides compute now:",
        "",
        *_table(
            ("X25519 shared secret", "shared_secret"),
            ("th", "th"),
            ("enc_p", "enc_p"),
            ("mac_p", "mac_p"),
            ("enc_d", "enc_d"),
            ("mac_d", "mac_d"),
            ("HMAC-SHA256(mac_d, \"device\" \\| th), first 16 bytes", "confirm"),
        ),
        "It is the `confirm` that the device sent: it knows the setup code, and the session stands.",
        "",
    ]  # fmt: skip


def _scan():
    sealed = unhex("sealed_by_phone")
    answer = _compact({"typ": "ACK", "id": 2, "dat": _APS})
    end = reference.End(unhex("enc_d"), unhex("mac_d"), unhex("enc_p"), unhex("mac_p"))
    sealed_answer = end.seal(answer)
    answer_frame = reference.frame(reference.SEALED, sealed_answer)
    return [
        "**SCAN**, type 2, the phone's first sealed message (counter 1):",
        "",
        *_block(SESSION["clear"], unhex("frame_type_2")),
        *_parts(unhex("frame_type_2")[:6], sealed),
        "The device's **ACK**, type 2, its own counter 1 (here without the code 1 that may come first):",
        "",
        *_block(answer.decode(), answer_frame),
        *_parts(answer_frame[:6], sealed_answer),
    ]


def _table(*rows):
    lines = [f"| {what} | `{SESSION[name]}` |" for what, name in rows]
    return ["| what | bytes |", "|---|---|", *lines, ""]


def _block(text, frame):
    rows = [frame[at : at + _BYTES_A_LINE].hex() for at in range(0, len(frame), _BYTES_A_LINE)]
    return ["```", text, "", *rows, "```", ""]


def _parts(header, payload):
    return [
        f"`{header.hex()}` is the header: mark `{header[:1].hex()}`, type `{header[1:2].hex()}`, length "
        f"`{header[2:4].hex()}` ({len(payload)}),",
        f"CRC `{header[4:].hex()}`; then the counter `{payload[:4].hex()}`, {len(payload) - 20} bytes of ciphertext,",
        f"and the tag `{payload[-16:].hex()}`.",
        "",
    ]


def _compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8", newline="\n")
