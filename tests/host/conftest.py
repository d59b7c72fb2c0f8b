"""Fixtures of the tests of the phone page."""

import shutil

import pytest

from tests.host.phone_node import Node


@pytest.fixture(scope="module")
def node():
    """A Node process for the tests of one file."""
    if not shutil.which("node"):
        pytest.skip("Node (https://nodejs.org) is not installed: the page's protocol is not tested outside a browser")
    process = Node()
    yield process
    process.close()
