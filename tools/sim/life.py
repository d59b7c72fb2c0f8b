"""One life of a simulated chip, from its start to its restart or end: a process of the MicroPython unix port."""

import functools
import os
import select
import tempfile
import time

from tools import interpreter
from tools.sim import channel as channels
from tools.sim import chip as chips
from tools.sim.board.simulated.bootloader import NothingBootable
from tools.sim.chip import Chip
from tools.sim.console import Console
from tools.sim.image import Image
from tools.sim.leash import Leash
from tools.sim.serial_port import CTRL_A, Pipe, Terminal
from tools.sim.storage import Flash

_DRAIN_S = 2
_STOP_S = 5


class End(Exception):
    """How the life ended: `reason` for the log; `cause` of the next start, or None when there is none."""

    def __init__(self, reason, cause=None, sleep_s=0):
        super().__init__(reason)
        self.reason = reason
        self.cause = cause
        self.sleep_s = sleep_s


class Life:
    """Runs one process. `run` returns an `End`; `interrupt(end)`, from any thread, makes it end that way.

    With a `serial` port (`SerialPort`) its console is there, too, and so is the REPL.
    """

    def __init__(self, chip, flash, image, link, console, serial=None):
        self._chip = chip
        self._flash = flash
        self._image = image
        self._link = link
        self._console = console
        self._serial = serial
        self._typed = [] if serial is None else [serial]
        self._hears = False  # what is typed: not before the chip has come to its programs
        self._output = Pipe() if serial is None else Terminal()
        self._interrupted = None
        self._wake_in, self._wake_out = os.pipe()
        self.process = None
        self._repl = None

    def interrupt(self, end):
        self._interrupted = end
        os.write(self._wake_out, b"!")

    @property
    def repl(self):
        """Why the device sits in its REPL, for as long as nobody interrupts it there; else None."""
        return None if self._interrupted else self._repl

    def run(self):
        if self._serial is not None and self._chip.cause != chips.SOFT:
            self._serial.is_raw = False
        try:
            self._image.start(self._flash, self._chip, self, self._console.add)
        except NothingBootable as error:
            return End(f"nothing to start: {error}")
        except End as end:
            return end
        channel, theirs = channels.pair()
        leash = Leash()
        process = self.process = self._start(theirs, leash)
        leash.tie(process)
        theirs.close()
        try:
            return self._serve(process, channel)
        except End as end:
            return end
        finally:
            self._link.forget()  # before the process dies: a chip without power says no farewell
            process.kill()
            self._drain()
            self._console.flush()
            process.wait(_STOP_S)
            leash.close()
            channel.close()
            self._output.close()

    def count_write(self):
        """The bootloader's flash writes, before the device's own: False, or "torn"."""
        return self._on_write() or False

    def power_lost(self):
        """The power went in the middle of that write."""
        self._on_dead()

    def close(self):
        """After `run`: nobody may interrupt any more."""
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _start(self, channel, leash):
        environment = dict(
            os.environ,
            MICROPYPATH=os.pathsep.join([*self._image.path[:1], ".frozen"]),
            SIM_CHANNEL=str(channel.fileno()),
            HOME=str(self._flash.folder),  # where the REPL keeps its history
        )
        command = [interpreter.micropython()]
        if self._image.heap_bytes:
            command += ["-X", f"heapsize={self._image.heap_bytes + (self._image.fakes_bytes or fakes_bytes())}"]
        return self._output.start(
            [*command, "-c", self._image.program],
            cwd=self._flash.folder,
            env=environment,
            pass_fds=[channel.fileno(), leash.fileno(), self._chip.meter.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal is not for the device
        )

    def _serve(self, process, channel):
        while True:
            left_s = self._chip.starves_in_s()
            if left_s is not None and left_s <= 0:
                raise End("watchdog", chips.WDT)
            ready, _, _ = select.select([*self._typed, self._wake_in, self._output, channel], [], [], left_s)
            if self._wake_in in ready:
                raise self._interrupted
            if self._output in ready:
                self._print(process)
            if self._serial in ready:
                self._hear()
            if channel in ready:
                self._answer(channel)

    def _hear(self):
        if self._hears:
            self._output.write(self._serial.read())
        else:
            self._serial.skip()

    def _print(self, process):
        data = self._output.read()
        if data:
            self._show(data)
            return
        code = process.wait(_STOP_S)
        if code == 0 and self._serial is not None:
            self._serial.write(b"MPY: soft reboot\n")
            raise End("soft reset", chips.SOFT)  # Ctrl-D in the REPL
        raise End(f"crash (exit code {code})" if code >= 0 else f"crash (signal {-code})", chips.HARD)

    def _show(self, data):
        if self._serial is not None:
            self._serial.write(data)
        if not (self._repl and self._serial and self._serial.is_raw):  # there two programs talk, no person reads
            self._console.received(data)

    def _drain(self, quiet_s=0.2):
        """Show what it has printed: a terminal passes that on a moment later. A thread of its may print without end."""
        end = time.monotonic() + _DRAIN_S
        while time.monotonic() < end and select.select([self._output], [], [], quiet_s)[0]:
            data = self._output.read()
            if not data:
                break
            self._show(data)

    def _answer(self, channel):
        request = channel.receive()
        if request is None:
            time.sleep(0.01)  # the end of the process is about to be seen on its output
            return
        operation, *arguments = request
        channel.answer(self._do(operation, arguments))

    def _do(self, operation, arguments):
        own = getattr(self, f"_on_{operation}", None)
        return own(*arguments) if own else self._link.answer(operation, arguments)

    def _on_echo(self, word):
        return word

    def _on_boot(self):
        return {
            "mac": self._flash.mac(),
            "cause": self._chip.cause,
            "wake": self._chip.wake,
            "skew": self._chip.skew_ns,
            "rtc": self._chip.rtc,
            "idf_heap": self._chip.idf_heap,
            "folder": str(self._flash.folder),
            "rows": self._flash.rows,
            "running": self._chip.running,
            "meter": self._chip.meter.fileno(),
            "pins": self._chip.pins_at_start(),
        }

    def _on_image(self):
        return dict(
            self._image.describe(),
            serial=self._serial is not None,
            only_boot=self._is_raw_after_soft_reset(),
        )

    def _on_running(self, allocated):
        self._hears = True
        self._image.running(allocated)

    def _on_write(self):
        cut = self._chip.meter.count()
        if cut == "cut":
            self._on_dead()
        return cut or None

    def _on_dead(self):
        raise End(f"power cut at write {self._chip.meter.writes}")

    def _on_restart(self, reason, cause):
        sleep_s = 0
        if cause == chips.DEEPSLEEP:
            duration = reason.split()[1]
            sleep_s = int(duration) / 1000 if duration.isdigit() else None  # None: until the reset button
        raise End(reason, cause, sleep_s)

    def _is_raw_after_soft_reset(self):
        return self._serial is not None and self._serial.is_raw and self._chip.cause == chips.SOFT

    def _on_repl(self, why):
        if self._repl:
            return  # a Ctrl-C came between, and it asked again
        self._drain(0.05)
        self._repl = why
        self._console.add(f"sim: REPL: {why}")
        if self._serial is not None:
            self._output.await_prompt()
        if self._is_raw_after_soft_reset():
            self._output.write(CTRL_A)

    def _on_watchdog(self, timeout_ms):
        self._chip.watch(timeout_ms)

    def _on_feed(self):
        self._chip.feed()
        return self._chip.pin_changes()

    def _on_skew(self, skew_ns):
        self._chip.skew_ns = skew_ns

    def _on_rtc(self, data):
        self._chip.rtc = data

    def _on_pin(self, pin):
        return self._chip.pin(pin)


@functools.lru_cache(maxsize=1)
def fakes_bytes():
    """Heap that the fakes hold when boot.py begins: measured on a board of its own, once."""

    class Probe(Image):
        def running(self, allocated):
            raise End(allocated)

    class Nowhere:
        def forget(self):
            pass

    with tempfile.TemporaryDirectory(prefix="board-probe-") as folder:
        console = Console()
        life = Life(Chip(), Flash(folder), Probe(), Nowhere(), console)
        end = life.run()
        life.close()
    if not isinstance(end.reason, int):
        raise RuntimeError("the simulated board does not start: " + "; ".join(console.lines()))
    return end.reason
