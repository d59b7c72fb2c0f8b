"""Becoming a thing where memory is short: no certificate is asked for that could not be received, read and kept."""

import aws.receiver
import errors
from aws.claimant import Claimant
from aws_desk import Desk, resolve, stored
from harness import equal, raises
from provision_desk import CREATE, GOOD, PARAMETERS, REGISTER, Cloud, Flash, enrol, failure_of, good, new_certificate

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def test_where_memory_is_short_a_claimant_does_the_same_and_says_when_it_is_done():
    said, flash = [], Flash()

    async def enrolled(reason):
        said.append(reason)

    async with Desk(good(), run=False) as desk:
        claimant = Claimant(desk.bus, desk.aws._settings, resolve, enrolled)
        claimant.first_wait(0)
        claim = (stored("client"), stored("client_key"))
        name, cert, key = await claimant.provision("fleet", PARAMETERS, claim, None, flash.keep, desk._beat)
        claimant.use(name, cert, key)
        await claimant.run(desk._beat)
        await claimant.stop()
    equal((name, flash.kept[-1]["name"], len(said)), ("lamp-7", "lamp-7", 1))


def no_room(*_):
    raise MemoryError


async def test_no_certificate_is_asked_for_where_there_is_no_room_to_receive_it():
    cloud = good()
    async with Desk(cloud, run=False, receive_buffer=6144) as desk:
        desk.aws._client.receiver.reserve = lambda size: no_room() if size else None
        failure = await raises(errors.RetryError, enrol(desk, Flash()))
    equal((failure.code, cloud.requests), ("no_memory", []))


async def test_the_room_for_the_certificate_is_held_from_before_it_is_asked_for_until_it_is_there():
    class ShortOfMemory(Cloud):
        async def _reply(self, peer, topic):
            aws.receiver.bytearray = no_room  # whoever asks for more now gets none
            await super()._reply(peer, topic)

    answers = {CREATE: [("accepted", new_certificate("t" * 2000))], REGISTER: GOOD[REGISTER]}
    try:
        async with Desk(ShortOfMemory(answers), run=False, receive_buffer=6144) as desk:
            equal((await enrol(desk, Flash()))[0], "lamp-7")
            equal(desk.aws._client.receiver._reserve, None)
    finally:
        del aws.receiver.bytearray


async def test_room_is_made_once_tls_has_what_it_takes_and_before_a_certificate_is_asked_for():
    made = []
    cloud = good()
    async with Desk(cloud, run=False) as desk:
        desk.aws.make_room = lambda: made.append((desk.aws._client.is_connected, list(cloud.requests)))
        await enrol(desk, Flash())
    equal(made, [(True, [])])


async def test_an_answer_for_which_there_is_no_memory_is_told_as_that():
    import aws.enrolment

    def take(answer):
        raise MemoryError

    aws.enrolment._take_certificate = take
    failure, flash = await failure_of(good(), errors.RetryError)
    equal((failure.code, flash.kept), ("no_memory", []))
