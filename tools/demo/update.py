"""The demo's last chapters: a signed update, and a bad one that the device takes back by itself."""

import json
import time

from tools.demo.narrator import StepFailed
from tools.release import keys, publish
from tools.release.account import open_account
from tools.release.document import Release, sign
from tools.release.follow import Follower
from tools.sim import firmware

GOOD, BAD = "2.0.0", "3.0.0"
# The factory's settings for a demo: a new version that has been in the cloud for two seconds is good.
TIMES = {"settle_s": 2, "job_jitter_s": 0}

_KID = "demo"
_UPDATE_S = 60
_LOOK_S = 0.5
_BUG = '''"""Version 3, in which somebody has made a mistake."""

import awsesp


async def application(device):
    await device.aws.connected()
    await device.aws.publish("devices/%s/telemetry" % device.nane, b"{}")


awsesp.run(application)
'''


class Releases:
    """Who releases for this desk: has a key, and has flashed the first version, which trusts it, into the device."""

    def __init__(self, desk):
        self._key = keys.create(_KID, desk.folder / "release-keys", "for this demo only")
        self._account = open_account(None, desk.cloud.region, desk.cloud.control_url)
        desk.device.flash_firmware(self._image(None))

    def _image(self, version, **options):
        trusted = f'KEYS = {{"{_KID}": "{keys.public_hex(self._key)}"}}\n'
        return firmware.build(version, changes={"ota/keys.py": trusted}, **options)

    def publish(self, version, thing, **options):
        """Build a version, sign it, upload it, and create the job for the thing. Returns its id, and some words."""
        image = self._image(version, **options)
        document = sign(Release.of(image, version, "esp32"), _KID, self._key)
        place = publish.place(None, None, document)
        publish.upload(self._account, place, image)
        arns = publish.targets(self._account, [thing], [])
        job = publish.create_job(self._account, place, document, arns, publish.Rollout())
        return job, f"{len(image)} bytes, ECDSA P-256, {place}"

    def outcome(self, job, thing):
        """How the job ended for the thing: its status, and the device's own words."""
        follower = Follower(self._account, job)
        deadline = time.monotonic() + _UPDATE_S
        for _ in follower.states(_LOOK_S):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the job has no end after {_UPDATE_S} s")
        device = follower.state.devices[thing]
        return device.status, device.words


def tell(narrator, desk, releases, operator, thing):
    """Version 1 becomes version 2; version 3 does not last."""
    _good(narrator, desk, releases, operator, thing)
    _bad(narrator, desk, releases, operator, thing)


def _good(narrator, desk, releases, operator, thing):
    device = desk.device
    narrator.chapter(f"A signed update over the air: version {GOOD}")
    job = _publish(narrator, releases, GOOD, thing)
    with narrator.step("accepts it, and restarts into OTA with a clean heap"):
        device.wait_for("--update_accepted--> OTA", _UPDATE_S)
    with narrator.step("downloads it into the other slot, reads it back, checks the signature") as seen:
        device.wait_for(r"ota\.started", _UPDATE_S)
        seen(device.wait_for("--update_written--> restart", _UPDATE_S).split(None, 1)[1])
    with narrator.step("starts it on trial, reaches the cloud, and confirms it") as seen:
        device.wait_for(r"ota\.finished", _UPDATE_S)
        seen(f"runs from {device.slot}")
    with narrator.step("and only then the job has succeeded") as seen:
        seen(_outcome(releases, job, thing, "SUCCEEDED"))
    operator.forget()


def _bad(narrator, desk, releases, operator, thing):
    device = desk.device
    narrator.chapter(f"A bad update: the application of version {BAD} crashes")
    job = _publish(narrator, releases, BAD, thing, main=_BUG)
    with narrator.step("takes that, too, and starts it on trial"):
        device.wait_for("--update_written--> restart", _UPDATE_S)
        device.wait_for(f"awsesp {BAD}", _UPDATE_S)
    with narrator.step(f"crashes, and the bootloader goes back to {GOOD}") as seen:
        device.wait_for(f"awsesp {GOOD}", _UPDATE_S)
        seen(f"runs from {device.slot}")
    with narrator.step("is at work again") as seen:
        operator.forget()
        seen(json.dumps(operator.next_message(_UPDATE_S)[1]))
    with narrator.step("tells the job why, and never takes this version again") as seen:
        seen(_outcome(releases, job, thing, "FAILED"))


def _publish(narrator, releases, version, thing, **options):
    with narrator.step(f"{version} is built, signed, uploaded, and a job created") as seen:
        job, words = releases.publish(version, thing, **options)
        seen(f"{words}, job {job}")
    return job


def _outcome(releases, job, thing, expected):
    status, words = releases.outcome(job, thing)
    if status != expected:
        raise StepFailed(f"the job ended as {status} ({words}), {expected} was expected")
    return f"{status} {words}".strip()
