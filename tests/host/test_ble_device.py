"""A board with its Bluetooth door open and a Bumble phone that speaks a second implementation of the protocol."""

import hashlib
import json

import pytest

from tests import ble_reference
from tests.host.ble_desk import CODE, INFO, NAME, RX, SERVICE, STATE, TX, Visitor, door_desk, visit
from tools.sim.radio.central import LinkLost

MESSAGES = {
    "CFG": {"networks": [{"ssid": "home", "password": "a secret password"}], "app": {"color": "blue"}},
    "CERT": {"role": "thing", "cert": "c" * 1200, "key": "k" * 300},
    "SCAN": {},
    "TIME": {"time": 1793491200},
    "APPLY": {},
    "RESET": {"what": "settings"},
    "RST": {},
    "APP": {"anything": [1, None, "\u00e9"]},
}

# Points of low order on Curve25519 (RFC 7748, section 6.1): the secret would be zero whatever the device's key is.
LOW_ORDER = (
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


@pytest.mark.parametrize(("mtu", "chunk"), [(None, 20), (185, 182), (512, 509), (517, 509)])
def test_every_message_passes_with_every_chunk(tmp_path, mtu, chunk):
    with door_desk(tmp_path) as (world, board), visit(world, mtu) as visitor:
        expected = {"proto": 1, "name": NAME, "hardware": "esp32-test", "version": "1.2.3", "security": "code"}
        assert visitor.info == {**expected, "chunk": chunk}
        board.wait_for("^event ble.connected")
        for typ, dat in MESSAGES.items():
            answer = visitor.ask(typ, dat)
            assert (answer["pkt"], answer["sealed"]) == (typ, True)
            assert answer["code"] == (2 if typ == "APPLY" else 0)
            assert visitor.progress == ([1] if typ in ("SCAN", "APPLY") else [])
            board.wait_for(f"^asked {typ} ")
        assert answer["anything"] == [1, None, "\u00e9"]
        answer = visitor.ask("STS")
        assert answer["code"] == 6
        assert "home" in answer["msg"]
        assert [line for line in board.lines if "authenticated" in line] == ["event ble.authenticated None"]


@pytest.mark.parametrize("mtu", [None, 512])
def test_largest_message_passes_both_ways(tmp_path, mtu):
    text = "x" * (6144 - 20 - len('{"typ": "APP", "id": 2, "dat": {"text": ""}}'))
    with door_desk(tmp_path) as (world, _), visit(world, mtu) as visitor:
        world.radio.interval_ms = 0
        answer = visitor.ask("APP", {"text": text[:6000]})
        assert answer["text"] == text[:6000]
        # One byte more than the answer may have, because an ACK says more than a message: refused in words.
        assert visitor.ask("APP", {"text": text})["code"] == 13


def test_open_device_is_configured_in_clear(tmp_path):
    with door_desk(tmp_path, "open") as (world, _), visit(world, code=None) as visitor:
        assert visitor.info["security"] == "open"
        for typ, dat in MESSAGES.items():
            answer = visitor.ask(typ, dat)
            assert (answer["pkt"], answer["sealed"], answer["code"]) == (typ, False, 2 if typ == "APPLY" else 0)


def test_state_is_followed_by_notifications(tmp_path):
    with door_desk(tmp_path) as (world, _), visit(world) as visitor:
        assert visitor.state() == {"mode": "CONFIG", "step": "waiting", "code": 0, "message": "", "last": None}
        assert visitor.ask("APPLY")["code"] == 2
        assert [visitor.phone.next_notification(STATE) for _ in range(2)] == [b"\x01\x00", b"\x02\x02"]
        assert visitor.state()["step"] == "restarting"
        visitor.phone.write(STATE, b"anything")
        assert visitor.phone.next_notification(STATE) == b"\x02\x02"
        assert visitor.state()["step"] == "restarting"


def test_nothing_that_was_written_is_read_back_by_anybody(tmp_path):
    with door_desk(tmp_path) as (world, _):
        with visit(world) as visitor:
            for uuid in (TX, RX, STATE, INFO):
                visitor.phone.write(uuid, b"a secret")
        with visit(world, code=None) as stranger:
            for uuid in (TX, RX, STATE, INFO):
                assert b"secret" not in stranger.phone.read(uuid)
            assert stranger.phone.read(TX) == stranger.phone.read(RX) == b""


def test_listener_reads_no_secret(tmp_path):
    with door_desk(tmp_path) as (world, _), world.radio.listen() as heard, visit(world) as visitor:
        visitor.ask("CFG", MESSAGES["CFG"])
        visitor.ask("APP", {"text": "an answer that is nobody's business"})
        air = b"".join(frame.data for frame in heard.data())
        assert b"HELLO" in air
        assert b"password" not in air
        assert b"business" not in air
        assert CODE not in air
        assert CODE.hex().encode() not in air
        (hello, from_phone), (answer, from_device) = said(heard, 0x12), said(heard, 0x1B)
    # Afterwards the listener learns the setup code. It has all of the keys' ingredients then but the X25519 secret.
    phone, device = (bytes.fromhex(json.loads(text)["dat"]["pub"]) for text in (hello, answer))
    th = hashlib.sha256(phone + device + NAME.encode()).digest()
    for secret in (bytes(32), phone, device, th):
        enc_p, mac_p, enc_d, mac_d = ble_reference.derive(secret, CODE, th)
        for end, sealed in (((enc_d, mac_d, enc_p, mac_p), from_phone), ((enc_p, mac_p, enc_d, mac_d), from_device)):
            with pytest.raises(ble_reference.WrongTag):
                ble_reference.End(*end).open(sealed)
    assert visitor.session.receive_key not in air


def said(heard, opcode):
    """(the first message in clear, the first sealed one) of those who use this opcode of the attribute protocol."""
    stream = b"".join(frame.data[7:] for frame in heard.data() if frame.data[4] == opcode)
    frames = dict(reversed(ble_reference.find_frames(stream)))
    return frames[ble_reference.CLEAR], frames[ble_reference.SEALED]


@pytest.mark.parametrize("key", LOW_ORDER)
def test_unsafe_keys_make_no_session(tmp_path, key):
    with door_desk(tmp_path) as (world, _), visit(world, code=None) as visitor:
        answer = visitor.ask("HELLO", {"pub": key})
        assert (answer["code"], answer["pkt"], answer["sealed"]) == (8, "HELLO", False)
        assert visitor.hello()["code"] == 0
        assert visitor.ask("SCAN")["code"] == 0


def test_wrong_codes_close_the_door_for_everybody(tmp_path):
    with door_desk(tmp_path) as (world, board):
        for _ in range(5):
            with visit(world, code=bytes(10)) as stranger:
                answer = stranger.ask("SCAN")
                assert (answer["code"], answer["id"], answer["sealed"]) == (3, None, False)
                stranger.lost()
            board.wait_for("^event ble.disconnected the setup code was wrong$")
        with visit(world, code=None) as visitor:
            answer = visitor.hello()
            assert answer["code"] == 3
            assert 0 < answer["retry_s"] <= 60
            assert visitor.state()["mode"] == "CONFIG"
        assert not [line for line in board.lines if line.startswith("asked")]
        board.reset()  # the power cycle that forgives
        with visit(world) as visitor:
            assert visitor.ask("SCAN")["code"] == 0


def test_replayed_session_of_another_day_is_worth_nothing(tmp_path):
    with door_desk(tmp_path) as (world, board):
        with world.radio.listen() as heard, visit(world) as visitor:
            frame = visitor.frame("RST", message_id=7)
            visitor.write(frame)
            assert visitor.ack()["code"] == 0
            visitor.write(frame)
            assert visitor.ask("SCAN")["id"] == 2
        assert len([line for line in board.lines if line == "asked RST 7"]) == 1
        assert heard.data()
        with visit(world) as replayer:
            replayer.write(frame)
            assert replayer.ack()["code"] == 3
            replayer.lost()
        assert len([line for line in board.lines if line == "asked RST 7"]) == 1


@pytest.mark.parametrize("typ", ["HELLO", "CFG", "CERT", "SCAN", "APPLY"])
@pytest.mark.parametrize("share", [0.5, 1.0], ids=["half sent", "sent"])
@pytest.mark.parametrize("way", ["disconnect", "vanish"])
def test_phone_goes_in_any_message_and_the_next_one_is_served(tmp_path, typ, share, way):
    with door_desk(tmp_path) as (world, board):
        with visit(world, code=None if typ == "HELLO" else CODE) as visitor:
            message = {"pub": ble_reference.Phone(CODE).public.hex()} if typ == "HELLO" else MESSAGES[typ]
            frame = visitor.frame(typ, message, message_id=9)
            visitor.write(frame[: int(len(frame) * share)])
            getattr(visitor.phone, way)()
        board.wait_for("^event ble.disconnected the phone has gone$")
        with visit(world) as visitor:
            while (answer := visitor.ask("CFG", MESSAGES["CFG"]))["code"] == 11:
                pass  # what the phone before asked for goes on to its end
            assert answer["code"] == 0
        done = typ != "HELLO" and share == 1.0
        assert ("asked %s 9" % typ in board.lines) == done
        assert ("applied" in board.lines) == (done and typ == "APPLY")


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_link_that_is_cut_anywhere_leaves_a_working_door(tmp_path, count):
    with door_desk(tmp_path) as (world, board):
        with visit(world) as visitor:
            world.radio.cut_after(count)
            with pytest.raises((LinkLost, TimeoutError)):
                for _ in range(count):
                    visitor.write(visitor.frame("CERT", MESSAGES["CERT"]))
                    visitor.ack(timeout_s=1)
        board.wait_for("^event ble.disconnected the phone has gone$")
        with visit(world) as visitor:
            assert visitor.ask("CERT", MESSAGES["CERT"])["code"] == 0


def test_power_cut_in_the_middle_of_a_message(tmp_path):
    with door_desk(tmp_path) as (world, board):
        with visit(world) as visitor:
            frame = visitor.frame("APPLY")
            visitor.write(frame[:-5])
            board.power_cut()
            with pytest.raises(LinkLost):
                visitor.write(frame[-5:])
        board.power_on()
        with visit(world) as visitor:
            assert visitor.ask("APPLY")["code"] == 2


def test_second_phone_waits_until_the_first_has_gone(tmp_path):
    with door_desk(tmp_path) as (world, _), world.radio.phone() as other:
        with visit(world) as visitor:
            with pytest.raises(TimeoutError):
                other.find(service=SERVICE, timeout_s=0.5)
            assert visitor.ask("SCAN")["code"] == 0
        assert Visitor(other).hello()["code"] == 0


def test_lossy_link_loses_time_and_nothing_else(tmp_path):
    with door_desk(tmp_path) as (world, _), visit(world) as visitor:
        world.radio.loss = 0.3
        world.radio.supervision_s = 2
        assert visitor.ask("APP", {"text": "x" * 2000})["text"] == "x" * 2000


def test_damaged_message_is_asked_for_again_and_rubbish_is_passed_over(tmp_path):
    with door_desk(tmp_path) as (world, board), visit(world) as visitor:
        visitor.ask("TIME", MESSAGES["TIME"])
        frame = bytearray(visitor.frame("CFG", MESSAGES["CFG"], message_id=9))
        frame[20] ^= 1
        visitor.write(bytes(frame))
        answer = visitor.ack()
        assert (answer["code"], answer["id"], answer["sealed"]) == (10, None, True)
        visitor.write(b"\x00rubbish\xa5\xa5" + visitor.frame("CFG", MESSAGES["CFG"], message_id=9))
        answer = visitor.ack()
        assert (answer["code"], answer["id"]) == (0, 9)
        assert [line for line in board.lines if line.startswith("asked CFG")] == ["asked CFG 9"]


def test_gap_in_a_message_is_told_after_five_seconds(tmp_path):
    with door_desk(tmp_path) as (world, _), visit(world) as visitor:
        visitor.ask("TIME", MESSAGES["TIME"])
        frame = visitor.frame("CFG", MESSAGES["CFG"], message_id=9)
        visitor.write(frame[:30])
        assert visitor.ack()["code"] == 4
        visitor.write(visitor.frame("CFG", MESSAGES["CFG"], message_id=9))
        assert visitor.ack()["code"] == 0
