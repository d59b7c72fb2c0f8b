"""Tells a device what was planned, and lets it try: with progress, and again when the connection broke."""

import asyncio
import json

from tools.configure.firmware import framing
from tools.configure.session import OVERHEAD
from tools.configure.talk import refusal
from tools.configure.trouble import Trouble
from tools.configure.watch import TOTAL_S, watch

_ATTEMPTS = 3
_LOOK_S = 1
_BROKEN = ("link_lost", "no_answer")
_STEPS = {
    "receiving": "it is reading",
    "joining": "it joins the Wi-Fi",
    "saving": "it saves",
    "restarting": "it restarts",
}


class Delivery:
    """`run` is `Background.run`."""

    def __init__(self, run, link, screen):
        self._run = run
        self._link = link
        self._screen = screen
        self._is_saved = True  # False: the connection was lost, and nobody knows

    def send(self, plan):
        """Everything up to the device's "saved". Raises Trouble."""
        self._run(self._link.forget_others(plan.networks))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._connect()
                self._tell(plan)
                if not self._link.is_ready:
                    raise Trouble("link_lost")  # and what was told is forgotten
                break
            except Trouble as trouble:
                if trouble.kind not in _BROKEN or attempt == _ATTEMPTS:
                    raise
                self._screen.warn(f"{trouble.title}: once more, from the beginning ({attempt + 1} of {_ATTEMPTS})")
                self._run(self._link.close())
        self._try(plan)

    def follow(self, wait_s):
        """What becomes of it. Raises Trouble "came_back"."""
        screen = self._screen
        doing = "It restarts and connects" if self._is_saved else "When the Wi-Fi works, it saves all and connects"
        screen.say(f"{doing}. If it cannot, it is back over Bluetooth within three minutes.")
        if not wait_s:
            return
        try:
            with screen.step("Watching whether it comes back (Ctrl-C: no more)") as step:
                self._run(watch(self._link, wait_s, lambda left_s: step.detail(f"{left_s} s left")))
        except KeyboardInterrupt:
            screen.say("Not watched to the end.")
            return
        if wait_s < TOTAL_S:
            screen.say(f"It did not come back within {wait_s} s: no failure so far. Your cloud says if it is there.")
        elif not self._is_saved:
            screen.say("It was not seen any more. If it is not in your cloud, look for it again: it says why.")
        else:
            screen.good("It did not come back, so it has reached the cloud. There you see it for certain.")

    def _connect(self):
        if self._link.is_ready:
            return
        with self._screen.step("Connecting safely"):
            self._run(self._link.secure())

    def _tell(self, plan):
        for message in plan.messages:
            size = len(json.dumps(message.dat, ensure_ascii=False)) + framing.HEADER + OVERHEAD + 32
            with self._screen.step(f"Sending the {message.label}", size) as step:
                self._link.on_bytes = step.advance
                answer = self._run(self._link.ask(message.typ, message.dat, anew=False))
            for warning in answer.details.get("warnings") or ():
                self._screen.warn(str(warning))
        self._link.on_bytes = lambda _: None

    def _try(self, plan):
        self._is_saved = True
        wifi = f"the Wi-Fi “{plan.networks[0]}”" if plan.networks else "the settings"
        with self._screen.step(f"Trying {wifi}") as step:
            self._link.on_state = lambda state: step.detail(_STEPS.get(state.get("step"), ""))
            try:
                self._run(self._link.ask("APPLY", anew=False))
            except Trouble as trouble:
                if trouble.kind not in _BROKEN:
                    raise
                step.detail("the connection was lost meanwhile")
                self._run(self._after_loss(trouble))
            finally:
                self._link.on_state = lambda _: None

    async def _after_loss(self, trouble):
        """It works on when the phone goes: how did it end? Gone, as after a success, is settled by watching."""
        self._is_saved = False
        await self._link.close()
        try:
            await self._link.reach()
            while (state := await self._link.state()).get("step") == "joining":
                await asyncio.sleep(_LOOK_S)
        except Trouble:
            return
        if state.get("step") in ("saving", "restarting"):
            self._is_saved = True
            return
        code = state.get("code")
        raise refusal(code, str(state.get("message") or ""), {}) if code else trouble
