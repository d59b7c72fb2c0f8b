"""A cloud that enrols, for the scripted broker, and a flash that keeps what enrolling gives."""

import binascii
import json

from aws_desk import Desk, stored
from harness import equal, raises
from scripted_broker import PUBLISH, SUBSCRIBE, publish

CREATE = "$aws/certificates/create/json"
REGISTER = "$aws/provisioning-templates/fleet/provision/json"
PARAMETERS = {"SerialNumber": "0a1b2c3d4e5f"}


def pem(label, der):
    text = binascii.b2a_base64(der).decode().strip()
    lines = "\n".join([text[at : at + 64] for at in range(0, len(text), 64)])
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, lines, label)


def new_certificate(token="token"):
    return {
        "certificateId": "c" * 64,
        "certificatePem": pem("CERTIFICATE", stored("rsa_client")),
        "privateKey": pem("RSA PRIVATE KEY", stored("rsa_client_key")),
        "certificateOwnershipToken": token,
    }


def rejection(status, code):
    return {"statusCode": status, "errorCode": code, "errorMessage": "because"}


class Cloud:
    """Answers the requests with what it is given for them: {topic: [(kind, answer), ...]}, one after the other."""

    def __init__(self, answers):
        self.requests = []
        self._answers = {topic: list(answers[topic]) for topic in answers}

    async def __call__(self, peer):
        await peer.accept()
        listening = []
        while True:
            packet = await peer.receive()
            if packet is None:
                return
            await peer.answer(packet)
            if packet.kind == SUBSCRIBE:
                listening += [name for name, _ in packet.filters]
            elif packet.kind == PUBLISH:
                equal((packet.topic + "/accepted" in listening, packet.topic + "/rejected" in listening), (True, True))
                self.requests.append((packet.topic, json.loads(packet.payload)))
                await self._reply(peer, packet.topic)

    async def _reply(self, peer, topic):
        kind, answer = self._answers[topic].pop(0)
        if kind is not None:
            await peer.send(publish("%s/%s" % (topic, kind), json.dumps(answer).encode()))


class Flash:
    """What was kept, in its order; a power cut comes with the keeping number `cut_at`."""

    def __init__(self, cut_at=None):
        self.kept = []
        self._cut_at = cut_at

    async def keep(self, state):
        self.kept.append(dict(state))
        if len(self.kept) == self._cut_at:
            raise PowerCut


class PowerCut(Exception):
    pass


GOOD = {CREATE: [("accepted", None)], REGISTER: [("accepted", {"thingName": "lamp-7", "deviceConfiguration": {}})]}


def good(**changes):
    answers = {CREATE: [("accepted", new_certificate())], REGISTER: GOOD[REGISTER]}
    for topic in changes:
        answers[{"create": CREATE, "register": REGISTER}[topic]] = changes[topic]
    return Cloud(answers)


def enrol(desk, flash, pending=None):
    claim = (stored("client"), stored("client_key"))
    return desk.aws.provision("fleet", PARAMETERS, claim, pending, flash.keep, desk._beat)


async def failure_of(cloud, kind):
    async with Desk(cloud, run=False) as desk:
        flash = Flash()
        failure = await raises(kind, enrol(desk, flash))
        equal(desk.aws.is_connected, False)
        return failure, flash
