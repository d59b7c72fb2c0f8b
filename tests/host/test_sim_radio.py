"""A board that serves with aioble, and a Bumble phone: through the simulated radio and all that goes wrong in it."""

import contextlib
import random

import pytest

from tests.host.radio_desk import ECHO, RX, SERVICE, STATE, TX, connected_phone, echo_desk, received
from tools.sim import Board
from tools.sim.radio.central import AttError, LinkLost


def test_phone_finds_the_board_by_its_service_and_name(tmp_path):
    with echo_desk(tmp_path) as (world, board), world.radio.phone() as phone:
        found = phone.find(service=SERVICE)
        assert found.name == "thing-123456"
        assert found.services == (SERVICE,)
        address = bytes.fromhex(board.unique_id)
        assert found.address == ":".join(f"{byte:02X}" for byte in address[:5] + bytes([(address[5] + 2) & 255]))


def test_phone_writes_and_is_notified(tmp_path):
    with echo_desk(tmp_path) as (world, board), connected_phone(world) as phone:
        board.wait_for("^connected f0:00:00:00:00:01$")
        assert phone.mtu == 512
        assert phone.services()[SERVICE] == [TX, RX, STATE]
        phone.write(RX, b"hello")
        assert phone.next_notification(TX) == b"hello"
        assert phone.read(STATE) == b"s" * 400
        phone.disconnect()
        board.wait_for("^disconnected$")
        board.wait_for("^advertising$")


@pytest.mark.parametrize("mtu", [23, 185, 512])
def test_a_long_message_passes_in_pieces(tmp_path, mtu):
    message = bytes(random.Random(mtu).randbytes(6000))
    with echo_desk(tmp_path) as (world, _), connected_phone(world, mtu) as phone:
        world.radio.interval_ms = 0
        for start in range(0, len(message), mtu - 3):
            phone.write(RX, message[start : start + mtu - 3])
        assert received(phone, len(message)) == message


def test_no_write_command_is_lost_however_fast_they_come(tmp_path):
    messages = [b"%04d" % number for number in range(300)]
    with echo_desk(tmp_path) as (world, _), connected_phone(world) as phone:
        for message in messages:
            phone.write(RX, message, response=False)
        assert received(phone, 1200) == b"".join(messages)


def test_a_write_longer_than_the_mtu_arrives_in_one_piece(tmp_path):
    with echo_desk(tmp_path) as (world, board), connected_phone(world, mtu=23) as phone:
        phone.write(RX, b"x" * 100)
        board.wait_for("^got 100$")


def test_what_the_board_does_not_allow_is_refused(tmp_path):
    with echo_desk(tmp_path) as (world, _), connected_phone(world) as phone:
        with pytest.raises(AttError) as refusal:
            phone.write(STATE, b"x")
        assert refusal.value.args == (3,)
        with pytest.raises(KeyError):
            phone.read("00000000-0000-0000-0000-000000000000")


def test_a_lossy_link_loses_time_and_nothing_else(tmp_path):
    message = bytes(random.Random(1).randbytes(2000))
    with echo_desk(tmp_path) as (world, _), connected_phone(world) as phone:
        world.radio.loss = 0.4
        for start in range(0, len(message), 500):
            phone.write(RX, message[start : start + 500])
        assert received(phone, len(message)) == message


def test_a_link_on_which_nothing_passes_ends(tmp_path):
    with echo_desk(tmp_path) as (world, board), connected_phone(world) as phone:
        world.radio.supervision_s = 0.2
        world.radio.loss = 1.0
        with pytest.raises(LinkLost):
            phone.write(RX, b"x")
        board.wait_for("^disconnected$")


def test_a_cut_link_is_noticed_by_both_sides_and_the_next_one_works(tmp_path):
    with echo_desk(tmp_path) as (world, board), connected_phone(world) as phone:
        world.radio.supervision_s = 0.2
        world.radio.cut()
        with pytest.raises(LinkLost):
            phone.write(RX, b"x")
        board.wait_for("^disconnected$")
        assert not phone.is_connected
        phone.connect(phone.find(service=SERVICE))
        phone.subscribe(TX)
        phone.write(RX, b"again")
        assert phone.next_notification(TX) == b"again"


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_a_link_is_cut_after_any_frame(tmp_path, count):
    with echo_desk(tmp_path) as (world, board), connected_phone(world) as phone:
        world.radio.supervision_s = 0.2
        world.radio.cut_after(count)
        with pytest.raises((LinkLost, TimeoutError)):
            for _ in range(count):
                phone.write(RX, b"x")
                phone.next_notification(TX, timeout_s=1)
        board.wait_for("^disconnected$")


def test_a_phone_that_walks_away_is_missed_after_a_while(tmp_path):
    with echo_desk(tmp_path) as (world, board), connected_phone(world) as phone:
        world.radio.supervision_s = 0.2
        phone.vanish()
        board.wait_for("^disconnected$")
        phone.connect(phone.find(service=SERVICE))
        board.wait_for("^connected")


def test_a_board_that_loses_its_power_says_no_farewell(tmp_path):
    with echo_desk(tmp_path) as (world, board), connected_phone(world) as phone:
        world.radio.supervision_s = 0.2
        with world.radio.listen() as heard:
            board.power_cut()
            with pytest.raises(LinkLost):
                phone.write(RX, b"x")
        assert not [frame for frame in heard.frames if frame.data == b"TerminateInd"]
        board.power_on()
        board.wait_for("^advertising$")
        phone.connect(phone.find(service=SERVICE))


def test_a_board_that_stops_the_stack_says_farewell(tmp_path):
    program = ECHO.replace('        print("got", len(data))\n', '        aioble.stop(); print("stopped"); return\n')
    assert "stopped" in program
    with echo_desk(tmp_path, program) as (world, board), connected_phone(world) as phone:
        with world.radio.listen() as heard, contextlib.suppress(LinkLost):
            phone.write(RX, b"x")
            phone.write(RX, b"x")
        assert [frame.source for frame in heard.frames if frame.data == b"TerminateInd"]
        board.wait_for("^stopped$")
        assert "disconnected" not in board.lines
        with pytest.raises(TimeoutError):
            phone.find(service=SERVICE, timeout_s=0.3)


def test_several_phones_and_boards_at_once(tmp_path):
    with echo_desk(tmp_path) as (world, board):
        scripts = {"main": tmp_path / "program.py", "boot": tmp_path / "boot.py"}
        with Board(tmp_path / "second", world, **scripts) as second:
            second.power_on()
            second.wait_for("^advertising$")
            with connected_phone(world) as one, connected_phone(world) as other:
                board.wait_for("^connected")
                second.wait_for("^connected")
                one.write(RX, b"one")
                other.write(RX, b"other")
                assert one.next_notification(TX) == b"one"
                assert other.next_notification(TX) == b"other"


def test_the_faster_of_two_phones_is_connected_and_the_other_told_so(tmp_path):
    with echo_desk(tmp_path) as (world, board), world.radio.phone() as one, world.radio.phone() as other:
        world.radio.supervision_s = 0.2
        found = one.find(service=SERVICE)
        one.connect(found)
        with pytest.raises(TimeoutError):
            other.connect(found, timeout_s=0.3)
        assert not other.is_connected
        one.disconnect()
        other.connect(found)
        board.wait_for("^connected f0:00:00:00:00:02$")


def test_a_listener_hears_every_byte_in_the_air(tmp_path):
    with echo_desk(tmp_path) as (world, _), world.radio.listen() as heard:
        with connected_phone(world) as phone:
            phone.write(RX, b"a secret")
            phone.next_notification(TX)
        kinds = {frame.kind for frame in heard.frames}
        assert kinds >= {"advertisement", "response", "connect", "data"}
        spoken = [(frame.source[:8], frame.data) for frame in heard.data() if b"a secret" in frame.data]
        assert len(spoken) == 2
        assert spoken[0][0] == "F0:00:00"
        assert any(b"thing-123456" in frame.data for frame in heard.frames if frame.kind == "response")


def test_board_that_sends_faster_than_the_air_is_told_to_wait(tmp_path):
    program = ECHO.replace("(connection.mtu or 23) - 3", "10").replace("sleep_ms(2)", 'sleep_ms(print("full") or 2)')
    with echo_desk(tmp_path, program) as (world, board), connected_phone(world) as phone:
        world.radio.interval_ms = 150  # 4 in that time, and 50 at once: a board on a busy desk is faster than that
        message = bytes(random.Random(2).randbytes(1000))
        phone.write(RX, message[:500])
        phone.write(RX, message[500:])
        assert received(phone, 1000) == message
        assert "full" in board.lines


def test_events_wait_while_the_program_computes_and_none_is_lost(tmp_path):
    program = ECHO.replace('        print("got", len(data))\n', "        for _ in range(20000): pass\n")
    with echo_desk(tmp_path, program) as (world, _), connected_phone(world) as phone:
        for number in range(50):
            phone.write(RX, b"%02d" % number, response=False)
        assert received(phone, 100) == b"".join(b"%02d" % number for number in range(50))
