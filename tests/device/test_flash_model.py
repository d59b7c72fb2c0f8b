"""Flash against a model: long rows of random operations, power cuts and NVS erased by the port.

The model is a dict of what each record may be: one value, or the old and the new after a power cut.
"""

import random

import simulation

from flash_board import boot, erase_nvs, new_board
from harness import equal

TIMEOUT_S = 120
STEPS = 200
NAMES = ("settings", "candidate", "thing", "pending", "code", "notes")


def random_bytes(most):
    return bytes([random.randint(0, 255)]) * random.randint(0, most)


def random_record(name):
    if name == "code":
        return random_bytes(32), b""
    return random_bytes(1500), random_bytes(2000)


class Model:
    """`may_be`: name -> the values that the record may have, None for none; "user" is the user's data."""

    def __init__(self):
        self.may_be = {name: [None] for name in NAMES}
        self.may_be["user"] = [bytes(256)]

    def begin(self, changes):
        """A power cut from here on leaves the old or the new ones."""
        self._changes = changes
        for name in changes:
            self.may_be[name] = self.may_be[name] + [changes[name]]

    def finish(self):
        for name in self._changes:
            self.may_be[name] = [self._changes[name]]

    def check(self, store):
        """What flash has is allowed; from now on it must be that."""
        for name in self.may_be:
            value = store.read(0, 256) if name == "user" else store.load(name)
            if value not in self.may_be[name]:
                raise AssertionError("%s is none of the %d values it may be" % (name, len(self.may_be[name])))
            self.may_be[name] = [value]


async def one_step(store, model):
    kind, name = random.randint(0, 9), random.choice(NAMES)
    if kind < 5:
        record = random_record(name)
        model.begin({name: record})
        await store.save(name, *record)
    elif kind < 6:
        model.begin({name: None})
        await store.erase(name)
    elif kind < 7:
        other = random.choice(NAMES)
        model.begin({name: None, other: None, "user": bytes(256)})
        await store.erase_all((name, other, "user"))
    else:
        data = bytes([random.randint(0, 255)]) * 256
        model.begin({"user": data})
        await store.write(0, data)
        await store.flush()
    model.finish()


async def run_against_model(seed):
    random.seed(seed)
    store, model, cuts = await new_board(), Model(), 0
    for _ in range(STEPS):
        if random.randint(0, 2) == 0:
            simulation.board.flash.cut_at(random.randint(1, 60), random.randint(0, 1) == 1)
        try:
            await one_step(store, model)
        except simulation.PowerCut:
            cuts += 1
            store = await boot()
        model.check(store)
        if random.randint(0, 19) == 0:
            erase_nvs()
            store = await boot()
            model.check(store)
    equal(cuts > STEPS // 20, True)


async def test_random_operations_and_power_cuts_give_what_the_model_allows():
    for seed in range(4):
        try:
            await run_against_model(seed)
        except AssertionError as failure:
            raise AssertionError("with seed %d: %s" % (seed, failure))
