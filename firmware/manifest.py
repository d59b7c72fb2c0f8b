# ruff: noqa: F821, these names are given by MicroPython's build
"""What is frozen into a firmware image: everything in lib, and the packages it uses.

boot.py and main.py are not: frozen ones would beat the files of the same name in the board's file system, and main.py
is the file that the writer of an application edits.
"""

include("$(PORT_DIR)/boards/manifest.py")
# Versions are those of the micropython-lib checkout in MicroPython's lib/ folder; tools/verbs/deps.py names the ones
# that were tested. Of aioble only what a peripheral needs: the rest costs 5 KB.
require("aioble-peripheral")
require("aioble-server")
require("umqtt.simple")
freeze("../lib")
