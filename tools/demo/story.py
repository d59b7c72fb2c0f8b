"""The demo's story: a factory-new ESP32 is given its Wi-Fi by a phone, becomes a working device, loses its Wi-Fi,
loses its power, is updated."""

import json
import re
import time

from tools.demo import update
from tools.demo.narrator import Narrator, StepFailed
from tools.demo.phone import demo_phone
from tools.desk import PASSWORD, SSID, Desk

_BOOT_S = 40  # provisioning makes an RSA key, and the first connection after power-on is spread over some seconds


def tell(verbose):
    """Tell the story in the terminal; returns the exit code."""
    narrator = Narrator(verbose)
    narrator.title("AWS IoT for ESP32 in MicroPython: the main job, on one desk")
    begin = time.monotonic()
    with Desk(on_line=narrator.device, board={"image": "ota"}) as desk:
        try:
            releases = update.Releases(desk)
            operator = desk.operator()
            code = _power_on(narrator, desk)
            _phone_comes_by(narrator, desk, code)
            thing = _first_connection(narrator, desk)
            _at_work(narrator, desk, operator, thing)
            _wifi_lost(narrator, desk, operator)
            starts = _power_cut(narrator, desk, operator)
            update.tell(narrator, desk, releases, operator, thing)
        except StepFailed as error:
            narrator.failure(error, desk.device.lines[-30:])
            return 1
        _summarise(narrator, thing, starts, time.monotonic() - begin)
    return 0


def _summarise(narrator, thing, starts, took_s):
    narrator.summary(
        [
            ("device", f"{thing}: configured by a phone, enrolled by claim"),
            ("real", "firmware, MicroPython, TLS 1.2, MQTT 3.1.1, littlefs, BLE session"),
            ("simulated", "the chip, its radio and router; AWS IoT by the local one"),
            ("updates", f"{update.GOOD} came signed and stayed; {update.BAD} crashed and went back by itself"),
            ("256 bytes", f"survived the power cut: {starts} starts counted"),
            ("time", f"{took_s:.0f} s for {len(narrator.steps)} steps"),
            ("next", "make cloud, and make sim in a second terminal; or make phone. docs/start-desk.md leads on"),
        ]
    )


def _power_on(narrator, desk):
    device = desk.device
    narrator.chapter("A local AWS IoT, and a factory-new ESP32")
    narrator.say(f"AWS IoT: MQTT over TLS on port {desk.cloud.mqtt_port}, control plane at {desk.cloud.control_url}")
    narrator.say(f"boto3 made the provisioning template '{desk.fleet.template}' and a claim certificate")
    desk.leave_factory(networks=[], timeouts=update.TIMES)
    narrator.say("the factory gave the device the claim certificate: no Wi-Fi, and nothing of its own")

    narrator.chapter("Power on")
    device.power_on()
    with narrator.step("boots, and has no Wi-Fi: it waits for somebody to configure it") as seen:
        seen(device.wait_for(r"INIT --\w+--> CONFIG").split(None, 1)[1])
    with narrator.step("has made a setup code, which is told on its console only") as seen:
        code = re.search(r"setup code ([A-Z2-7-]+)", device.wait_for("CONFIG: setup code"))[1]
        seen(f"{code}, for its label")
    return code


def _phone_comes_by(narrator, desk, code):
    narrator.chapter("A phone comes by")
    with demo_phone(desk.world.radio) as phone:
        with narrator.step("finds the device over Bluetooth") as seen:
            seen(phone.find())
        with narrator.step("makes an encrypted session with the setup code"):
            phone.connect()
            phone.secure(code)
        with narrator.step("asks which networks the device hears") as seen:
            seen(", ".join(f"{ap['ssid']} {ap['rssi']} dBm" for ap in phone.ask("SCAN")["aps"]))
        with narrator.step("mistypes the password: the device tries it, and keeps nothing") as seen:
            phone.ask("CFG", {"networks": [{"ssid": SSID, "password": "password"}]})
            seen(_answer(phone.ask("APPLY"), 6))
        with narrator.step("gives the right one: the device joins, saves it, and restarts") as seen:
            phone.ask("CFG", {"networks": [{"ssid": SSID, "password": PASSWORD}]})
            seen(_answer(phone.ask("APPLY"), 2))


def _answer(answer, code):
    if answer["code"] != code:
        raise StepFailed(f"the device answered {answer['code']}, {code} was expected: {answer['msg']}")
    return answer["msg"]


def _first_connection(narrator, desk):
    device = desk.device
    narrator.chapter("On its way to the cloud")
    with narrator.step("starts with the new settings, to try them") as seen:
        seen(device.wait_for(r"INIT --\w+--> NORMAL", _BOOT_S).split(None, 1)[1])
    with narrator.step("joins Wi-Fi") as seen:
        seen(_values(device.wait_for(r"wifi\.connected", _BOOT_S), "ssid", "ip", "rssi"))
    with narrator.step("sets its clock by NTP, so that certificates can be judged") as seen:
        seen(_values(device.wait_for(r"clock\.set", _BOOT_S), "source"))
    with narrator.step("is provisioned by claim: gets a certificate and key of its own") as seen:
        thing = _value(device.wait_for(r"aws\.provisioned", _BOOT_S), "thing")
        seen(thing)
    with narrator.step("connects with its own certificate: the new settings are confirmed") as seen:
        seen(_values(device.wait_for(r"aws\.connected", _BOOT_S), "endpoint"))
    return thing


def _at_work(narrator, desk, operator, thing):
    narrator.chapter("At work")
    with narrator.step("publishes telemetry, which a second client reads in the cloud") as seen:
        topic, payload = operator.next_message()
        seen(f"{topic}  {json.dumps(payload)}")
    with narrator.step("obeys a command from the cloud") as seen:
        operator.tell(thing, {"say": "hello"})
        seen(desk.device.wait_for(r"application: told .*hello").strip())
    with narrator.step("does a job of AWS IoT, which boto3 made for it") as seen:
        _make_job(desk, thing, {"action": "blink", "times": 3})
        desk.device.wait_for("application: blinks, 3 of 3")
        seen(_values(desk.device.wait_for(r"job\.finished"), "job", "status"))
    with narrator.step("has written its count of starts into its 256 bytes") as seen:
        seen(f"starts: {payload['starts']}")
        _await_flushed(desk.device)


def _make_job(desk, thing, document):
    iot = desk.cloud.iot()
    target = iot.describe_thing(thingName=thing)["thingArn"]
    iot.create_job(jobId="blink-1", targets=[target], document=json.dumps(document))


def _wifi_lost(narrator, desk, operator):
    narrator.chapter("The access point goes away, and comes back")
    desk.home.vanish()
    with narrator.step("notices, and says so") as seen:
        seen(_message(desk.device.wait_for(r"wifi\.disconnected", _BOOT_S)))
    desk.home.back()
    with narrator.step("joins again by itself") as seen:
        seen(_values(desk.device.wait_for(r"wifi\.connected", _BOOT_S), "ssid", "ip"))
    with narrator.step("is back in the cloud") as seen:
        desk.device.wait_for(r"aws\.connected", _BOOT_S)
        operator.forget()
        seen(json.dumps(operator.next_message()[1]))


def _power_cut(narrator, desk, operator):
    narrator.chapter("The power is cut, without a word of warning")
    desk.device.power_cut()
    operator.forget()
    desk.device.power_on()
    with narrator.step("starts again and connects at once: no second enrolment") as seen:
        line = desk.device.wait_for(r"aws\.(connected|provisioned)", _BOOT_S)
        if "aws.provisioned" in line:
            raise StepFailed("the device enrolled itself once more: it has lost its own certificate")
        seen(_values(line, "client_id"))
    with narrator.step("still has its 256 bytes: it has counted its starts in them") as seen:
        starts = operator.next_message()[1]["starts"]
        if starts != 2:
            raise StepFailed(f"the device counts {starts} starts, 2 were expected")
        seen(f"starts: {starts}")
    return starts


def _await_flushed(device):
    # The write may have come before what was awaited last, and then would never be found by waiting.
    if not any("flash.flushed" in line for line in device.lines):
        device.wait_for(r"flash\.flushed", _BOOT_S)


def _message(line):
    """The sentence that an event of trouble carries, in quotes."""
    return line.split(' message="', 1)[1].split('"', 1)[0]


def _value(line, key):
    """The value of `key=value` in a line of the device's console."""
    return line.split(f" {key}=", 1)[1].split(" ", 1)[0]


def _values(line, *keys):
    return ", ".join(f"{key} {_value(line, key)}" for key in keys)
