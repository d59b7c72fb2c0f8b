"""Who is told at once when the registry changes: the broker, and the TLS contexts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _nobody(*_: object) -> None:
    """Nobody listens: nothing is connected yet."""


@dataclass
class Watchers:
    """Each is called in the event loop, after the change is stored."""

    identity_changed: Callable[[str | None], object] = _nobody  # policies or things of this certificate (None: any)
    disconnect: Callable[[str], object] = _nobody  # this certificate is not active any more
    certificate_registered: Callable[[str], object] = _nobody  # PEM of one that another authority signed
    membership_changed: Callable[[str], object] = _nobody  # this thing joined or left groups, or is no more
    publish: Callable[[str, bytes], object] = _nobody  # what AWS itself says on `$aws/...`: topic, payload
