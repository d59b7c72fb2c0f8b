"""Runs the tests of one file inside MicroPython and gives them their two questions, `equal` and `raises`.

`tests/conftest.py` starts this module as `main(module)`; it then reads the name of one test a line from standard
input and answers each with one line of JSON behind `MARK`. Everything else on the output is what the test printed.
"""

import asyncio
import io
import json
import sys

MARK = "\x1e"

_unawaited = []
_background = []


class Skip(Exception):
    """Raised by `skip`."""


def skip(reason):
    """End this test: it cannot run here. The summary names it with `reason`."""
    raise Skip(reason)


def equal(actual, expected):
    """Fail unless both are equal and of a like type (`True` is not `1`)."""
    if actual != expected or isinstance(actual, bool) != isinstance(expected, bool):
        raise AssertionError("expected %r, got %r" % (expected, actual))


def raises(kind, call):
    """Return the exception of class `kind` that `call` raises; fail when it raises none.

    `call` is a function without arguments, or a coroutine: then write `await raises(OSError, client.connect())`.
    Any other exception passes through, so its traceback says what happened instead.
    """
    if not callable(call):
        return _awaiting(kind, call)
    try:
        result = call()
    except kind as error:
        return error
    if hasattr(result, "send") and hasattr(result, "throw"):
        return _awaiting(kind, result)
    raise AssertionError("expected %s, nothing was raised, the result is %r" % (kind.__name__, result))


def _awaiting(kind, coroutine):
    # A forgotten `await` would let a test pass that asked nothing: the runner looks for what is left in the list.
    waiting = _await_error(kind, coroutine)
    _unawaited.append(id(waiting))
    return _Awaited(waiting)


class _Awaited:
    def __init__(self, coroutine):
        self._coroutine = coroutine

    def __iter__(self):
        _unawaited.remove(id(self._coroutine))
        return self._coroutine

    __await__ = __iter__


async def _await_error(kind, coroutine):
    try:
        result = await coroutine
    except kind as error:
        return error
    raise AssertionError("expected %s, nothing was raised, the result is %r" % (kind.__name__, result))


def _note_background_error(loop, context):
    _background.append(context["exception"])


async def _run_coroutine(coroutine, timeout_s):
    asyncio.get_event_loop().set_exception_handler(_note_background_error)
    try:
        await asyncio.wait_for(_show_where_cancelled(coroutine), timeout_s)
    except asyncio.TimeoutError:
        raise AssertionError("not finished after %d s; it waited at the place printed above" % timeout_s)
    # asyncio tells of a task that died one turn of the loop after it happened.
    for _ in range(3):
        await asyncio.sleep(0)


async def _show_where_cancelled(coroutine):
    try:
        await coroutine
    except asyncio.CancelledError as error:
        sys.print_exception(error)
        raise


def _run(test, timeout_s):
    _unawaited.clear()
    _background.clear()
    asyncio.new_event_loop()
    result = test()
    if hasattr(result, "send"):
        asyncio.run(_run_coroutine(result, timeout_s))
    if _background:
        print("A background task died:")
        raise _background[0]
    if _unawaited:
        raise AssertionError("raises(...) was given a coroutine, but not awaited")


def _answer(outcome, detail=""):
    print("\n" + MARK + json.dumps({"outcome": outcome, "detail": detail}))


def _traceback(error):
    text = io.StringIO()
    sys.print_exception(error, text)
    return text.getvalue()


def _run_and_answer(test, timeout_s):
    try:
        _run(test, timeout_s)
    except Skip as reason:
        _answer("skipped", str(reason))
    except BaseException as error:  # noqa: BLE001  SystemExit, too: this test alone fails, the next one runs
        _answer("failed", _traceback(error))
    else:
        _answer("passed")


def main(module, timeout_s):
    """Import `module`, then run the tests named on standard input until it ends."""
    try:
        tests = __import__(module)
    except BaseException as error:  # noqa: BLE001
        _answer("failed", _traceback(error))
        return
    _answer("ready")
    for line in sys.stdin:
        _run_and_answer(getattr(tests, line.strip()), timeout_s)
