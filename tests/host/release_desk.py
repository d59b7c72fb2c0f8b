"""What the tests of the release tool share: its command line, and an image."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from tools.interpreter import ROOT
from tools.release.cli import app
from tools.sim import firmware

PASSPHRASE = "correct horse battery"


@dataclass
class Tool:
    """The release tool with keys of its own in `folder`; the firmware's public keys are a copy."""

    folder: Path

    def __post_init__(self):
        self.trusted = self.folder / "trusted.py"
        self.trusted.write_text('"""The keys."""\n\nKEYS = {}\n')
        self.image = self.folder / "image.bin"
        self.image.write_bytes(firmware.build("2.0.0", thin=True))
        self.environment = {"RELEASE_PASSPHRASE": PASSPHRASE, "RELEASE_KEYS": str(self.folder / "keys")}

    def run(self, *arguments, **environment):
        """(exit code, what was printed), in this process."""
        answer = CliRunner().invoke(app, [str(word) for word in arguments], env={**self.environment, **environment})
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.output
        return answer.exit_code, answer.output

    def good(self, *arguments):
        """What was printed by a command that must end well."""
        code, output = self.run(*arguments)
        assert code == 0, output
        return output

    def keygen(self, kid="k1"):
        return self.good("keygen", "--kid", kid, "--trusted", self.trusted)

    def start(self, *arguments):
        """A process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "tools", "release", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
