"""Fills the file system with its log before the cloud is reached, and removes it when it starts again."""

import asyncio
import os

import awsesp

_LOG = "/log.txt"


async def application(device):
    if "log.txt" in os.listdir("/"):
        os.remove(_LOG)
        print("application: removed its log")
    else:
        fill()
        print("application: the file system is full")
    await asyncio.Event().wait()


def fill():
    with open(_LOG, "wb") as log:
        try:
            while True:
                log.write(b"x" * 4096)
                log.flush()
        except OSError:
            pass  # it is full


if __name__ == "__main__":
    awsesp.run(application)
