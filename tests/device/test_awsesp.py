"""The wiring: where there is not even memory to begin, the device begins again."""

import simulation

import awsesp
from fakes import Group
from harness import equal, raises


async def application(device):
    """Nobody comes to it."""


def test_without_memory_to_begin_it_does_not_end_at_the_repl():
    slept = []

    def system(*hands):
        raise MemoryError

    awsesp.System, awsesp.sleep = system, slept.append
    raises(simulation.Restarted, lambda: awsesp.run(application))
    equal(len(slept), 1)


def test_without_an_application_it_is_a_device_all_the_same_and_for_boot_py_it_is_there_for_the_update_alone():
    given = []
    awsesp.System = lambda *hands: given.append(hands[4]) or Group(run=lambda: None)
    awsesp.run(None)
    awsesp.update()
    equal((given[0] is None, given[1]), (False, None))


def test_any_other_mistake_is_the_writers_to_see():
    def system(*hands):
        return Group(run=lambda: {}["missing"])

    awsesp.System = system
    raises(KeyError, lambda: awsesp.run(application))
