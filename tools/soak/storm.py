"""Lets faults befall the devices, each in a thread of its own, until it is over; then all must come to rest."""

import random
import threading
import time
from contextlib import ExitStack

from tools.soak import weather

_LOOK_S = 0.05
_LASTS_S = (1, 8)
_CALM_S = (1, 5)
_CLOUD_LASTS_S = (15, 40)
_CLOUD_GONE_S = (0.5, 6)
_FIRST_S = 60  # for a device to be at work for the first time


class Storm:
    """`seed`: of all chance. `bound_s`: in this time a device must be back after a fault. `tell(words)` hears what
    happens."""

    def __init__(self, bench, seed, bound_s, tell=lambda words: None):
        self._bench = bench
        self._seed = seed
        self._bound_s = bound_s
        self._tell = tell
        self.over = threading.Event()
        self.lasted_s = 0.0
        self.restarts = 0  # of the cloud
        self.broken = []  # what of the soak itself has failed

    def begin(self):
        """Wait until every device is at work. Raises TimeoutError."""
        for subject in self._bench.subjects:
            if self._back_in(subject, time.monotonic(), _FIRST_S) is None and not self.over.is_set():
                raise TimeoutError(f"{subject.name} did not come to work in {_FIRST_S} s; see its log")
        self._bench.operator.start()

    def rage(self, seconds):
        """For so long, or until `over` is set; then wait until everybody is back and nothing is on its way."""
        jobs = [(self._befall, index, subject) for index, subject in enumerate(self._bench.subjects, 1)]
        threads = [threading.Thread(target=self._guarded, args=job, daemon=True) for job in (*jobs, (self._fell,))]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        self.over.wait(seconds)
        self.lasted_s = time.monotonic() - begin
        self.over.set()
        for thread in threads:
            thread.join()
        self._rest()

    def _guarded(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as failure:  # noqa: BLE001 - told in the verdict; the others go on until the end
            self.broken.append(f"{work.__name__}: {failure!r}")
            self.over.set()

    def _dice(self, name):
        return random.Random(f"{self._seed} {name}")

    def _befall(self, index, subject):
        dice = self._dice(index)
        spared = index == 1  # its heap is watched from the beginning to the end
        while not self.over.is_set():
            self._strike(subject, dice, weather.drawn(dice, spared), dice.uniform(*_LASTS_S))
            self._await(subject)
            self.over.wait(dice.uniform(*_CALM_S))

    def _strike(self, subject, dice, faults, lasts_s):
        with ExitStack() as stack:
            words = " + ".join([stack.enter_context(fault(subject, dice)) for fault in faults])
            self._say(subject, f"{words}, for {lasts_s:.1f} s")
            subject.befallen.append(words)
            self.over.wait(lasts_s)
        self._say(subject, "calm")

    def _await(self, subject):
        took_s = self._back_in(subject, time.monotonic(), self._bound_s)
        if took_s is not None:
            subject.returns_s.append(took_s)
        elif not self.over.is_set():
            self._late(subject, self._bound_s)

    def _late(self, subject, bound_s):
        last = subject.befallen[-1] if subject.befallen else "it was switched on"
        subject.ledger.wrong.append(f"not back within {bound_s} s after: {last}")

    def _back_in(self, subject, since, bound_s):
        """Seconds until a message that was begun since then was acknowledged; None when it takes longer.

        While the cloud is away nobody can be back: that time does not count.
        """
        took_s, looked = 0.0, since
        while not subject.ledger.proven_since(since):
            if self.over.is_set() or took_s > bound_s:
                return None
            time.sleep(_LOOK_S)
            now = time.monotonic()
            if self._bench.cloud.up:
                took_s += now - looked
            looked = now
        return took_s

    def _fell(self):
        """The cloud, for all of them."""
        dice = self._dice("cloud")
        while not self.over.wait(dice.uniform(*_CLOUD_LASTS_S)):
            gone_s = dice.uniform(*_CLOUD_GONE_S)
            self._tell(f"the cloud is gone for {gone_s:.1f} s")
            self._bench.cloud.stop()
            self.over.wait(gone_s)
            self._bench.cloud.start()
            self.restarts += 1

    def _rest(self):
        """No more faults: everybody must be back, and nothing on its way any more."""
        calm = time.monotonic()
        self._bench.operator.quiet()
        while time.monotonic() - calm < self._bound_s:
            waiting = [each for each in self._bench.subjects if not each.ledger.proven_since(calm)]
            if not waiting:
                break
            time.sleep(_LOOK_S)
        for subject in self._bench.subjects:
            if not subject.ledger.proven_since(calm):
                self._late(subject, self._bound_s)
            subject.ledger.freeze()
        end = time.monotonic() + self._bound_s
        while time.monotonic() < end and not all(each.ledger.settled() for each in self._bench.subjects):
            time.sleep(_LOOK_S)

    def _say(self, subject, words):
        subject.note(f"soak: *** {words}")
        self._tell(f"{subject.name}: {words}")
