"""What the https file server is to do wrong, and how often.

cloud.faults.files.order("cut", amount=10000, times=3)       # the next three downloads end after 10,000 bytes
cloud.faults.files.order("redirect", target="https://wrong.example/")
cloud.faults.files.certificate = "expired"                   # as faults.certificate, for the file server
cloud.faults.files.clear()                                   # cloud.faults.clear() does it, too
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tools.cloud.server_certificates import FAULTS as CERTIFICATE_FAULTS

KINDS = {
    "forbidden": "403, as for a link that has expired",
    "unavailable": "503, try again later",
    "broken": "500",
    "silent": "the request is not answered at all; the connection stays",
    "stall": "after `amount` bytes of the body nothing more comes; the connection stays",
    "cut": "after `amount` bytes of the body the connection is reset",
    "short": "after `amount` bytes of the body the connection ends in order, though more was announced",
    "wrong_length": "Content-Length says `amount` bytes more than there are, or fewer when it is negative",
    "corrupt": "one bit of the byte at `amount` of the file is wrong",
    "slow": "`amount` bytes a second",
    "no_range": "Range is ignored: the whole file comes",
    "wrong_range": "the answer to a Range begins `amount` bytes later than asked, and says so",
    "redirect": "302 to `target`",
}
_WITHOUT_AMOUNT = {"forbidden", "unavailable", "broken", "silent", "no_range", "redirect"}


@dataclass(eq=False)
class FileFault:
    """One order. `times` None is without end."""

    kind: str
    amount: int
    target: str
    times: int | None


class FileFaults:
    """May be ordered from any thread; takes effect with the next request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[FileFault] = []
        self._certificate: str | None = None

    def order(self, kind: str, *, amount: int = 0, target: str = "", times: int | None = 1) -> FileFault:
        """Order a fault of `KINDS` for so many requests. Raises ValueError for what makes no sense."""
        if kind not in KINDS:
            raise ValueError(f"no fault of files is called {kind!r}; there are: {', '.join(KINDS)}")
        if bool(amount) and kind in _WITHOUT_AMOUNT:
            raise ValueError(f"{kind}: amount={amount}; {KINDS[kind]}")
        if amount != int(amount) or (amount < 0 and kind != "wrong_length") or (kind == "slow" and not amount):
            raise ValueError(f"{kind}: amount={amount}; whole bytes: {KINDS[kind]}")
        if times is not None and times < 1:
            raise ValueError(f"{kind}: times={times}; at least 1, or None for without end")
        if bool(target) != (kind == "redirect"):
            raise ValueError(f"{kind}: target={target!r}; {KINDS[kind]}")
        fault = FileFault(kind, int(amount), target, times)
        with self._lock:
            self._orders.append(fault)
        return fault

    @property
    def certificate(self) -> str | None:
        """One of `server_certificates.FAULTS`, or None for the good one; for connections to come."""
        return self._certificate

    @certificate.setter
    def certificate(self, fault: str | None) -> None:
        if fault is not None and fault not in CERTIFICATE_FAULTS:
            raise ValueError(
                f"no fault of the certificate is called {fault!r}; there are: {', '.join(CERTIFICATE_FAULTS)}"
            )
        self._certificate = fault

    def take(self) -> dict[str, FileFault]:
        """What happens to one request, by kind: all orders without end, and the first of the others, which counts."""
        with self._lock:
            struck = {fault.kind: fault for fault in self._orders if fault.times is None}
            for fault in self._orders:
                if fault.times is not None:
                    struck[fault.kind] = fault
                    fault.times -= 1
                    break
            self._orders = [fault for fault in self._orders if fault.times != 0]
            return struck

    def orders(self) -> tuple[FileFault, ...]:
        """What is ordered and has not ended: to show it."""
        with self._lock:
            return tuple(self._orders)

    def clear(self, kind: str | None = None) -> None:
        """End all of them, or those of one kind."""
        with self._lock:
            self._orders = [each for each in self._orders if kind is not None and each.kind != kind]
            if kind is None:
                self._certificate = None
