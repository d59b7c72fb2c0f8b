"""A phone configures a device over Bluetooth: what it gives is tried, and kept only when it works."""

from tests.host.ble_desk import SERVICE, Visitor
from tests.stories.conftest import QUICK, eventually, put_settings, write_settings
from tests.stories.eavesdropper import Eavesdropper
from tests.stories.phone import NETWORK, apply, fleet_messages, networks, records, setup_code, tell, visit
from tests.stories.telling import story
from tools.desk import ENDPOINT, PASSWORD, SSID

NO_NETWORKS = ("CFG", {"networks": None})
ALL = {"candidate", "settings", "thing", "pending", "notes"}


def start(desk):
    """Switch on a device that knows its short times and nothing else; returns its setup code."""
    write_settings(desk, {"timeouts": QUICK["timeouts"], "app": QUICK["app"]})
    desk.device.power_on()
    return setup_code(desk.device)


def everything(desk, network=NETWORK):
    """The messages that make a device of one that knows nothing, in order."""
    return [networks(network), *fleet_messages(desk, ENDPOINT), ("APPLY", {})]


@story
def a_device_with_nothing_is_configured_and_goes_to_work(desk):
    code = start(desk)
    device = desk.device
    with desk.world.radio.listen() as heard, visit(desk, code) as visitor:
        answer = tell(visitor, *everything(desk))
        assert (answer["code"], visitor.progress) == (2, [1])
        assert visitor.state()["step"] == "restarting"
    device.wait_for(r"CONFIG --restart_requested--> restart \(new settings\)")
    device.wait_for(r"INIT --ready--> NORMAL")
    device.wait_for(r"aws\.connected")
    device.wait_for(r"publish\.done")
    eventually(lambda: records(device) & (ALL | {"code"}) == {"settings", "thing", "code"})
    device.power_cut()
    device.power_on()
    device.wait_for(r"aws\.connected")
    learn_the_code_too_late(Eavesdropper(heard, visitor.info["name"]), visitor.greeted, code)


def learn_the_code_too_late(eavesdropper, greeted, code):
    for secret in (PASSWORD, "PRIVATE KEY", ENDPOINT):
        assert secret.encode() not in eavesdropper.air
    publics = eavesdropper.publics(greeted.public)
    for guess in (*publics, bytes(32), code.ljust(32, b"\0")):
        assert eavesdropper.opened(guess, code, publics) == []
    # What it lacks is what the phone had and has forgotten: with it these messages open.
    assert PASSWORD.encode() in b"".join(eavesdropper.opened(greeted.shared(publics[1]), code, publics))


@story
def a_stranger_without_the_code_changes_nothing_and_is_locked_out(desk):
    code = start(desk)
    for _ in range(5):
        with desk.world.radio.phone() as phone:
            stranger = Visitor(phone)
            stranger.hello(bytes(10))
            assert not stranger.confirmed
            assert stranger.ask("CFG", {"networks": [NETWORK]})["code"] == 3
        desk.device.wait_for(r"ble\.disconnected")
    with desk.world.radio.phone() as phone:
        refused = Visitor(phone).hello(code)
        assert refused["code"] == 3
        assert 0 < refused["retry_s"] <= 60
    assert not ALL & records(desk.device)
    desk.device.power_cut()
    desk.device.power_on()
    assert setup_code(desk.device) == code
    with visit(desk, code) as visitor:
        assert visitor.ask("STS")["code"] == 0


@story
def a_wifi_that_cannot_be_joined_is_told_by_its_code_and_nothing_is_kept(desk):
    code = start(desk)
    fleet = fleet_messages(desk, ENDPOINT)
    with visit(desk, code) as visitor:
        assert visitor.ask("APPLY")["code"] == 5, "nothing was given"
        failing = [
            (6, {"ssid": SSID, "password": "not the password"}, lambda: None),
            (7, {"ssid": "nowhere", "password": None}, lambda: None),
            (9, NETWORK, desk.home.no_address),
        ]
        for number, network, prepare in failing:
            prepare()
            answer = tell(visitor, NO_NETWORKS, networks(network), *fleet, ("APPLY", {}))
            assert (answer["code"], visitor.progress) == (number, [1])
            assert network["ssid"] in answer["msg"]
            state = visitor.state()
            assert (state["step"], state["code"], state["last"]["code"]) == ("failed", number, number)
        desk.home.no_address(False)
        assert visitor.ask("STS")["last"]["code"] == 9
        assert not ALL & records(desk.device)
        assert tell(visitor, NO_NETWORKS, networks(NETWORK), ("APPLY", {}))["code"] == 2
        assert visitor.state()["last"] is None, "the last attempt has not failed"
    desk.device.wait_for(r"aws\.connected")
    assert PASSWORD not in "\n".join(desk.device.lines)
    assert "not the password" not in "\n".join(desk.device.lines)


@story
def a_new_password_is_tried_though_another_network_would_do(desk):
    code = start(desk)
    desk.world.access_point("other", "another password")
    apply(desk, code, *everything(desk)[:-1])
    desk.device.wait_for(r"aws\.connected")
    desk.device.power_cut()
    put_settings_button(desk)
    assert apply(desk, code, networks({"ssid": "other", "password": "a wrong password"}))["code"] == 6


def put_settings_button(desk):
    """Switch on with the button held."""
    write_settings(desk, {"timeouts": QUICK["timeouts"], "pins": {"button": 0}})
    desk.device.hold_button(0)
    desk.device.power_on()
    setup_code(desk.device)
    desk.device.release_button(0)


@story
def who_goes_at_any_message_leaves_nothing_behind(desk):
    code = start(desk)
    messages = everything(desk)[:-1]
    for count in range(len(messages) + 1):
        with visit(desk, code) as visitor:
            tell(visitor, *messages[:count], ("STS", {}))
        desk.device.wait_for(r"ble\.disconnected")
    with visit(desk, code) as visitor:
        assert visitor.ask("APPLY")["code"] == 5, "what went before is forgotten"
    assert not ALL & records(desk.device)


@story
def who_goes_while_it_is_tried_finds_it_done(desk):
    code = start(desk)
    with visit(desk, code) as visitor:
        tell(visitor, *everything(desk)[:-1], ("STS", {}))
        visitor.write(visitor.frame("APPLY", message_id=99))
        assert visitor.ack()["code"] == 1
    desk.device.wait_for(r"settings\.received")
    desk.device.wait_for(r"CONFIG --restart_requested--> restart")
    desk.device.wait_for(r"aws\.connected")


@story
def a_phone_that_stays_does_not_keep_it_from_restarting(desk):
    code = start(desk)
    with visit(desk, code) as visitor:
        assert tell(visitor, *everything(desk))["code"] == 2
        assert visitor.ask("STS")["code"] == 11
        desk.device.wait_for(r"CONFIG --restart_requested--> restart", 5)


@story
def settings_are_reset(desk):
    code = start(desk)
    apply(desk, code, *everything(desk)[:-1])
    eventually(lambda: "candidate" not in records(desk.device) and "thing" in records(desk.device))
    desk.device.power_cut()
    put_settings_button(desk)
    with visit(desk, code) as visitor:
        assert visitor.ask("STS")["thing"] == desk.fleet.thing_name(desk.device.unique_id)
        assert visitor.ask("RESET", {"what": "settings"})["code"] == 0
    desk.device.wait_for(r"INIT --settings_incomplete--> CONFIG")
    line = desk.device.wait_for("CONFIG: settings_missing")
    assert "network" in line
    assert "aws.endpoint" in line
    assert "credentials" not in line, "the claim stays"
    assert setup_code(desk.device) == code
    assert records(desk.device) & ALL == {"settings"}
    answer = apply(desk, code, networks(NETWORK), ("CFG", {"aws": {"endpoint": ENDPOINT}}))
    assert answer["code"] == 2
    desk.device.wait_for(r"aws\.connected")
    desk.device.power_cut()
    put_settings_button(desk)
    with visit(desk, code) as visitor:
        assert visitor.ask("RESET", {"what": "all"})["code"] == 0
    desk.device.wait_for(r"CONFIG: settings_missing: .*credentials")
    assert setup_code(desk.device) == code
    assert not (ALL | {"user"}) & records(desk.device)


@story
def it_restarts_when_a_phone_asks_for_it(desk):
    code = start(desk)
    with visit(desk, code) as visitor:
        assert visitor.ask("RST")["code"] == 0
    desk.device.wait_for(r"restart \(a phone asked for it\)")
    assert setup_code(desk.device) == code


@story
def the_phone_may_set_the_clock_within_bounds(desk):
    code = start(desk)
    with visit(desk, code) as visitor:
        assert visitor.ask("TIME", {"time": 1000000000})["code"] == 8, "before this firmware was built"
        assert visitor.ask("TIME", {"time": 5000000000})["code"] == 8
        assert visitor.ask("TIME", {"time": 1900000000})["code"] == 0
    desk.device.wait_for(r"clock\.set source=phone time=1900000000")


@story
def an_open_device_warns_at_each_start(desk):
    put_settings(desk, security="open", pins={"button": 0})
    for _ in range(2):
        desk.device.power_on()
        desk.device.wait_for("settings: security is open: whoever is in range can configure this device")
        desk.device.wait_for("INIT --ready--> NORMAL")
        desk.device.power_cut()
    desk.device.hold_button(0)
    desk.device.power_on()
    desk.device.wait_for("can be configured over Bluetooth")
    with desk.world.radio.phone() as phone:
        phone.find(service=SERVICE)
        assert Visitor(phone).ask("STS")["code"] == 0
    assert not any("setup code" in line for line in desk.device.lines[-20:])
