"""Runs inside MicroPython: imports modules one after the other and prints what each took from the heap.

Arguments: the folder of the fakes, a ROMFS image ("" for none) whose folder "lib" holds the modules, then their names,
each behind those that it imports.
"""

import asyncio
import gc
import json
import os
import random
import ssl
import sys
import time

sys.path.insert(0, sys.argv[1])

# Part of the interpreter, on the chip: not counted.
import socket

import aioble
import bluetooth
import esp32
import machine
import network

_present = aioble, asyncio, bluetooth, esp32, machine, network, os, random, socket, ssl, time


class _Names:
    pass


def mount(path):
    import vfs

    rom = bytearray(os.stat(path)[6])
    with open(path, "rb") as file:
        file.readinto(rom)
    vfs.mount(vfs.VfsRom(rom), "/in_place")
    sys.path.insert(0, "/in_place/lib")


def measure(names):
    taken = {}
    for name in names:
        gc.collect()
        before = gc.mem_alloc()
        __import__(name)
        gc.collect()
        taken[name] = gc.mem_alloc() - before
    return taken


# The table of names doubles when it is full: that must not be the fault of the module that happens to fill it.
for number in range(2600):
    setattr(_Names, "name_%d" % number, None)
if sys.argv[2]:
    mount(sys.argv[2])
print(json.dumps(measure(sys.argv[3:])))
