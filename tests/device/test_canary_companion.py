"""Names a companion that is not there: its test must fail. See tests/host/test_device_runner.py."""

COMPANIONS = ["not_there"]


def test_without_its_companion():
    pass
