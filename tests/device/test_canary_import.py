"""A file that cannot be imported: each of its tests must fail. See tests/host/test_device_runner.py."""

import not_there


def test_one():
    not_there.call()


def test_two():
    pass
