"""What is measured: each measurement registers itself, `cli` runs them and makes the table.

    @measurement("publish.window.tcp", "QoS 1 published, window of 10, TCP", "messages/s", at_least=25000)
    def _(desk):
        return desk.run("mqtt", "publish", "1", "10")["per_s"]

A module of this package that holds measurements is named in `MODULES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from tools.bench.desk import Desk

MODULES = (
    "tools.bench.mqtt",
    "tools.bench.neighbours",
    "tools.bench.memory",
    "tools.bench.whole_device",
    "tools.bench.heap",
    "tools.bench.bluetooth",
    "tools.bench.config_heap",
    "tools.bench.update",
    "tools.bench.update_cuts",
)

_all: dict[str, Measurement] = {}


@dataclass(frozen=True)
class Measurement:
    """One number. `goal`: what it must reach at least or at most; None: only reported."""

    name: str
    what: str
    unit: str
    take: Callable[[Desk], float]
    goal: float | None
    less_is_better: bool
    repeat: bool

    def reached(self, value: float) -> bool:
        """Whether a value is as good as it has to be."""
        return self.goal is None or (value <= self.goal if self.less_is_better else value >= self.goal)

    def best(self, values: list[float]) -> float:
        """The best of several: what else ran on the machine can only have made the others worse."""
        return min(values) if self.less_is_better else max(values)


def measurement(name, what, unit, *, at_least=None, at_most=None, less_is_better=False, repeat=True):
    """Decorator: register a function from `Desk` to a number. `repeat=False`: it is the same every time."""

    def register(take):
        goal = at_most if at_most is not None else at_least
        less = less_is_better or at_most is not None
        _all[name] = Measurement(name, what, unit, take, goal, less, repeat)
        return take

    return register


def measurements() -> list[Measurement]:
    """All of them, in the order of `MODULES` and of their files; a name with "@somebody" behind the same without."""
    for module in MODULES:
        importlib.import_module(module)
    order = {name: place for place, name in enumerate(_all)}
    return sorted(_all.values(), key=lambda one: order[one.name.split("@")[0]])
