"""The page's protocol modules in Node, called from pytest: see phone/driver.mjs."""

import json
import shutil
import subprocess
from pathlib import Path

DRIVER = Path(__file__).parent / "phone" / "driver.mjs"
PAGE = Path(__file__).parents[2] / "tools" / "phone" / "page"


class JsError(Exception):
    """What JavaScript threw: `name`, `kind`, `code`, `details`."""

    def __init__(self, name, message, kind=None, code=None, details=None):
        super().__init__(f"{name}: {message}")
        self.name, self.kind, self.code, self.details = name, kind, code, details


class Node:
    """A Node process. `radio` answers what the page's transport asks: a `phone_device.Radio`."""

    def __init__(self):
        command = [shutil.which("node"), str(DRIVER), str(PAGE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.radio = None

    def call(self, name, *arguments):
        """The result of `module.function`; bytes in, bytes out. Raises JsError."""
        return self._run({"call": name, "arguments": arguments})

    def script(self, text, *arguments):
        """The result of an async JavaScript function (load, transport, ...arguments). Raises JsError."""
        return self._run({"script": text, "arguments": arguments})

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _run(self, document):
        self._say(document)
        for line in self._process.stdout:
            answer = json.loads(line, object_hook=_decoded)
            if "radio" in answer:
                self._say(self.radio.asked(answer["radio"], answer["data"]))
            elif "error" in answer:
                raise JsError(**answer["error"])
            else:
                return answer["result"]
        raise EOFError("Node ended")

    def _say(self, document):
        self._process.stdin.write(json.dumps(document, default=_encoded) + "\n")
        self._process.stdin.flush()


def _encoded(value):
    return {"hex": bytes(value).hex()}


def _decoded(document):
    return bytes.fromhex(document["hex"]) if document.keys() == {"hex"} else document
