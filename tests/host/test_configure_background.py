"""The radio's loop beside the terminal: what ends when a person does not want to wait."""

import asyncio
import threading

import pytest

from tools.configure import background as background_module
from tools.configure.background import Background


async def forever(begun, ended):
    try:
        begun.set()
        await asyncio.sleep(600)
    finally:
        ended.append("cancelled")


async def others(seconds):
    """How many tasks beside this one have not ended after some time."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return len((await asyncio.wait(tasks, timeout=seconds))[1]) if tasks else 0


def test_ctrl_c_cancels_what_is_awaited_and_the_loop_goes_on(monkeypatch):
    begun, ended = threading.Event(), []

    def pressed(*_):
        begun.wait(10)
        raise KeyboardInterrupt

    with Background() as background:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(background_module.concurrent.futures, "wait", pressed)
            background.run(forever(begun, ended))
        assert background.run(others(2)) == 0
        assert ended == ["cancelled"]


def test_what_still_runs_at_the_end_is_cancelled_in_order():
    begun, ended = threading.Event(), []

    async def begin():
        begin.task = asyncio.ensure_future(forever(begun, ended))
        await asyncio.sleep(0)

    with Background() as background:
        background.run(begin())
        assert ended == []
    assert ended == ["cancelled"]
