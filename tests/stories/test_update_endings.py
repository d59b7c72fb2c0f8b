"""Updates that something happens to: each a whole device, a release and the job's end. Told all at once, for most of
each is waiting.
"""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stories.conftest import eventually, thing_name
from tests.stories.releases import SIZE, SLOT, Key
from tests.stories.update_desk import CRASHES, END_S, FILLS, HANGS, UNWELL, Told
from tools.desk import FILES

# The trial


def crash_in_the_trial(desk):
    job = desk.releases.release("1.1.0", main=CRASHES)
    assert "the sensor is not there" in desk.ends(job, "FAILED", "trial_failed")["message"]
    assert (desk.device.slot, desk.versions()[-1]) == ("ota_0", "1.0.0")
    again = desk.releases.release("1.1.0")  # even were it another image: this version has failed here
    desk.ends(again, "REJECTED", "failed_here")
    assert "1.1.0" not in desk.versions()[desk.versions().index("1.1.0") + 1 :]
    desk.ends(desk.releases.release("1.1.1"), "SUCCEEDED")


def hang_in_the_trial(desk):
    desk.ends(desk.releases.release("1.1.0", main=HANGS), "FAILED", "trial_failed")
    assert desk.device.slot == "ota_0"


def failed_health_check(desk):
    job = desk.releases.release("1.1.0", main=UNWELL)
    assert "health check did not pass" in desk.ends(job, "FAILED", "trial_failed")["message"]
    assert desk.device.slot == "ota_0"


def reset_in_the_trial(desk):
    job = desk.releases.release("1.1.0", main="print('waits')\nwhile True: pass")
    desk.wait_for("^waits$")
    desk.device.reset()
    assert "it crashed" in desk.ends(job, "FAILED", "trial_failed")["message"]


def repl_in_the_trial(desk):
    """Nothing of the firmware runs: boot.py has set the watchdog."""
    job = desk.releases.release("1.1.0", main="raise RuntimeError('no application')")
    assert "watchdog" in desk.ends(job, "FAILED", "trial_failed")["message"]
    assert desk.device.starts.count("watchdog") == 1


def power_cut_in_the_trial(desk):
    job = desk.releases.release("1.1.0")
    desk.wait_for(r"^awsesp 1\.1\.0")
    desk.device.power_cut()
    desk.device.power_on()
    desk.ends(job, "SUCCEEDED")
    assert desk.versions()[-4:] == ["1.0.0", "1.1.0", "1.0.0", "1.1.0"]


def power_cut_at_some_writes(desk):
    # At every write: tests/device/test_update_power.py. Here the process is killed, and the bootloader is cut, too.
    for minor, n in enumerate((15, 75, 120, 165), 1):
        job = desk.releases.release(f"1.{minor}.0")
        desk.device.cut_at_write(n, torn=minor % 2 == 0)
        desk.device.wait_until_off(END_S)
        desk.device.power_on()
        desk.ends(job, "SUCCEEDED")
        assert desk.versions()[-1] == f"1.{minor}.0"
    assert sum("aws.provisioned" in line for line in desk.device.lines) == 1  # it has kept what it is


def outage_in_the_trial(desk):
    job = desk.releases.release("1.1.0")
    desk.wait_for(r"^awsesp 1\.1\.0")
    desk.home.vanish()
    desk.wait_for(r"^awsesp 1\.0\.0")
    desk.home.back()
    desk.ends(job, "SUCCEEDED")
    assert desk.versions()[-3:] == ["1.1.0", "1.0.0", "1.1.0"]


# The download


def wifi_lost_in_the_download(desk):
    desk.cloud.faults.files.order("stall", amount=SIZE // 2)  # what is on the way already arrives all the same
    job = desk.releases.release("1.1.0")
    desk.wait_for(r"ota\.progress percent=30")
    desk.home.vanish()
    desk.wait_for(r"wifi\.disconnected")
    desk.home.back()
    desk.ends(job, "SUCCEEDED")
    begins = desk.downloads()
    assert begins[0] == 0 < begins[-1], begins


def server_troubles(desk):
    faults = desk.cloud.faults.files
    for kind, amount in (("forbidden", 0), ("unavailable", 0), ("cut", 9000), ("stall", 9000)):
        faults.order(kind, amount=amount)
    desk.ends(desk.releases.release("1.1.0"), "SUCCEEDED")
    refused = [details["status"] for event, details in desk.log if event == "download_refused"]
    assert refused == [403, 503]
    assert desk.downloads()[-1] > 0


def link_cut_at_random_bytes(desk):
    """More cuts, and each byte on its own: tests/device/test_update_cuts.py and test_ota_cuts.py."""
    seed = int(os.environ.get("UPDATE_SEED") or random.randrange(1 << 32))
    choose = random.Random(seed)
    # Of the download, its handshake, and what MQTT says meanwhile. The first lets a record of TLS through: 16 KB.
    counts = [choose.randrange(21_000, 45_000)]
    counts += [choose.randrange(choose.choice((700, 3000, 25_000))) for _ in range(int(os.environ.get("CUTS") or 5))]
    try:
        job = desk.releases.release("1.1.0", size=SLOT - 0x1000)
        desk.wait_for(r"OTA ota\.started")
        for count in counts:
            desk.home.cut_after(count)
            eventually(lambda: desk.home.cut_left is None or desk.device.slot == "ota_1", END_S)
        desk.home.cut_after(None)
        desk.ends(job, "SUCCEEDED")
        begins = desk.downloads()
        assert begins == sorted(begins) and begins[-1] > 0, begins  # each went on where the one before was cut
    except Exception as error:
        raise AssertionError(f"UPDATE_SEED={seed}, cut after {counts}: {error}") from error


def power_lost_in_every_download(desk):
    """Such as with a supply that does not bear the flash being written."""
    desk.cloud.faults.files.order("slow", amount=5000, times=None)
    job = desk.releases.release("1.1.0")
    for _ in range(5):  # limits.update_starts
        desk.wait_for(r"OTA ota\.started")
        desk.device.power_cut()
        desk.device.power_on()
    desk.ends(job, "FAILED", "update_interrupted")
    assert set(desk.versions()) == {"1.0.0"}


def flash_full(desk):
    desk.device.power_cut()
    desk.device.write_file("/main.py", FILLS)
    desk.device.power_on()
    desk.wait_for("^full$")
    job = desk.releases.release("1.1.0")
    desk.ends(job, "FAILED", "flash_full")
    assert (desk.device.slot, desk.device.starts[-1]) == ("ota_0", "power on")


def server_gone(desk):
    desk.world.name(FILES, None)
    desk.ends(desk.releases.release("1.1.0"), "FAILED", "refused")
    assert desk.versions()[-1] == "1.0.0"
    desk.world.name(FILES, {443: desk.cloud.files_port})
    desk.ends(desk.releases.release("1.1.0"), "SUCCEEDED")


def image_broken_on_the_way(desk):
    desk.cloud.faults.files.order("corrupt", amount=20_000, times=None)
    desk.ends(desk.releases.release("1.1.0"), "FAILED", "image_broken")
    assert (desk.device.slot, desk.versions()[-1]) == ("ota_0", "1.0.0")


def led_to_a_wrong_host(desk):
    desk.world.name("wrong.example", {443: desk.cloud.files_port})
    desk.cloud.faults.files.order("redirect", target="https://wrong.example/image", times=None)
    details = desk.ends(desk.releases.release("1.1.0"), "FAILED", "server_cert_wrong_name")
    assert "wrong.example" in details["message"]


def cancelled_halfway(desk):
    desk.cloud.faults.files.order("slow", amount=10_000)
    job = desk.releases.release("1.1.0")
    desk.wait_for(r"ota\.progress percent=30")
    desk.releases.cancel(job)
    desk.wait_for(r"OTA --update_failed--> restart")
    desk.wait_for(r"NORMAL aws\.connected")
    assert desk.versions()[-1] == "1.0.0"
    desk.ends(desk.releases.release("1.1.0"), "SUCCEEDED")


def memory_for_both(desk):
    """As with PSRAM: in the download it stays in the cloud, tells how far it is, and hears at once of the job's end.
    In all other stories the board has not enough of it, and leaves."""
    desk.device.power_cut()
    desk.device.set_idf_heap(8180, 164500)
    desk.device.power_on()
    desk.cloud.faults.files.order("slow", amount=5000)
    job = desk.releases.release("1.1.0")
    desk.wait_for(r"ota\.progress percent=30")
    eventually(lambda: "percent" in desk.releases.execution(job).get("statusDetails", {}).get("detailsMap", {}))
    desk.releases.cancel(job)
    desk.wait_for(r"OTA --update_failed--> restart")
    assert not any("percent=100" in line for line in desk.device.lines)
    desk.ends(desk.releases.release("1.1.0"), "SUCCEEDED")
    assert sum("OTA aws.connected" in line for line in desk.device.lines) == 2  # one for each of the updates


def released_while_offline(desk):
    desk.device.power_cut()
    job = desk.releases.release("1.1.0")
    desk.device.power_on()
    desk.ends(job, "SUCCEEDED")


# The refusals


def refusals(desk):
    releases, ends = desk.releases, desk.ends
    image = releases.image("1.1.0")
    good = releases.document("1.1.0", image)
    ends(releases.send(releases.document("1.1.0", image, hardware="toaster")), "REJECTED", "wrong_hardware")
    ends(releases.send(releases.document("1.0.0", image)), "REJECTED", "not_newer")
    ends(releases.send(releases.document("1.1.0", image, size=SLOT + 1)), "REJECTED", "image_too_large")
    ends(releases.send(Key("k9").sign(good)), "REJECTED", "unknown_key")
    ends(releases.send({**good, "size": "32768"}), "REJECTED", "bad_document")
    # From here on the signature is looked at, in mode OTA.
    ends(releases.send(Key("k1").sign(good)), "REJECTED", "bad_signature")
    ends(releases.send({**good, "size": SIZE - 16}), "REJECTED", "bad_signature")
    other = releases.document("1.1.0", releases.image("1.1.0", changes={"greeting.py": "pass"}))
    ends(releases.send({**good, "sha256": other["sha256"], "url": other["url"]}), "REJECTED", "bad_signature")
    assert desk.downloads() == []
    assert set(desk.versions()) == {"1.0.0"}


def back_to_an_older_version(desk):
    releases, ends, name = desk.releases, desk.ends, thing_name(desk)
    older = releases.document("1.1.0", releases.image("1.1.0"), force=name)
    for_another = releases.document("1.1.0", releases.image("1.1.0"), force="device-0")
    ends(releases.send(for_another), "REJECTED", "not_newer")
    ends(releases.send(older), "SUCCEEDED")  # a signed force names this device, and it is not below the floor
    ends(releases.release("1.4.0", min_version="1.4.0"), "SUCCEEDED")
    ends(releases.send(older), "REJECTED", "below_floor")  # a replay of what was signed once
    assert desk.versions()[-1] == "1.4.0"


def keys_replaced_and_revoked(desk):
    releases, ends = desk.releases, desk.ends
    first, second, third = releases.key, releases.other, Key("k3")
    kept = {key.kid: key.public() for key in (second, third)}
    image = releases.image("1.1.0", changes={"ota/keys.py": f"KEYS = {kept!r}\n"})
    releases.key = second
    ends(releases.send(releases.document("1.1.0", image)), "SUCCEEDED")
    releases.key = first
    ends(releases.release("1.2.0"), "REJECTED", "unknown_key")
    releases.key = third
    ends(releases.release("1.2.0"), "SUCCEEDED")


STORIES = (
    crash_in_the_trial, hang_in_the_trial, failed_health_check, reset_in_the_trial, repl_in_the_trial,
    power_cut_in_the_trial, power_cut_at_some_writes, outage_in_the_trial, wifi_lost_in_the_download, server_troubles,
    link_cut_at_random_bytes, power_lost_in_every_download, flash_full, server_gone,
    image_broken_on_the_way, led_to_a_wrong_host, cancelled_halfway, memory_for_both,
    released_while_offline, refusals,
    back_to_an_older_version, keys_replaced_and_revoked,
)  # fmt: skip


# settle_s: to be connected for so long before a version may be confirmed, longer than what happens to it takes.
OPTIONS = {
    hang_in_the_trial: {"settle_s": 5},
    power_cut_in_the_trial: {"settle_s": 2},
    outage_in_the_trial: {"settle_s": 2},
    back_to_an_older_version: {"version": "1.3.0"},
    link_cut_at_random_bytes: {"tries": 20},
}


def _tell(story, opening):
    with opening:  # a few begin at a time: an enrolment is work
        desk = Told(**OPTIONS.get(story, {})).__enter__()
    try:
        story(desk)
    except Exception as error:
        console = "\n".join(["The device's console:", *desk.device.lines])
        raise AssertionError(f"{type(error).__name__}: {error}\n{console}") from error
    finally:
        desk.__exit__(None, None, None)


@pytest.fixture(scope="module")
def told(request):
    """{name: future} of the stories that were chosen."""
    chosen = [story for story in STORIES if any(f"[{story.__name__}]" in item.name for item in request.session.items)]
    opening = threading.Semaphore(4)
    with ThreadPoolExecutor(10) as pool:  # all of them at once a busy desk answers too late
        yield {story.__name__: pool.submit(_tell, story, opening) for story in chosen}


@pytest.mark.parametrize("name", [story.__name__ for story in STORIES])
def test_every_ending_of_an_update_is_told_and_leaves_a_working_device(told, name):
    told[name].result(timeout=170)
