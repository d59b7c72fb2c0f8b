"""Stories that mostly wait are told at the same time, each at a desk of its own.

@story
def the_router_gets_a_new_password(desk): ...

told, test_story = tell_all(vars(module))          # in a test file: each is a test of its own
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stories.conftest import open_desk

_AT_ONCE = 12


def story(function):
    """Mark a function as one to be told: it is given a desk with a new device, switched off."""
    function.is_story = True
    return function


def tell_all(*namespaces):
    """(fixture, test) for the stories in these modules; assign both to names of the test's module."""
    stories = {
        name: found for space in namespaces for name, found in space.items() if getattr(found, "is_story", False)
    }

    @pytest.fixture(scope="module")
    def told(request):
        mine = [item for item in request.session.items if getattr(item, "module", None) is request.module]
        wanted = [item.callspec.params["name"] for item in mine]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield {name: pool.submit(_tell, stories[name]) for name in wanted}

    @pytest.mark.parametrize("name", stories)
    def test(told, name):
        told[name].result()

    return told, test


def _tell(function):
    with open_desk() as desk:
        try:
            function(desk)
        except Exception as failure:
            console = "\n".join(desk.device.lines)
            raise AssertionError(f"{failure}\nThe device's console:\n{console}") from failure
