"""Downloads by `ota.update` from the servers of companions/image_servers.py."""

import hashlib
import os

import simulation
from esp32 import Partition

import errors
from aws.connector import Connector
from harness import equal, raises
from ota.update import Update

SLOT = 0x10000
SIZE = 50000


class Timeouts:
    connect_s = 3
    stall_s = 2  # the servers share the machine with others


async def resolve(host, beat=None):
    return "127.0.0.1"


def stored(name):
    with open(name, "rb") as file:
        return file.read()


def url(path):
    return "https://images.test:%s/%s" % (os.getenv("PORT"), path)


def slot():
    simulation.board.use_slots(SLOT)
    return Partition(Partition.RUNNING).get_next_update()


def update(size=SIZE, partition=None, timeouts=Timeouts):
    connector = Connector([stored("root")], resolve, Timeouts)
    return Update(connector.connect, partition or slot(), size, timeouts)


def asked():
    """The requests since the last look: [(path, where the range began)]."""
    try:
        lines = [line.split() for line in stored("asked").decode().split("\n") if line]
    except OSError:  # there was none yet
        lines = []
    with open("asked", "w"):
        pass
    return [(path, int(start)) for path, start in lines]


async def fetch(path, **options):
    made = update(**options)
    marks = []
    await made.fetch(url(path), lambda: marks.append(made.at))
    return made, marks


async def check(made):
    equal(await made.digest(), hashlib.sha256(stored("image")).digest())


async def code_of(path):
    made = update()
    failure = await raises(errors.DeviceError, made.fetch(url(path), lambda: None))
    return failure.code


async def in_tries(path):
    """Download it over as many connections as it takes; returns where they began."""
    made = update()
    asked()
    for _ in range(20):
        try:
            await made.fetch(url(path), lambda: None)
            break
        except errors.RetryError as failure:
            equal(failure.code, "download_failed")
    await check(made)
    return [start for _, start in asked()]
