"""Fixtures of the tests of the phone page."""

import shutil

import pytest

from tests.host.browser import Browser, chromium
from tests.host.phone_browser import Server
from tests.host.phone_node import Node


@pytest.fixture(scope="module")
def node():
    """A Node process for the tests of one file."""
    if not shutil.which("node"):
        pytest.skip("Node (https://nodejs.org) is not installed: the page's protocol is not tested outside a browser")
    process = Node()
    yield process
    process.close()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, one for all tests; each page has storage of its own."""
    if not chromium():
        pytest.skip("Chromium is not installed (Debian, Ubuntu: apt install chromium): the phone page is not walked")
    made = Browser()
    yield made
    made.close()


@pytest.fixture(scope="session")
def page_server():
    """Address of the phone page."""
    server = Server()
    yield server.url
    server.close()
