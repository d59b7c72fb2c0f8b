"""Updates by documents that are not ours: AWS's own, and the original library's. Only for who asks for them."""

import simulation

import errors
from aws.job_words import operation_of
from harness import equal, raises
from ota import foreign
from signing import signature_of
from update_desk import SLOT, Desk

TIMEOUT_S = 30
HEAP = "16m"

ALLOWED = {"allow": ["ota", "afr_ota", "OTA"]}


def desk_with(image=None):
    desk = Desk(jobs=ALLOWED)
    desk.images["/1.1.0"] = image or desk.image("1.1.0")
    return desk


def url(name="1.1.0"):
    return "https://images.test/%s?link=1" % name


def afr(image, private=7, **changes):
    file = {
        "filepath": "/",
        "filesize": len(image),
        "fileid": 0,
        "certfile": "/",
        "update_data_url": url(),
        "auth_scheme": "aws.s3.presigned",
        "sig-sha256-ecdsa": signature_of(image, private),
    }
    file.update(changes)
    return {"afr_ota": {"protocols": ["MQTT", "HTTP"], "streamname": "s", "files": [file]}}


def read(document):
    return foreign.read(operation_of(document), "job-1", document)


def ends(desk, document, status, reason=None):
    job = "job-%d" % len(desk.cloud.executions)
    desk.send(document, job)
    desk.live_on(job_id=job)
    equal(desk.status(job), (status, reason))


def test_they_are_refused_where_no_setting_allows_them():
    desk = Desk()
    ends(desk, afr(b"image"), "REJECTED", "not_allowed")
    ends(desk, {"action": "OTA", "url": url()}, "REJECTED", "not_allowed")


def test_an_image_that_aws_has_signed():
    desk = desk_with()
    ends(desk, afr(desk.images["/1.1.0"]), "SUCCEEDED")
    equal(desk.version(), "1.1.0")


def test_any_of_the_trusted_keys_will_do():
    desk = desk_with()
    ends(desk, afr(desk.images["/1.1.0"], private=8), "SUCCEEDED")


def test_an_image_that_a_stranger_has_signed_never_starts():
    desk = desk_with()
    ends(desk, afr(desk.images["/1.1.0"], private=9), "REJECTED", "bad_signature")
    equal((desk.version(), desk.starts.count("1.1.0")), ("1.0.0", 0))


def test_an_image_without_a_signature():
    desk = desk_with()
    ends(desk, {"action": "OTA", "url": url()}, "SUCCEEDED")
    equal(desk.version(), "1.1.0")


def test_where_only_signed_images_are_allowed_nothing_unsigned_comes_under_their_name():
    desk = Desk(jobs={"allow": ["ota", "afr_ota"]})
    desk.images["/1.1.0"] = desk.image("1.1.0")
    ends(desk, {"operation": "afr_ota", "url": url()}, "REJECTED", "bad_document")
    equal(desk.starts, ["1.0.0"])


def test_a_job_that_was_made_anew_as_one_that_is_not_allowed_is_refused_in_mode_ota_too():
    desk = Desk(jobs={"allow": ["ota", "afr_ota"]})
    desk.images["/1.1.0"] = desk.image("1.1.0")
    # Where memory is short only the document is asked for.
    for free in (164500, 44000):
        simulation.board.idf_heap = (8180, free)
        job = "job-%d" % len(desk.cloud.executions)
        desk.send(afr(desk.images["/1.1.0"]), job)
        equal(desk.live(), "restart")
        desk.cloud.add(job, {"action": "OTA", "url": url()}, queuedAt=1800000000)
        desk.live_on(job_id=job)
        equal(desk.status(job), ("REJECTED", "not_allowed"))
    equal(desk.starts.count("1.1.0"), 0)


def test_an_image_whose_size_nobody_has_said_must_fit_all_the_same():
    desk = desk_with(bytes(SLOT + 4096))
    slots = desk.slots()
    ends(desk, {"action": "OTA", "url": url()}, "REJECTED", "image_too_large")
    equal(desk.slots() == slots, True)


def test_a_new_image_that_crashes_goes_back():
    async def crashes(device):
        raise RuntimeError("no")

    desk = desk_with()
    desk.applications["1.1.0"] = crashes
    ends(desk, {"action": "OTA", "url": url()}, "FAILED", "trial_failed")
    equal(desk.version(), "1.0.0")


def test_documents_that_cannot_be_used():
    good = afr(b"image")["afr_ota"]
    for document in (
        {"afr_ota": dict(good, protocols=["MQTT"])},
        {"afr_ota": dict(good, files=[])},
        {"afr_ota": dict(good, files=good["files"] * 2)},
        {"afr_ota": dict(good, files=[None])},
        {"afr_ota": {}},
        afr(b"image", filesize=0),
        afr(b"image", update_data_url="http://images.test/x"),
        {"operation": "afr_ota", "url": url()},
        {"action": "OTA"},
        {"action": "OTA", "url": "ftp://x"},
    ):
        equal(raises(errors.PersonError, lambda: read(document)).code, "bad_document")
