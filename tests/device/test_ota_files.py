"""A file that comes by https: whole and checked, or not at all."""

import hashlib
import os
from binascii import hexlify

import errors
from aws.connector import Connector
from download_desk import SIZE, Timeouts, resolve, stored, url
from flash_board import ROOT, fill_files, new_board
from harness import equal, raises
from ota.files import Download

COMPANIONS = ["image_servers"]
TIMEOUT_S = 20
PATH = "/files/sub/picture"


def digest():
    return hexlify(hashlib.sha256(stored("image")).digest()).decode()


async def fetch(path="image", limit=100000, wanted=None, told=None):
    async def progress(percent):
        if told is not None:
            told.append(percent)

    connector = Connector([stored("root")], resolve, Timeouts)
    return await Download(connector.connect, ROOT, Timeouts).fetch(url(path), PATH, limit, wanted, progress)


def listed():
    return sorted(os.listdir(ROOT + "/files/sub"))


async def test_a_file_is_downloaded_checked_and_put_in_place():
    await new_board()
    told = []
    equal(await fetch(wanted=digest(), told=told), SIZE)
    equal(listed(), ["picture"])
    with open(ROOT + PATH, "rb") as file:
        equal(file.read() == stored("image"), True)
    equal((len(told) <= 10, told[-1], told == sorted(told)), (True, 100, True))


async def test_what_is_not_whole_right_or_small_enough_leaves_the_old_file():
    await new_board()
    os.mkdir(ROOT + "/files")
    os.mkdir(ROOT + "/files/sub")
    with open(ROOT + PATH, "w") as file:
        file.write("old")
    for path, limit, wanted, code in (
        ("cut", 100000, None, "download_failed"),
        ("stalls", 100000, None, "download_failed"),
        ("image", 100000, "0" * 64, "download_refused"),
        ("image", SIZE - 1, None, "download_refused"),
    ):
        failure = await raises(errors.DeviceError, fetch(path, limit, wanted))
        equal((path, failure.code), (path, code))
        equal(listed(), ["picture"])
        with open(ROOT + PATH) as file:
            equal(file.read(), "old")


async def test_a_full_file_system_is_told():
    await new_board()
    fill_files()
    failure = await raises(errors.StorageError, fetch())
    equal(failure.code, "flash_full")


async def test_a_server_that_nobody_vouches_for_gives_nothing():
    await new_board()
    connector = Connector([stored("root")], resolve, Timeouts)
    link = "https://images.test:%s/image" % os.getenv("OTHER_PORT")
    fetching = Download(connector.connect, ROOT, Timeouts).fetch(link, PATH, 1, None, None)
    failure = await raises(errors.DeviceError, fetching)
    equal(failure.code, "server_cert_untrusted")
