"""Where this checkout is, for tests of code that is not on the device's path. Environment: REPOSITORY."""

import contextlib

from tools.interpreter import ROOT


@contextlib.contextmanager
def companion(_folder):
    yield {"REPOSITORY": str(ROOT)}
