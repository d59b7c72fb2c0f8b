"""New settings are tried; those that fail lead back, and those that worked once are never thrown away."""

from tests.host.ble_desk import Visitor
from tests.stories.conftest import QUICK, eventually, put_application, put_settings, thing_certificates, thing_name
from tests.stories.phone import NETWORK, apply, fleet_messages, networks, records, setup_code, tell, visit
from tests.stories.telling import story
from tools.cloud.recipes import create_thing
from tools.desk import ENDPOINT

ELSEWHERE = "elsewhere-ats.iot.local-1.amazonaws.com"
AT_ELSEWHERE = ("CFG", {"aws": {"endpoint": ELSEWHERE}})


def put_shorter(desk, **changes):
    """The factory's settings; new ones are given five seconds, and so is a phone."""
    timeouts = dict(QUICK["timeouts"], candidate_s=5, config_s=5, **changes.pop("timeouts", {}))
    put_settings(desk, timeouts=timeouts, pins={"button": 0}, **changes)


def press_button(desk):
    """Switch on with the button held; the setup code."""
    desk.device.power_cut()
    desk.device.hold_button(0)
    desk.device.power_on()
    code = setup_code(desk.device)
    desk.device.release_button(0)
    return code


def last(desk):
    """The failure that STATE shows to whoever comes."""
    with desk.world.radio.phone() as phone:
        return Visitor(phone).state()["last"]


def is_confirmed(desk):
    found = records(desk.device)
    return "settings" in found and not {"candidate", "notes", "pending"} & found


@story
def settings_that_fail_lead_back_to_config_and_to_those_that_worked(desk):
    put_shorter(desk)
    device = desk.device
    code = press_button(desk)
    assert apply(desk, code, AT_ELSEWHERE)["code"] == 2
    device.wait_for(r"NORMAL --candidate_refused--> restart \(unknown_name: ", 30)
    device.wait_for(r"INIT --config_requested--> CONFIG")
    device.wait_for(rf"CONFIG: the last attempt failed: unknown_name: .*'{ELSEWHERE}'")
    assert setup_code(device) == code
    failure = last(desk)
    assert failure["code"] == 14
    assert ELSEWHERE in failure["message"]
    device.wait_for(r"CONFIG --window_closed--> restart \(nobody came to configure\)", 30)
    device.wait_for(r"INIT --ready--> NORMAL")
    device.wait_for(rf"aws\.connected .*endpoint={ENDPOINT}")
    eventually(lambda: not {"candidate", "settings", "notes"} & records(device))


@story
def without_others_to_go_back_to_they_are_tried_again_and_can_be_mended(desk):
    device = desk.device
    put_shorter(desk, networks=[])
    device.power_on()
    code = setup_code(device)
    assert apply(desk, code, networks(NETWORK), AT_ELSEWHERE)["code"] == 2
    device.wait_for(r"NORMAL --candidate_refused--> restart", 30)
    device.wait_for(r"CONFIG --window_closed--> restart", 30)
    device.wait_for(r"INIT --ready--> NORMAL")
    device.wait_for(r"NORMAL --candidate_refused--> restart", 30)
    assert setup_code(device) == code
    with visit(desk, code) as visitor:
        assert visitor.ask("STS")["last"]["code"] == 14
        # What was right is still there: one message mends it.
        assert tell(visitor, ("CFG", {"aws": {"endpoint": None}}), ("APPLY", {}))["code"] == 5
        assert tell(visitor, ("CFG", {"aws": {"endpoint": ENDPOINT}}), ("APPLY", {}))["code"] == 2
    device.wait_for(r"aws\.connected", 30)
    eventually(lambda: is_confirmed(desk))


@story
def a_changed_password_opens_a_window_again_and_again(desk):
    device = desk.device
    put_shorter(desk, timeouts={"offline_s": 10})
    device.power_on()
    device.wait_for(r"aws\.connected")
    desk.home.password = "a new password"
    desk.home.kick()
    device.wait_for(r"NORMAL --cloud_unreached--> restart \(wrong_password: ", 40)
    code = setup_code(device)
    assert last(desk)["code"] == 6
    device.wait_for(r"CONFIG --window_closed--> restart", 30)
    device.wait_for(r"INIT --ready--> NORMAL", 30)
    press_button(desk)
    assert apply(desk, code, networks({"ssid": "home", "password": "a new password"}))["code"] == 2
    device.wait_for(r"aws\.connected", 30)
    eventually(lambda: is_confirmed(desk))


@story
def a_new_claim_makes_a_new_certificate_and_the_old_one_stays_until_then(desk):
    put_shorter(desk)
    device = desk.device
    device.power_on()
    device.wait_for(r"aws\.connected")
    eventually(lambda: {"thing", "clock"} <= records(device) and "pending" not in records(device))
    (before,) = thing_certificates(desk)
    code = press_button(desk)
    _, _, claim = fleet_messages(desk, ENDPOINT)
    assert apply(desk, code, claim, AT_ELSEWHERE)["code"] == 2
    device.wait_for(r"NORMAL --candidate_refused--> restart", 30)
    device.wait_for(r"CONFIG --window_closed--> restart", 30)
    device.wait_for(r"aws\.connected")
    assert thing_certificates(desk) == [before]
    press_button(desk)
    assert apply(desk, code, claim)["code"] == 2
    device.wait_for(rf"aws\.provisioned thing={thing_name(desk)}")
    device.wait_for(r"aws\.connected")
    eventually(lambda: is_confirmed(desk))
    assert len(thing_certificates(desk)) == 2
    device.power_cut()
    device.power_on()
    assert "provisioned" not in device.wait_for(r"aws\.(connected|provisioned)")


@story
def a_new_certificate_of_a_thing_is_used_instead_of_the_one_it_has(desk):
    put_shorter(desk)
    device = desk.device
    device.power_on()
    device.wait_for(r"aws\.connected")
    eventually(lambda: {"thing", "clock"} <= records(device) and "pending" not in records(device))
    lamp = create_thing(desk.cloud.iot(), "lamp", desk.fleet.thing_policy)
    code = press_button(desk)
    give = ("CERT", {"role": "thing", "cert": lamp.cert_pem, "key": lamp.key_pem})
    with visit(desk, code) as visitor:
        assert tell(visitor, give, ("APPLY", {}))["code"] == 5, "whose it is must be said"
        assert tell(visitor, ("CFG", {"aws": {"thing": "lamp"}}), ("APPLY", {}))["code"] == 2
    device.wait_for(r"aws\.connected client_id=lamp")
    eventually(lambda: is_confirmed(desk) and "thing" not in records(device))
    device.power_cut()
    device.power_on()
    device.wait_for(r"aws\.connected client_id=lamp")


@story
def a_button_that_is_stuck_does_not_keep_it_from_its_work(desk):
    put_shorter(desk)
    desk.device.hold_button(0)
    desk.device.power_on()
    desk.device.wait_for(r"INIT --config_requested--> CONFIG")
    desk.device.wait_for(r"CONFIG --window_closed--> restart \(nobody came to configure\)", 30)
    desk.device.wait_for(r"aws\.connected")
    desk.device.release_button(0)


@story
def an_application_asks_for_config_and_talks_with_the_phone(desk):
    put_shorter(desk)
    device = desk.device
    put_application(desk, "asking")
    device.power_on()
    device.wait_for(r"NORMAL --config_requested--> restart \(a knob was turned\)")
    code = setup_code(device)
    with visit(desk, code) as visitor:
        answer = visitor.ask("APP", {"colour": "red"})
        assert (answer["code"], answer["colour"], answer["every_s"]) == (0, "red", 1)
        assert visitor.ask("APP", {"colour": "crash"})["code"] == 12
        assert visitor.ask("RST")["code"] == 0
    device.wait_for("application: colour red")


@story
def a_candidate_that_cannot_be_read_is_dropped_for_the_confirmed_settings(desk):
    put_shorter(desk)
    device = desk.device
    code = press_button(desk)
    assert apply(desk, code, ("CFG", {"app": {"every_s": 1}}))["code"] == 2
    device.wait_for(r"CONFIG --restart_requested--> restart")
    device.power_cut()
    # A settings file with which the candidate is not enough any more.
    put_shorter(desk, networks=[])
    device.power_on()
    device.wait_for(r"settings: candidate left out: settings_missing")
    device.wait_for(r"INIT --settings_incomplete--> CONFIG")
    assert "candidate" not in records(device)
