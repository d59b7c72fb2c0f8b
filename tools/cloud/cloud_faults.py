"""All faults that can be ordered from the local AWS IoT: those of the broker, and those of certificate, provisioning
and files."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tools.cloud.faults import Faults
from tools.cloud.files.faults import FileFaults


class CloudFaults(Faults):
    """`faults.Faults` and:

    certificate             one of `server_certificates.FAULTS`, or None for the good one; for connections to come
    throttle_provisioning   so many provisioning requests from now are rejected with 429
    files                   those of the https file server: `files.faults.FileFaults`
    """

    def __init__(self) -> None:
        super().__init__()
        self._guard = threading.Lock()
        self._certificate: str | None = None
        self._throttled = 0
        self.files = FileFaults()
        self.show_certificate: Callable[[str | None], None] = lambda fault: None  # given by LocalCloud

    @property
    def certificate(self) -> str | None:
        return self._certificate

    @certificate.setter
    def certificate(self, fault: str | None) -> None:
        self.show_certificate(fault)
        self._certificate = fault

    @property
    def throttle_provisioning(self) -> int:
        return self._throttled

    @throttle_provisioning.setter
    def throttle_provisioning(self, requests: int) -> None:
        if requests < 0:
            raise ValueError(f"throttle_provisioning: {requests}; how many requests, 0 for none")
        self._throttled = requests

    def takes_throttle(self) -> bool:
        """Is this request one to reject? Counts it."""
        with self._guard:
            if self._throttled == 0:
                return False
            self._throttled -= 1
            return True

    def clear(self, kind: str | None = None) -> None:
        """End all faults, or the broker's of one kind."""
        super().clear(kind)
        if kind is None:
            self._throttled = 0
            self.files.clear()
            if self._certificate is not None:
                self.certificate = None
