"""Write package.json, by which mip installs the firmware's files from a checkout or a repository."""

import json
import re

from tools.interpreter import LIB, ROOT
from tools.verbs.deps import VERSIONS

PACKAGE = ROOT / "package.json"


def main():
    PACKAGE.write_text(contents(), encoding="utf-8")
    print(f"wrote {PACKAGE.name}")


def contents():
    """What package.json must say for the files that are in lib now."""
    files = sorted(str(path.relative_to(LIB)) for path in LIB.rglob("*.py"))
    urls = ",\n".join(f"    {json.dumps([file, f'lib/{file}'])}" for file in files)
    deps = ",\n".join(f"    {json.dumps([name, version])}" for name, version in VERSIONS.items())
    return f'{{\n  "version": "{_version()}",\n  "urls": [\n{urls}\n  ],\n  "deps": [\n{deps}\n  ]\n}}\n'


def _version():
    return re.search(r'^VERSION = "([^"]+)"', (LIB / "release.py").read_text(encoding="utf-8"), re.MULTILINE)[1]
