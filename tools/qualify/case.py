"""What a case is: one of Device Advisor's tests, by its AWS name."""

from dataclasses import dataclass, field

PASS, WARN, FAIL, ERROR = "pass", "pass with warnings", "fail", "error"

CASES = []


@dataclass(frozen=True)
class Case:
    """`run(bench, evidence)` raises Failed or TimeoutError, or returns; warnings go to `evidence`.

    `partner`: needed for AWS's partner catalogue. `short`: of the short set, which CI runs. `limits` of the cloud.
    """

    group: str
    name: str
    run: object
    partner: bool = False
    short: bool = False
    limits: dict = field(default_factory=dict)

    @property
    def title(self):
        return f"{self.group} {self.name}"


class Failed(Exception):
    """The device did not do what the case asks; the message says what it did."""


class Evidence:
    """What was seen, in sentences; `warn` makes the case pass with warnings only."""

    def __init__(self):
        self.lines = []
        self.warnings = []

    def __call__(self, line):
        self.lines.append(line)

    def warn(self, line):
        self.warnings.append(line)
        self.lines.append(f"warning: {line}")


def case(group, name, partner=False, short=False, **limits):
    """Registers a function as a case."""

    def register(run):
        CASES.append(Case(group, name, run, partner, short, limits))
        return run

    return register


def require(condition, sentence):
    """The device must have; `sentence` says what it did instead."""
    if not condition:
        raise Failed(sentence)
