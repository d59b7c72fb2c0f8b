"""What a user installs is what is in the repository: package.json, the pinned packages, the image's manifest."""

import http.server
import json
import subprocess
import sys
import threading

import pytest

from tools import interpreter
from tools.interpreter import ROOT
from tools.verbs import deps, package


def test_package_json_lists_the_files_of_lib():
    assert package.PACKAGE.read_text() == package.contents(), "`make lint ARGS=--fix` brings it up to date"


def test_mip_installs_the_firmware_from_package_json(tmp_path, index):
    for name, version in deps.VERSIONS.items():
        index.add(name, version, {})
    index.serve("/firmware/package.json", package.contents().encode())
    for path in interpreter.LIB.rglob("*.py"):
        index.serve(f"/firmware/lib/{path.relative_to(interpreter.LIB)}", path.read_bytes())
    target = tmp_path / "lib"
    command = [interpreter.micropython(), "-m", "mip", "install", "--index", index.url, "--target", str(target)]
    command.append(f"{index.url}/firmware/package.json")
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.stdout.splitlines()[-1] == "Done", answer.stdout + answer.stderr
    for path in interpreter.LIB.rglob("*.py"):
        assert (target / path.relative_to(interpreter.LIB)).read_bytes() == path.read_bytes()


class Index:
    """A package index on this machine; what is not in it is answered 404."""

    def __init__(self):
        self._pages = {}
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = index._pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self, path, body):
        self._pages[path] = body

    def add(self, name, version, files):
        """A package with `files`, {path: text}."""
        urls = [[path, f"{self.url}/{path}"] for path in files]
        for path, text in files.items():
            self.serve(f"/{path}", text.encode())
        listing = json.dumps({"version": version, "urls": urls}).encode()
        for mpy_version in ("6", "py"):
            self.serve(f"/package/{mpy_version}/{name}/{version}.json", listing)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def index():
    index = Index()
    yield index
    index.close()


@pytest.fixture
def own_deps(tmp_path, monkeypatch):
    """`deps` installs beside nobody's real .deps."""
    monkeypatch.setattr(interpreter, "ROOT", tmp_path)
    monkeypatch.setattr(interpreter, "DEPS", tmp_path / ".deps")
    return tmp_path / ".deps"


def fill(index):
    index.add("umqtt.simple", deps.VERSIONS["umqtt.simple"], {"umqtt/simple.py": "class MQTTClient: pass\n"})
    index.add("aioble-peripheral", deps.VERSIONS["aioble-peripheral"], {"aioble/peripheral.py": ""})
    index.add("aioble-server", deps.VERSIONS["aioble-server"], {"aioble/server.py": ""})
    index.add("aioble-core", deps.VERSIONS["aioble-core"], {"aioble/__init__.py": ""})


def test_deps_installs_the_packages_which_are_then_in_use(index, own_deps, monkeypatch):
    monkeypatch.delenv("MICROPYTHON_LIB", raising=False)
    fill(index)
    deps.main(index=index.url)
    assert (own_deps / "umqtt/simple.py").read_text() == "class MQTTClient: pass\n"
    assert interpreter.packages_in_use() == {"umqtt.simple": ".deps", "aioble": ".deps"}


def test_deps_that_fail_leave_what_was_there(index, own_deps):
    fill(index)
    index.serve(f"/package/6/aioble-core/{deps.VERSIONS['aioble-core']}.json", None)
    (own_deps / "umqtt").mkdir(parents=True)
    with pytest.raises(SystemExit, match=r"aioble-core@\S+ could not be installed .*not found"):
        deps.main(index=index.url)
    assert [path.name for path in own_deps.parent.iterdir()] == [".deps"]
    assert [path.name for path in own_deps.iterdir()] == ["umqtt"]


def test_deps_without_an_index_end_with_one_line():
    command = [sys.executable, "-m", "tools", "deps", "--index", "http://127.0.0.1:9"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert answer.stderr.startswith("deps: umqtt.simple@")
    assert len(answer.stderr.splitlines()) == 1


def test_the_image_freezes_the_packages_that_mip_installs():
    manifest = (ROOT / "firmware" / "manifest.py").read_text()
    # aioble-core comes with the others
    for name in deps.VERSIONS.keys() - {"aioble-core"}:
        assert f'require("{name}")' in manifest


def test_a_checkout_of_micropython_lib_that_is_none_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROPYTHON_LIB", str(tmp_path))
    with pytest.raises(interpreter.MissingTool, match="is no checkout of micropython-lib"):
        interpreter.package_folders()
