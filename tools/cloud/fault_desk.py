"""All faults by their names, as they are ordered from outside: over HTTP and on the command line.

desk.order({"kind": "no_puback", "client_id": "lamp", "packets": 2})
desk.order({"kind": "certificate", "value": "expired"});  desk.order({"kind": "files.cut", "amount": 10000})
desk.clear("no_puback");  desk.clear()
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.cloud import faults as broker_faults
from tools.cloud.cloud_faults import CloudFaults
from tools.cloud.files import faults as file_faults
from tools.cloud.server_certificates import FAULTS as CERTIFICATE_FAULTS

_CERTIFICATE, _FILES_CERTIFICATE, _THROTTLE = "certificate", "files.certificate", "throttle_provisioning"
_FILES = "files."
_CERTIFICATES = "the server shows a certificate that is `value`: " + "; ".join(
    f"{name} ({what})" for name, what in CERTIFICATE_FAULTS.items()
)
KINDS = {
    **broker_faults.KINDS,
    _CERTIFICATE: _CERTIFICATES,
    _THROTTLE: "the next `packets` provisioning requests are rejected with 429",
    **{f"{_FILES}{kind}": what for kind, what in file_faults.KINDS.items()},
    _FILES_CERTIFICATE: "as certificate, for the https file server",
}
# Option of an order -> its type.
OPTIONS = {
    "client_id": str,
    "amount": (int, float),
    "connections": int,
    "packets": int,
    "service": str,
    "times": int,
    "target": str,
    "value": str,
}


class FaultDesk:
    def __init__(self, faults: CloudFaults):
        self._faults = faults

    def order(self, order: Mapping[str, object]) -> None:
        """Order one of `KINDS` with some of `OPTIONS`. Raises ValueError that says what is wrong."""
        options = {name: value for name, value in order.items() if name != "kind" and value is not None}
        kind = order.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"no fault is called {kind!r}; there are: {', '.join(KINDS)}")
        for name, value in options.items():
            if name not in OPTIONS or isinstance(value, bool) or not isinstance(value, OPTIONS[name]):
                raise ValueError(f"{kind}: {name}={value!r}; options are {', '.join(OPTIONS)}, numbers and text")
        try:
            self._order(kind, **options)
        except TypeError:
            problem = f"does not take all of {', '.join(options)}" if options else "needs to be told more"
            raise ValueError(f"{kind} {problem}: {KINDS[kind]}") from None

    def _order(self, kind: str, **options) -> None:
        if kind == _CERTIFICATE:
            self._faults.certificate = _value(**options)
        elif kind == _FILES_CERTIFICATE:
            self._faults.files.certificate = _value(**options)
        elif kind == _THROTTLE:
            self._faults.throttle_provisioning = _packets(**options)
        elif kind.startswith(_FILES):
            self._faults.files.order(kind.removeprefix(_FILES), **options)
        else:
            self._faults.order(kind, **options)

    def orders(self) -> list[dict]:
        """What is ordered and has not ended, as `order` takes it, counts as they are by now."""
        faults = self._faults
        names = ("kind", "client_id", "amount", "connections", "packets", "service")
        found = [{name: getattr(each, name) for name in names} for each in faults.orders()]
        found += [
            {"kind": _FILES + each.kind, "amount": each.amount, "times": each.times, "target": each.target}
            for each in faults.files.orders()
        ]
        for kind, certificate in ((_CERTIFICATE, faults.certificate), (_FILES_CERTIFICATE, faults.files.certificate)):
            found.append({"kind": kind, "value": certificate} if certificate else {})
        if faults.throttle_provisioning:
            found.append({"kind": _THROTTLE, "packets": faults.throttle_provisioning})
        return [_without_nothing(each) for each in found if each]

    def clear(self, kind: str | None = None) -> None:
        """End all faults, or those of a kind; "files" is all of files. Raises ValueError for a kind there is not."""
        if kind is None:
            self._faults.clear()
        elif kind == _CERTIFICATE:
            self._faults.certificate = None
        elif kind == _THROTTLE:
            self._faults.throttle_provisioning = 0
        elif kind == _FILES_CERTIFICATE:
            self._faults.files.certificate = None
        elif kind == _FILES.rstrip("."):
            self._faults.files.clear()
        elif kind in KINDS and kind.startswith(_FILES):
            self._faults.files.clear(kind.removeprefix(_FILES))
        elif kind in broker_faults.KINDS:
            self._faults.clear(kind)
        else:
            raise ValueError(f"no fault is called {kind!r}; there are: {', '.join(KINDS)}")


def _value(value: str) -> str:
    return value


def _packets(packets: int) -> int:
    return packets


def _without_nothing(order: dict) -> dict:
    return {name: value for name, value in order.items() if value not in (None, "", 0)}
