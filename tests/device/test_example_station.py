"""The station's numbers tell its reader that nothing is missing: each is kept before it is sent, none is skipped."""

import struct

from harness import equal

STATION = __file__.rsplit("/", 3)[0] + "/examples/station/main.py"


class Flash:
    """The 256 bytes as the firmware keeps them: written at once in memory, on flash once they are flushed."""

    def __init__(self):
        self.memory = self.kept = bytes(8)

    def read(self, offset, n):
        return self.memory[offset : offset + n]

    async def write(self, offset, data):
        self.memory = data

    async def flush(self):
        self.kept = self.memory


class Device:
    settings = {}

    def __init__(self):
        self.flash = Flash()


def station(device):
    names = {"__name__": "station"}
    with open(STATION) as source:
        exec(source.read(), names)
    names["read_volts"] = volts
    return names["Station"](device)


async def volts(pin):
    return 0.73


async def test_a_number_is_on_flash_before_it_is_sent():
    device = Device()
    measured = await station(device).measure()
    equal((measured["number"], struct.unpack("<I", device.flash.kept[:4])[0]), (1, 1))


async def test_the_health_check_of_a_trial_takes_no_number():
    own = station(Device())
    equal(await own.is_well(), True)
    equal((await own.measure())["number"], 1)
