"""Gives a simulated chip one life after the other, in a thread, until its power goes."""

import threading

from tools.sim.chip import DEEPSLEEP, Chip
from tools.sim.life import End, Life

_BEGIN_S = 1
_STOP_S = 10
_CRASHES = 5  # of the interpreter itself in a row: then the board stays off


class Runner:
    """Everything of a board that must end with it. It does not know its `Board`, which may be forgotten meanwhile."""

    def __init__(self, flash, image, link, console, serial=None):
        self.chip = Chip()
        self.starts = []
        self.off = threading.Event()
        self.off.set()
        self._begun = threading.Event()
        self._parts = (self.chip, flash, image, link, console, serial)
        self._console = console
        self._lock = threading.Lock()
        self._life = None
        self._thread = None
        self._asked = None  # the End that somebody asked for
        self._woken = threading.Event()

    @property
    def repl(self):
        """Why the device sits in its REPL, or None."""
        life = self._life
        return life.repl if life is not None else None

    def power_on(self):
        with self._lock:
            if not self.off.is_set():
                raise RuntimeError("the board is on already")
            self.off.clear()
            self._begun.clear()
            self._asked = None
            self._woken.clear()
            self.chip.power_on()
            self._thread = threading.Thread(target=self._live, name="simulated ESP32", daemon=True)
            self._thread.start()

    def end(self, end):
        """End this life, or the sleep between two, in that way."""
        with self._lock:
            if self.off.is_set():
                return
            self._asked = end
            self._woken.set()
            if self._life is not None:
                self._life.interrupt(end)

    def stop(self):
        """Cut the power and wait until nothing runs any more."""
        self.end(End("power cut"))
        self.join()

    def join(self):
        """Wait for the thread, once the board is off or about to be."""
        if self._thread is None or self._thread is threading.current_thread():
            return
        # Not by Thread.join: it raises when Ctrl-C came while the thread was started, and may take it for dead later.
        if self._begun.wait(_BEGIN_S):
            self.off.wait(_STOP_S)
        else:
            self.off.set()  # it never began

    def _live(self):
        reason, crashes = "power on", 0
        self._begun.set()
        try:
            while reason is not None:
                self.starts.append(reason)
                self._console.add(f"sim: start {len(self.starts)}: {reason}")
                end = self._one_life()
                crashes = crashes + 1 if end.reason.startswith("crash") else 0
                if crashes == _CRASHES:
                    end = End(f"{end.reason}, {crashes} times in a row")
                reason = self._after(end)
        except Exception as mistake:
            self._console.add(f"sim: off: the simulator itself has failed: {mistake!r}")
            raise
        finally:
            self.off.set()

    def _one_life(self):
        with self._lock:
            if self._asked is not None:
                return self._take_asked()
            life = self._life = Life(*self._parts)
        try:
            end = life.run()
        finally:
            with self._lock:
                self._life = None
                life.close()
                if self._asked is not None:
                    end = self._take_asked()
        return end

    def _take_asked(self):
        end, self._asked = self._asked, None
        self._woken.clear()
        return end

    def _after(self, end):
        """Why the next start happens, or None."""
        if end.cause == DEEPSLEEP:
            self._console.add(f"sim: {end.reason}")
            self._woken.wait(end.sleep_s)
            with self._lock:
                end = self._take_asked() if self._asked is not None else end
        if end.cause is None:
            self._console.add(f"sim: off: {end.reason}")
            return None
        self.chip.restart(end.cause)
        return end.reason
