"""The power cord of a simulated ESP32: switches it on, cuts its power, restarts it when the chip would restart."""

import weakref

from tools.sim import firmware
from tools.sim.board.simulated.layouts import SLOT_BYTES
from tools.sim.chip import HARD
from tools.sim.console import Console
from tools.sim.image import Image
from tools.sim.life import End
from tools.sim.runner import Runner
from tools.sim.serial_port import SerialPort
from tools.sim.storage import Flash
from tools.sim.world import World


class Board:
    """A simulated ESP32 whose flash is `folder`.

        with World() as world, Board(folder, world) as device:
            device.write_file("/settings.json", text)
            device.power_on()
            device.wait_for("NORMAL .*aws.connected", timeout_s=20)

    `heap` limits Python's heap ("96k"); `image` is "stock", or "ota" or "awsesp" with two slots of `slot_bytes`;
    `boot`, `main`, `lib` and `packages` replace what runs, `compiled` folders of it (`Image`); `mac` is burnt into a
    new board; `on_line` is called with each line of the console, in the board's own thread; `serial` gives it a
    serial port with a REPL. A context manager: leaving it switches off.
    """

    def __init__(self, folder, world=None, *, heap=None, image="stock", slot_bytes=SLOT_BYTES, boot=None, main=None,
                 lib=None, packages=None, compiled=None, mac=None, on_line=None, serial=False):  # fmt: skip
        self.flash = Flash(folder, image, slot_bytes)
        self.flash.mac(mac)
        self.image = Image(boot, main, lib, packages, heap, compiled)
        self._own_world = World() if world is None else None
        self.world = world or self._own_world
        self._console = Console(on_line)
        self._serial = SerialPort() if serial else None
        self._runner = Runner(self.flash, self.image, self.world.attach(), self._console, self._serial)
        # The runner's thread does not hold the board: a board that is forgotten is switched off.
        self._cleanup = weakref.finalize(self, _end, self._runner, self._own_world, self._serial)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def is_on(self):
        """Whether it has power; asleep or in its REPL it has."""
        return not self._runner.off.is_set()

    @property
    def port(self):
        """The name of its serial port, for mpremote and `make flash`; None without one."""
        return self._serial.name if self._serial else None

    @property
    def starts(self):
        """Why it started, each time: "power on", "machine.reset()", "watchdog", ..."""
        return list(self._runner.starts)

    @property
    def writes(self):
        """Flash writes so far, programming and erasing of a block alike."""
        return self._runner.chip.meter.writes

    @property
    def lines(self):
        """The last lines of the console. Lines that begin with "sim: " are the simulator's own."""
        return self._console.lines()

    @property
    def rtc_memory(self):
        """What machine.RTC().memory() holds: bytes that outlive a restart, not a power cut."""
        return bytes.fromhex(self._runner.chip.rtc)

    @property
    def unique_id(self):
        """The base MAC, 12 hex digits."""
        return self.flash.mac()

    @property
    def slot(self):
        """Label of the partition that runs, or ran last: "factory", "ota_0", "ota_1"; None before the first start."""
        return self._runner.chip.running

    def power_on(self):
        """Give it power. Empty slots get this checkout first, as the factory would flash it."""
        if self.flash.slots and not self.is_on and not self.flash.is_written("ota_0"):
            self.flash_firmware(firmware.build(lib=self.image.lib, thin=True))
        self._runner.power_on()

    def flash_firmware(self, image):
        """Put an image (bytes, `tools.sim.firmware.build`) into the first slot, as `esptool` does, while off."""
        self._require_off()
        self.flash.erase_partition("otadata")
        self.flash.erase_partition("ota_0")
        with self.flash.piece("ota_0") as slot:
            slot.program(0, image)

    def power_cut(self):
        """Take the power away, in the middle of whatever it does."""
        self._runner.stop()

    def reset(self):
        """Press the reset button; it wakes from deep sleep, too."""
        self._runner.end(End("reset button", HARD))

    def cut_at_write(self, n, torn=False):
        """Cut the power at the n-th flash write from now (1 is the next one); `torn` lets half of it happen.

        The board is off then. None calls it off.
        """
        self._runner.chip.meter.cut_at(n, torn)

    def wait_until_off(self, timeout_s=20):
        """Until `cut_at_write` has struck, or something else ended it. Raises TimeoutError."""
        if not self._runner.off.wait(timeout_s):
            raise TimeoutError(f"the board is still on after {timeout_s} s")
        self._runner.join()

    def set_idf_heap(self, *areas):
        """What ESP-IDF's heap reports as free from the next start on: bytes of its two areas, the small one first."""
        self._runner.chip.idf_heap = areas

    def hold_button(self, pin=0):
        """Connect the pin to ground, and keep it there."""
        self._runner.chip.drive_pin(pin, 0)

    def release_button(self, pin=0):
        """Let go of it."""
        self._runner.chip.drive_pin(pin, None)

    def drive_pin(self, pin, level):
        """0, 1, microvolts for an ADC, or None for nothing attached."""
        self._runner.chip.drive_pin(pin, level)

    def wait_for(self, pattern, timeout_s=40):
        """The next line of the console that `pattern` is found in, after the one that was waited for last.

        Raises TimeoutError with the last lines, at once when the device sits in its REPL without a watchdog.
        """
        return self._console.wait_for(pattern, timeout_s, self._silent_because)

    def forget_lines(self):
        """`wait_for` passes over what was printed until now."""
        self._console.skip()

    def wait_for_start(self, reason, timeout_s=40):
        """Until it has started for that reason (regular expression), such as "watchdog"."""
        return self.wait_for(f"^sim: start .*{reason}", timeout_s)

    def write_file(self, path, data):
        """Put a file (str or bytes) on the device's file system, while it is off."""
        self._require_off()
        self.flash.write(path, data)

    def remove_file(self, path):
        """Remove a file, while the device is off."""
        self._require_off()
        self.flash.remove(path)

    def read_file(self, path):
        """The bytes of a file of the device, as they are on flash now."""
        return self.flash.read(path)

    def list_files(self):
        """The paths of all its files."""
        return self.flash.list()

    def erase(self):
        """Erase flash: NVS and file system are as from the factory."""
        self._require_off()
        self.flash.erase()

    def deploy(self, repository):
        """Copy boot.py, main.py and lib/ of a checkout to the file system, as `make flash` does."""
        for path in sorted([*repository.glob("boot.py"), *repository.glob("main.py")]):
            self.write_file(f"/{path.name}", path.read_bytes())
        for path in sorted((repository / "lib").rglob("*.py")):
            self.write_file(f"/{path.relative_to(repository)}", path.read_bytes())

    def stop(self):
        """Power off; the flash stays."""
        self._cleanup()

    def _require_off(self):
        if self.is_on:
            raise RuntimeError("switch the board off first (power_cut): its file system is in use")

    def _silent_because(self):
        repl = self._runner.repl
        if repl and self._runner.chip.watchdog_ms is None:
            return f"the board sits in its REPL, {repl}"
        return None


def _end(runner, world, serial):
    """The board is not needed any more, or the program ends."""
    runner.stop()
    if serial is not None:
        serial.close()
    if world is not None:
        world.close()
