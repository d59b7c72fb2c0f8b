"""The verdict of a soak, as a table."""

from rich.markup import escape
from rich.table import Table

from tools.soak.heap import growth

_TOLD_S, _MEASURED_S = 5, 180  # a soak that lasts longer has told each device something, and measured a heap


def verdict(subject, heap_bound, lasted_s, keeps_power=False):
    """What went wrong with a device, in sentences; empty when nothing did. What was never tried is not proven."""
    found = subject.ledger.verdict()
    if lasted_s >= _TOLD_S and not subject.ledger.sent:
        found.append("the operator has told it nothing: whether it hears is not proven")
    heap = _heap(subject)
    if heap is None and keeps_power and lasted_s >= _MEASURED_S:
        found.append("its heap was hardly ever measured: whether it grows is not proven")
    if heap is not None and heap.grown > heap_bound:
        found.append(f"its heap grew by {heap.grown:,} bytes in {heap.seconds} s; the bound is {heap_bound:,}")
    return found


def table(subjects):
    """A column for each device."""
    made = Table(title="From both ends")
    made.add_column("")
    for subject in subjects:
        made.add_column(subject.name, justify="right")
    columns = [_column(subject) for subject in subjects]
    for name, *cells in zip(_ROWS, *columns, strict=True):
        made.add_row(name, *cells, end_section=name in _LAST_OF_A_SECTION)
    return made


_ROWS = (
    "faults",
    "starts",
    "connections",
    "back after a fault, median",
    "back after a fault, longest",
    "to the cloud: acknowledged",
    "kept in the outbox, or acknowledged",
    "given up, which was told",
    "in flight when the power went",
    "arrived once more",
    "lost",
    "to the device: taken by the cloud",
    "acknowledged by the device",
    "handed to the application",
    "not handed over",
    "heap after collection, first",
    "last",
    "slope, an hour",
)
_LAST_OF_A_SECTION = ("back after a fault, longest", "lost", "not handed over")


def _column(subject):
    ledger, returns = subject.ledger, sorted(subject.returns_s)
    back = (f"{returns[len(returns) // 2]:.1f} s", f"{returns[-1]:.1f} s") if returns else ("", "")
    before = (len(subject.befallen), len(ledger.lives), ledger.connections)
    after = (
        len(ledger.acked), len(ledger.kept), ledger.gave_up, ledger.cut_short, ledger.again, len(ledger.lost()),
        len(ledger.sent), len(ledger.sent & ledger.taken), len(ledger.sent & ledger.heard), len(ledger.unheard()),
    )  # fmt: skip
    heap = _heap(subject)
    memory = (
        (f"{heap.first:,}", f"{heap.last:,}", f"{heap.slope:+,.0f}") if heap else ("-", "-", "-")
    )  # none lived for long enough
    return (*(f"{number:,}" for number in before), *back, *(f"{number:,}" for number in after), *memory)


def _heap(subject):
    return growth([life.heap for life in subject.ledger.lives])


def sentences(subject, found):
    """What went wrong, for a terminal."""
    return [f"[red]{subject.name}[/red]: {escape(sentence)}" for sentence in found]
