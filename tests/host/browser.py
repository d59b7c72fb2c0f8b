"""Headless Chromium for tests, by its own protocol (CDP) and nothing else: one page, driven like a person would."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import aiohttp

_START_S = 30
_CALL_S = 20
_END_S = 5
_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
]
# In a group of its own, whose processes end together: when told to, and when pytest is no more, however it ended.
_LEASH = ["sh", "-c", '"$@" & cat > /dev/null; kill -TERM 0', "chromium"]
# What a person would call by its name: the visible text, or the label.
_FIND = """(name) => {
  const named = (one) => one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent;
  const all = [...document.querySelectorAll("button, a, summary, input, textarea, label")];
  return all.filter((one) => one.checkVisibility() && named(one).trim().startsWith(name)).sort(
    (one, other) => named(one).length - named(other).length)[0];
}"""


def chromium():
    """The program, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class PageError(Exception):
    """The page, or the browser, did not do what was asked."""


class Browser:
    """A Chromium of its own; `page()` gives a new, empty profile's page. `environment`: variables to add."""

    def __init__(self, *flags, environment=None):
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        command = [chromium(), *_FLAGS, *flags, f"--user-data-dir={self._folder.name}", "about:blank"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, **(environment or {})}
        self._process = subprocess.Popen([*_LEASH, *command], start_new_session=True, env=environment, **pipes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._calls = {}
        self._last_id = 0
        self.listeners = {}  # session -> what takes its events
        try:
            self.wait_for(self._connect(self._address()))
        except BaseException:
            self._end_process()
            raise

    def page(self):
        """A page with storage of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, context)

    def call(self, method, session=None, **parameters):
        """The result of a CDP command. Raises PageError."""
        return self.wait_for(self.send(method, session, parameters))

    async def send(self, method, session, parameters):
        self._last_id += 1
        answer = self._calls[self._last_id] = self._loop.create_future()
        document = {"id": self._last_id, "method": method, "params": parameters}
        await self._socket.send_json({**document, "sessionId": session} if session else document)
        return await asyncio.wait_for(answer, _CALL_S)

    def wait_for(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_START_S + _CALL_S)

    def close(self):
        self.wait_for(self._disconnect())
        self._end_process()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _end_process(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._wait_for_group()
        if self._lives():
            os.killpg(self._process.pid, 9)
            self._wait_for_group()
        self._folder.cleanup()

    def _wait_for_group(self):
        deadline = time.monotonic() + _END_S
        while self._lives() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _lives(self):
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _address(self):
        port_file = Path(self._folder.name) / "DevToolsActivePort"
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if port_file.exists() and len(lines := port_file.read_text().splitlines()) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.05)
        raise PageError("Chromium did not start")

    async def _connect(self, address):
        self._client = aiohttp.ClientSession()
        self._socket = await self._client.ws_connect(address, max_msg_size=0)
        self._reader = asyncio.create_task(self._read())

    async def _disconnect(self):
        await self._socket.close()
        await self._client.close()
        await self._reader

    async def _read(self):
        async for message in self._socket:
            document = json.loads(message.data)
            if "method" in document:
                listener = self.listeners.get(document.get("sessionId"))
                if listener:
                    listener(document["method"], document["params"])
                continue
            answer = self._calls.pop(document["id"])
            if answer.done():
                continue
            if "error" in document:
                answer.set_exception(PageError(document["error"]["message"]))
            else:
                answer.set_result(document["result"])


class Page:
    """A page. `problems` collects exceptions and error lines of its console."""

    def __init__(self, browser, session, context):
        self._browser, self._session, self._context = browser, session, context
        self.problems = []
        self._bindings = {}
        self._listeners = {}
        browser.listeners[session] = self._heard
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def post(self, method, **parameters):
        """A command whose result nobody waits for; from the thread that reads."""
        task = asyncio.ensure_future(self._browser.send(method, self._session, parameters))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def bind(self, name, function):
        """`name(text)` in the page calls `function(text)` here, in the thread that reads."""
        self._bindings[name] = function
        self.call("Runtime.addBinding", name=name)

    def on(self, method, function):
        """Each event `method` of CDP calls `function(parameters)`, in the thread that reads."""
        self._listeners[method] = function

    def before_each_load(self, source):
        self.call("Page.addScriptToEvaluateOnNewDocument", source=source)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def size(self, width, height, mobile=False):
        self._size = (width, height, mobile)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=mobile)
        self.call("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def scheme(self, name):
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def evaluate(self, expression):
        """The value of an expression, of a promise's result. Raises PageError."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, condition, seconds=15):
        """Until the expression is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.evaluate(f"Boolean({condition})"):
                return
            time.sleep(0.03)
        raise PageError(f"never came: {condition}; the page says: {self.text()!r}; problems: {self.problems}")

    def text(self):
        return self.evaluate("document.body.innerText")

    def click(self, name):
        """With the mouse, what has this name (the beginning is enough)."""
        self.wait(f"({_FIND})({json.dumps(name)})")
        self.evaluate(f"({_FIND})({json.dumps(name)}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.evaluate(f"({_FIND})({json.dumps(name)}).getBoundingClientRect().toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def type(self, name, text):
        """Into the field with this label, instead of what is there."""
        self.wait(f"({_FIND})({json.dumps(name)})")
        self.evaluate(f"(({_FIND})({json.dumps(name)}).focus(), document.activeElement.select())")
        self.call("Input.insertText", text=text)

    def press(self, key, code=None, text=None):
        keys = {"key": key, "code": code or key, **({"text": text} if text else {})}
        numbers = {"Enter": 13, "Tab": 9, " ": 32, "ArrowDown": 40}
        keys["windowsVirtualKeyCode"] = numbers.get(key, 0)
        self.call("Input.dispatchKeyEvent", type="keyDown", **keys)
        self.call("Input.dispatchKeyEvent", type="keyUp", **keys)

    def choose_files(self, selector, paths):
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path) for path in paths], nodeId=node)

    def screenshot(self, path):
        """What a screen of the same width shows that is high enough for everything."""
        width, height, mobile = self._size
        whole = self.evaluate("document.documentElement.scrollHeight")
        if whole > height:
            self.size(width, whole, mobile)
        data = self.call("Page.captureScreenshot")["data"]
        self.size(width, height, mobile)
        Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self._browser.listeners.pop(self._session, None)
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def _heard(self, method, parameters):
        if method in self._listeners:
            self._listeners[method](parameters)
        elif method == "Runtime.bindingCalled":
            self._bindings[parameters["name"]](parameters["payload"])
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
