# ruff: noqa: F821, these names are given by MicroPython's build
"""What is frozen into a firmware image: everything in lib, the packages it uses, and a start that mends itself.

boot.py and main.py are not: frozen ones would beat the files of the same name in the board's file system, and main.py
is the file that the writer of an application edits. They are frozen under other names (factory_boot, factory_main),
from where modules/repair.py puts them into an empty file system. `make firmware` lays it all out in
build/firmware/frozen.
"""

# Of the port's own modules all but _boot and inisetup, which ours replace.
freeze("$(PORT_DIR)/modules", "flashbdev.py")
freeze("modules")
include("$(MPY_DIR)/extmod/asyncio")
require("bundle-networking")  # ssl, mip, requests, ntptime

# Versions are those of the micropython-lib checkout in MicroPython's lib/ folder; tools/verbs/deps.py names the ones
# that were tested. Of aioble only what a peripheral needs: the rest costs 5 KB.
require("aioble-peripheral")
require("aioble-server")
require("umqtt.simple")
freeze("../build/firmware/frozen")
