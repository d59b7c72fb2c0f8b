"""What the stories of updates share: a desk whose device trusts a key, and applications for its new versions."""

from tests import precompiled
from tests.stories.releases import SLOT, TIMES, Releases
from tools.desk import Desk

END_S = 90  # for all of one story, while the others are told

CRASHES = """
import awsesp
async def application(device):
    await device.aws.connected()
    raise RuntimeError("the sensor is not there")
awsesp.run(application)
"""
HANGS = """
import asyncio, awsesp
async def application(device):
    device.alive(1)
    await asyncio.Event().wait()
awsesp.run(application)
"""
FILLS = """
import asyncio, awsesp
async def application(device):
    for size in (16384, 4096, 256):  # on a busy desk 4096 alone take more than a minute
        try:
            with open("/filler%d" % size, "w") as file:
                while True:
                    file.write("x" * size)
                    file.flush()
                    await asyncio.sleep_ms(0)  # the watchdog wants to be fed
        except OSError:
            pass
    print("full")
    await asyncio.Event().wait()
awsesp.run(application)
"""
UNWELL = """
import asyncio, awsesp
async def application(device):
    device.health(check)
    await asyncio.Event().wait()
async def check():
    return False
awsesp.run(application)
"""


class Told(Desk):
    """A desk with a device that runs `version`, is connected, and trusts the keys of `releases`."""

    def __init__(self, version="1.0.0", settle_s=0, tries=3):
        self._version = version
        self._settings = {
            **TIMES,
            "timeouts": {**TIMES["timeouts"], "settle_s": settle_s},
            "limits": {**TIMES["limits"], "update_tries": tries},
        }
        self.log = []
        cloud = {"fast_keys": True, "log": lambda event, **details: self.log.append((event, details))}
        board = {"image": "ota", "slot_bytes": SLOT, "compiled": precompiled.folders()}
        super().__init__(board=board, cloud=cloud)

    def __enter__(self):
        super().__enter__()
        self.releases = Releases(self)
        self.leave_factory(**self._settings)
        self.device.flash_firmware(self.releases.image(self._version))
        self.device.power_on()
        self.device.wait_for(r"aws\.connected", END_S)
        return self

    def downloads(self):
        """Where each of them began."""
        return [details["begin"] for event, details in self.log if event == "download"]

    def versions(self):
        """Those that were started, in their order."""
        return [line.split()[1] for line in self.device.lines if line.startswith("awsesp ")]

    def ends(self, job, status, reason=None):
        return self.releases.ends(job, status, reason, END_S)

    def wait_for(self, pattern):
        return self.device.wait_for(pattern, END_S)
