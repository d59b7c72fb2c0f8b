"""Runs inside MicroPython: imports the modules named as arguments and prints what that took from the heap."""

import asyncio
import gc
import json
import ssl
import sys

_present = asyncio, ssl  # part of the interpreter: not counted

gc.collect()
before = gc.mem_alloc()
for name in sys.argv[1:]:
    __import__(name)
gc.collect()
print(json.dumps({"bytes": gc.mem_alloc() - before}))
