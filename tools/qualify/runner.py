"""Runs cases, each on a bench of its own, some at the same time; a real device's one after the other."""

import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tools.cloud.limits import Limits
from tools.qualify import cases_mqtt, cases_services, cases_tls  # noqa: F401 - they register themselves
from tools.qualify.bench import SimulatedBench
from tools.qualify.case import CASES, ERROR, FAIL, PASS, WARN, Evidence, Failed


@dataclass
class Result:
    """`outcome` of a case, `evidence` in sentences, `seconds`; `console`: the device's last lines when it failed."""

    case: object
    outcome: str
    evidence: list
    seconds: float
    console: list = field(default_factory=list)


def chosen(words=(), short=False):
    """The cases whose titles have one of the words, all without any; `short`: only those of the short set."""
    return [
        each
        for each in CASES
        if (each.short or not short) and (not words or any(word.lower() in each.title.lower() for word in words))
    ]


def run_simulated(cases, scale, workers, done):
    """Results in the order of `cases`; `done(result)` hears each as it comes."""
    watches, over = [], threading.Event()

    def one(each):
        with SimulatedBench(scale, limits=Limits(**each.limits)) as bench:
            watches.append(bench.watch)
            if over.is_set():
                bench.watch.end()
            result = run_on(bench, each)
        done(result)
        return result

    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(pool.map(one, cases))
        finally:  # after Ctrl-C nobody waits for what takes minutes; the benches are cleared away all the same
            over.set()
            for watch in watches:
                watch.end()


def run_in_turn(bench, cases, done):
    """The same with one bench, for a device that is always there."""
    results = []
    for each in cases:
        results.append(run_on(bench, each))
        bench.faults.clear()
        done(results[-1])
    return results


def run_on(bench, each):
    """One case."""
    evidence, begin = Evidence(), time.monotonic()
    try:
        each.run(bench, evidence)
        outcome = WARN if evidence.warnings else PASS
    except Failed as failure:
        outcome = FAIL
        evidence(str(failure))
    except TimeoutError as late:
        outcome = FAIL
        evidence(f"not in time: {late}")
    except Exception:  # noqa: BLE001 - a broken bench is no failure of the device, and must not hide the other cases
        outcome = ERROR
        evidence(traceback.format_exc())
    console = bench.console()[-40:] if outcome in (FAIL, ERROR) else []
    return Result(each, outcome, evidence.lines, time.monotonic() - begin, console)
