"""Becoming a thing by a claim, and every way in which that can go wrong."""

import asyncio
import time

import errors
import events
from aws_desk import Desk, stored
from harness import equal, raises
from provision_desk import (
    CREATE,
    GOOD,
    PARAMETERS,
    REGISTER,
    Flash,
    PowerCut,
    enrol,
    failure_of,
    good,
    new_certificate,
    pem,
    rejection,
)
from scripted_broker import CONNECT, PUBLISH, SUBSCRIBE, connack, suback

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def test_a_claim_becomes_a_thing_and_every_step_is_kept():
    cloud, flash = good(), Flash()
    async with Desk(cloud, run=False) as desk:
        name, cert, key = await enrol(desk, flash)
        equal((name, cert, key), ("lamp-7", stored("rsa_client"), stored("rsa_client_key")))
        await asyncio.sleep_ms(0)
        equal(desk.told, [(events.AWS_PROVISIONED, {"thing": "lamp-7"})])
        equal(desk.beats > 0, True)
        equal((desk.aws._client.survive, desk.aws._client.ssl), (True, None))  # what follows is as if it had not been
    equal(
        cloud.requests,
        [(CREATE, {}), (REGISTER, {"certificateOwnershipToken": "token", "parameters": PARAMETERS})],
    )
    equal((flash.kept[0]["cert"], flash.kept[0]["key"], flash.kept[0]["token"]), (cert, key, "token"))
    equal(flash.kept[1:], [{"cert": cert, "key": key, "name": "lamp-7"}])


async def test_a_claim_is_taken_to_a_server_without_an_ec_key_too():
    async def no_ciphers_in_common(peer):
        equal(await peer.receive(), None)

    async with Desk(no_ciphers_in_common, good(), run=False, pair="rsa_server") as desk:
        await enrol(desk, Flash())
        equal((desk.aws.only_ec, desk.broker.connections), (False, 2))  # the thing need not try again


async def test_a_power_cut_after_the_certificate_asks_for_no_second_one():
    cloud, flash = good(), Flash(cut_at=1)
    async with Desk(cloud, run=False) as desk:
        await raises(PowerCut, enrol(desk, flash))
        name, _, _ = await enrol(desk, flash, flash.kept[0])
    equal(name, "lamp-7")
    equal([topic for topic, _ in cloud.requests], [CREATE, REGISTER])


async def test_a_pending_certificate_with_an_old_token_is_discarded():
    old = {"cert": b"c", "key": b"k", "token": "old", "time": int(time.time()) - 3601}
    cloud = good()
    async with Desk(cloud, run=False) as desk:
        await enrol(desk, Flash(), old)
    equal(cloud.requests[0], (CREATE, {}))


async def test_a_token_the_cloud_does_not_take_any_more_leads_to_a_new_certificate():
    refused = rejection(400, "InvalidCertificateOwnershipToken")
    pending = {"cert": b"c", "key": b"k", "token": "unsure", "time": int(time.time()) + 5}
    cloud = good(register=[("rejected", refused)] + GOOD[REGISTER])
    async with Desk(cloud, run=False) as desk:
        await enrol(desk, Flash(), pending)
    tokens = [request.get("certificateOwnershipToken") for _, request in cloud.requests]
    equal(tokens, ["unsure", None, "token"])


async def test_a_refusal_is_final():
    for status, code in ((403, "Forbidden"), (400, "InvalidParameters"), (404, "ResourceNotFound")):
        failure, _ = await failure_of(good(register=[("rejected", rejection(status, code))]), errors.CloudError)
        equal((failure.code, code in failure.message), ("claim_refused", True))


async def test_too_many_at_once_and_mistakes_of_the_cloud_pass():
    for status in (429, 500, 503):
        failure, _ = await failure_of(good(create=[("rejected", rejection(status, "x"))]), errors.RetryError)
        equal(failure.code, "claim_failed")


async def test_rubbish_in_the_answers_is_survived():
    other_key = new_certificate()
    other_key["privateKey"] = pem("EC PRIVATE KEY", stored("foreign_key"))
    for answer in (
        [],
        {},
        "text",
        7,
        None,
        {"certificatePem": 1},
        {"certificatePem": "x", "privateKey": "y"},
        other_key,
        new_certificate(token=["token"]),
        new_certificate(token=7),
    ):
        failure, flash = await failure_of(good(create=[("accepted", answer)]), errors.RetryError)
        equal((failure.code, flash.kept), ("claim_failed", []))
    for answer in ({}, {"thingName": 7}, {"thingName": ["x"]}):
        failure, _ = await failure_of(good(register=[("accepted", answer)]), errors.RetryError)
        equal(failure.code, "claim_failed")
    for answer in ({}, {"statusCode": "4"}, []):
        failure, _ = await failure_of(good(create=[("rejected", answer)]), errors.RetryError)
        equal(failure.code, "claim_failed")


async def test_a_connection_closed_in_the_middle_is_tried_again_later():
    async def closing(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.receive(PUBLISH)

    failure, _ = await failure_of(closing, errors.RetryError)
    equal(failure.code, "claim_failed")


async def test_a_cloud_that_acknowledges_nothing_is_given_up_before_the_supervisor_gives_up_the_device():
    async def silent(peer):
        await peer.accept()
        await peer.receive(SUBSCRIBE)
        await asyncio.sleep(10)

    import aws.enrolment

    aws.enrolment._ANSWER_MS = 300
    async with Desk(silent, run=False, ack_s=60) as desk:
        failure = await raises(errors.RetryError, asyncio.wait_for(enrol(desk, Flash()), 5))
        equal((failure.code, "no acknowledgement" in failure.message), ("claim_failed", True))


async def test_a_claim_that_may_not_connect_is_refused():
    async def script(peer):
        await peer.receive(CONNECT)
        await peer.send(connack(5))

    failure, _ = await failure_of(script, errors.CloudError)
    equal((failure.code, "not_authorised" in failure.message), ("claim_refused", True))


async def test_the_thing_connects_after_its_enrolment():
    seen = []

    async def as_thing(peer):
        seen.append((await peer.accept()).body[12:])
        await peer.serve()

    async with Desk(good(), as_thing, run=False) as desk:
        desk.aws.use(*await enrol(desk, Flash()))
        desk.start()
        await desk.aws.connected()
    equal(seen, [b"lamp-7"])


async def test_a_thing_renews_over_its_own_connection_which_goes_on_working():
    cloud, flash, heard = good(), Flash(), []
    async with Desk(cloud, receive_buffer=6144) as desk:
        await desk.aws.connected()
        await desk.aws.subscribe("devices/lamp/command", 1, lambda message: heard.append(bytes(message.payload)))
        found = await desk.aws.provision("fleet", PARAMETERS, None, None, flash.keep, desk._beat)
        equal(found, ("lamp-7", stored("rsa_client"), stored("rsa_client_key")))
        equal([sorted(state) for state in flash.kept], [["cert", "key", "time", "token"], ["cert", "key", "name"]])
        equal(desk.broker.connections, 1)
        desk.aws._client.cb(b"devices/lamp/command", memoryview(b"hello"))
        equal(heard, [b"hello"])


async def test_a_thing_whose_policy_does_not_let_it_renew_is_told_so():
    async def refuse(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        await peer.send(suback(packet.packet_id, 0x80, 0x80))
        await peer.serve()

    async with Desk(refuse) as desk:
        await desk.aws.connected()
        renewing = desk.aws.provision("fleet", PARAMETERS, None, None, Flash().keep, desk._beat)
        equal((await raises(errors.CloudError, renewing)).code, "claim_refused")
        equal(desk.aws.is_connected, True)
