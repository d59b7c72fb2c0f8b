"""Collects the tests that run inside MicroPython: each `test_*` function of `tests/device/test_*.py` is one item.

Such a file is never imported here, only parsed. Its tests run in one MicroPython process, in an empty folder of its
own, with the simulated board's modules and the micropython-lib packages on the path; a process that died or hung
fails its test, and a fresh one runs the rest. The file may say, as plain assignments at its top:

    HEAP = "200k"                bytes of heap (default: the interpreter's own)
    TIMEOUT_S = 30               seconds for one test (default 30); then its waiting place is printed and it fails
    FRESH = True                 a new process for every test
    COMPANIONS = ["broker"]      what must run beside it: `companions/broker.py` in the same folder has
                                 `@contextmanager def companion(folder)`, in CPython, which yields a dict that the
                                 tests find in their environment (`os.getenv("BROKER_PORT")`); `folder` is the one
                                 the process runs in. One per process.

Tests say `from harness import equal, raises, skip` (device/harness.py).
"""

import ast
import signal

import pytest

from tests.device_process import DEVICE_TESTS, DeviceProcess, Died
from tools import interpreter

_SETTINGS = {"HEAP": None, "TIMEOUT_S": 30, "FRESH": False, "COMPANIONS": ()}


def pytest_addoption(parser):
    parser.addoption("--canaries", action="store_true", help="collect the device tests that must fail, too")
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run: everything is installed")


def pytest_ignore_collect(collection_path, config):
    if collection_path.name.startswith("test_canary") and not config.getoption("canaries"):
        return True
    return None


def pytest_pycollect_makemodule(module_path, parent):
    if DEVICE_TESTS in module_path.parents:
        return DeviceFile.from_parent(parent, path=module_path)
    return None


class FailuresAtOnce:
    """Names a failure when it happens: the whole run takes a quarter of an hour, and may be interrupted."""

    def __init__(self, reporter):
        self._reporter = reporter

    @pytest.hookimpl(trylast=True)  # the line with its letter comes first
    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = (crash.message if crash else str(report.longrepr)).strip().partition("\n")[0]
            self._reporter.write_line("")
            self._reporter.write_line(f"{report.nodeid} ({report.when}): {reason}"[:240], red=True)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for `make test &`: Ctrl-C is tested, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        config.pluginmanager.register(FailuresAtOnce(reporter), "failures-at-once")


def pytest_report_header():
    return _describe_interpreter()


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("device tests")
    for line in _describe_interpreter():
        terminalreporter.line(line)
    if _forbidden_skips(config):
        terminalreporter.line("tests were skipped, and --no-skips was given: the run has failed", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if _forbidden_skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _forbidden_skips(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return config.getoption("no_skips") and bool(reporter and reporter.stats.get("skipped"))


def _describe_interpreter():
    try:
        packages = ", ".join(f"{name}: {origin}" for name, origin in interpreter.packages_in_use().items())
        return [f"micropython: {interpreter.micropython_version()}", f"micropython-lib packages: {packages}"]
    except interpreter.MissingTool as error:
        return [f"micropython: {error}"]


class DeviceFile(pytest.File):
    """One file of device tests, and the process that runs them."""

    def collect(self):
        tree = ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))
        self.settings = _read_settings(tree)
        self._process = None
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                yield DeviceTest.from_parent(self, name=node.name, line=node.lineno - 1)

    def run(self, test):
        """Run one test in the file's process; returns its answer and output."""
        if self._process is None:
            self._process = DeviceProcess(
                self.path, self.settings["HEAP"], self.settings["TIMEOUT_S"], self.settings["COMPANIONS"]
            )
        try:
            answer = self._process.run(test)
        except BaseException:
            self.teardown()
            raise
        if self.settings["FRESH"]:
            self.teardown()
        return answer

    def teardown(self):
        if self._process is not None:
            self._process.close()
            self._process = None


def _read_settings(tree):
    settings = dict(_SETTINGS)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in settings:
            settings[node.targets[0].id] = ast.literal_eval(node.value)
    return settings


class DeviceTest(pytest.Item):
    """One test function inside MicroPython."""

    def __init__(self, *, line, **kwargs):
        super().__init__(**kwargs)
        self._line = line

    def runtest(self):
        try:
            answer, output = self.parent.run(self.name)
        except Died as death:
            self.add_report_section("call", "output", death.output)
            raise DeviceFailure(str(death)) from None
        if output:
            self.add_report_section("call", "output", output)
        if answer["outcome"] == "skipped":
            raise pytest.skip.Exception(f"{self.name}: {answer['detail']}", _use_item_location=True)
        if answer["outcome"] != "passed":
            raise DeviceFailure(answer["detail"])

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, DeviceFailure):
            # pytest's last lines show the first line of this: it must be the one that tells most.
            detail = str(excinfo.value).rstrip()
            return f"{detail.splitlines()[-1]}\n{self.path}:{self._line + 1}: {self.name}\n{detail}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self._line, self.name


class DeviceFailure(Exception):
    """The test failed inside MicroPython; the message is the traceback printed there."""
