"""What befalls a device: each fault begins, lasts, and ends again. All chance comes from the dice that are handed in.

for fault in drawn(dice):
    with fault(subject, dice) as words:  # what happens, for the log
        ...  # it lasts
"""

import contextlib
from contextlib import contextmanager

_HOUR_S = 3600
_YEAR_S = 365 * 86400
_CLOCKS_S = (-20 * _YEAR_S, -6 * _HOUR_S, 600, 12 * _HOUR_S, 20 * _YEAR_S)  # within a day, or far beyond belief
_WRITES_AT_START = 12
_WRITES_AT_WORK = 25

_TWO_AT_ONCE = 0.3

FAULTS = {"air": [], "road": [], "power": [], "cloud": []}  # two at once are of different groups


def drawn(dice, spare_power=False):
    """One fault, or two at once, by chance; with `spare_power` none that takes its power."""
    groups = sorted(group for group in FAULTS if not (spare_power and group == "power"))
    chances = [len(FAULTS[group]) for group in groups]
    [first] = dice.choices(groups, chances)
    faults = [dice.choice(FAULTS[first])]
    if dice.random() < _TWO_AT_ONCE:
        faults.append(dice.choice(FAULTS[dice.choice([group for group in groups if group != first])]))
    return faults


def _fault(group):
    def remember(function):
        made = contextmanager(function)
        FAULTS[group].append(made)
        return made

    return remember


# ---- the access point ----


@_fault("air")
def access_point_gone(subject, _dice):
    subject.home.vanish()
    yield "the access point is gone"
    subject.home.back()


@_fault("air")
def access_point_refuses(subject, _dice):
    subject.home.refuse()
    subject.home.kick()
    yield "the access point throws it out, and refuses"
    subject.home.refuse(False)


@_fault("air")
def no_address(subject, _dice):
    subject.home.no_address()
    subject.home.kick()
    yield "the access point throws it out, and gives no address"
    subject.home.no_address(False)


@_fault("air")
def thrown_out(subject, _dice):
    subject.home.kick()
    yield "the access point throws it out"


# ---- the road ----


@_fault("road")
def half_open_link(subject, _dice):
    subject.home.stall()
    yield "frames get lost, all of them"
    subject.home.stall(False)


@_fault("road")
def loss(subject, dice):
    subject.home.loss = dice.choice((0.05, 0.2, 0.4))
    yield f"loss of {subject.home.loss:.0%}"
    subject.home.loss = 0.0


@_fault("road")
def delay(subject, dice):
    subject.home.latency_ms = dice.choice((100, 400, 1500))
    yield f"a latency of {subject.home.latency_ms} ms"
    subject.home.latency_ms = 0


@_fault("road")
def cut_after_bytes(subject, dice):
    count = dice.randint(1, 6000)
    subject.home.cut_after(count)
    yield f"the connection is reset after {count} bytes"
    subject.home.cut_after(None)


@_fault("road")
def firewall(subject, dice):
    switch, words = dice.choice(((subject.world.block_port, "drops"), (subject.world.refuse_port, "refuses")))
    switch(8883)
    subject.home.cut_after(1)
    yield f"the connection is reset, and a firewall {words} the next"
    switch(8883, False)
    subject.home.cut_after(None)


# ---- names and time ----


@_fault("road")
def no_names(subject, dice):
    subject.world.dns = False
    subject.home.cut_after(dice.randint(1, 500))
    yield "name servers are silent, and the connection is reset"
    subject.world.dns = True
    subject.home.cut_after(None)


@_fault("power")
def no_time(subject, _dice):
    subject.world.ntp = False
    subject.board.power_cut()
    subject.board.power_on()
    yield "time servers are silent after a power cut"
    subject.world.ntp = True


@_fault("power")
def clock_jumps(subject, dice):
    subject.world.ntp_offset_s = dice.choice(_CLOCKS_S)
    subject.board.power_cut()
    subject.board.power_on()
    yield f"time servers are {subject.world.ntp_offset_s:+,} s off after a power cut"
    subject.world.ntp_offset_s = 0


@_fault("power")
def hostile_servers(subject, dice):
    subject.world.hostile = dice.choice(("garbage", "wrong_id", "short", "loop", "kiss"))
    subject.board.power_cut()
    subject.board.power_on()
    yield f"hostile name and time servers ({subject.world.hostile}) after a power cut"
    subject.world.hostile = None


# ---- power ----


@_fault("power")
def power_cut(subject, _dice):
    subject.board.power_cut()
    yield "no power"
    subject.board.power_on()


@_fault("power")
def power_cut_at_a_write(subject, dice):
    write, torn = dice.randint(1, _WRITES_AT_WORK), dice.random() < 0.5
    subject.board.cut_at_write(write, torn)
    yield f"power cut at flash write {write}{', torn' * torn}"
    _power(subject.board)


@_fault("power")
def power_cut_at_start(subject, dice):
    write, torn = dice.randint(1, _WRITES_AT_START), dice.random() < 0.5
    subject.board.power_cut()
    subject.board.cut_at_write(write, torn)
    subject.board.power_on()
    yield f"power cut, and another at flash write {write} of the start{', torn' * torn}"
    _power(subject.board)


@_fault("power")
def power_cut_offline(subject, dice):
    """What is kept meanwhile is on flash only."""
    write, torn = dice.randint(1, _WRITES_AT_WORK), dice.random() < 0.5
    subject.home.vanish()
    subject.board.cut_at_write(write, torn)
    yield f"the access point is gone, and power is cut at flash write {write}{', torn' * torn}"
    subject.home.back()
    _power(subject.board)


@_fault("power")
def reset_button(subject, _dice):
    subject.board.reset()
    yield "the reset button is pressed"


def _power(board):
    """It has power again, whether the cut has struck or not."""
    board.cut_at_write(None)
    with contextlib.suppress(TimeoutError):
        board.wait_until_off(0.2)  # it may be about to
        board.power_on()


# ---- the cloud ----

_CLOUD = (
    ("no_puback", {"packets": 3}),
    ("no_puback", {"connections": 1}),
    ("no_suback", {"packets": 1}),
    ("no_connack", {"connections": 1}),
    ("no_pingresp", {}),
    ("close_after_connack", {"connections": 2}),
    ("close_after_received", {"connections": 2, "amount": 700}),
    ("close_after_received", {"connections": 1, "amount": 5000}),
    ("close_after_sent", {"connections": 2, "amount": 300}),
    ("close_after_sent", {"connections": 1, "amount": 60}),
    ("slow", {"amount": 0.5}),
    ("slow", {"amount": 3}),
)


@_fault("cloud")
def cloud_misbehaves(subject, dice):
    kind, details = dice.choice(_CLOUD)
    order = subject.cloud.faults.order(kind, client_id=subject.name, **details)
    yield " ".join(["the cloud:", kind, *(f"{name}={value}" for name, value in details.items())])
    order.cancel()


@_fault("cloud")
def cloud_closes(subject, _dice):
    subject.cloud.close_connections(subject.name)
    yield "the cloud closes the connection"
