"""Fixtures that several files share: of the local cloud, of the phone page; and what hypothesis is not to judge."""

import contextlib
import re
import shutil

import pytest

from tests.host import pki
from tests.host.browser import Browser, chromium
from tests.host.cloud_jobs import JobsDesk
from tests.host.phone_browser import Phone
from tests.host.phone_device import ReferenceDevice
from tests.host.phone_node import Node
from tools.cloud import LocalCloud
from tools.phone.server import Server

with contextlib.suppress(ImportError):  # `make lint` checks the structure without it
    from hypothesis import HealthCheck, settings

    # How fast an example is made or tried says how busy the desk is. A fixture that serves all examples is meant to.
    settings.register_profile(
        "desk", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    )
    settings.load_profile("desk")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A cloud for the tests of one file; a file that needs another one has a fixture of this name."""
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def iot(cloud):
    """Its control plane, a boto3 client."""
    return cloud.iot()


@pytest.fixture
def certificate(iot):
    """An active one, as `create_keys_and_certificate` answers."""
    return iot.create_keys_and_certificate(setAsActive=True)


@pytest.fixture
def name(request):
    """A name that no other test uses."""
    return re.sub("[^a-z0-9]", "-", request.node.name)[:100]


@pytest.fixture(scope="module")
def whole_desk(tmp_path_factory):
    """A cloud and a lamp for the tests of jobs in one file."""
    with JobsDesk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


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


@pytest.fixture
def phone(browser, page_server, tmp_path):
    page = browser.page()
    page.size(360, 740, mobile=True)
    made = Phone(page, ReferenceDevice(), page_server, tmp_path)
    yield made
    problems = page.problems
    page.close()
    assert problems == []


@pytest.fixture
def files(tmp_path):
    """The three files as the AWS console gives them."""
    root = pki.certificate_of(pki.OTHER_EC_KEY, subject="Amazon Root CA 1", issuer="Amazon Root CA 1")
    contents = {
        "claim-certificate.pem.crt": pki.RSA_CERT,
        "claim-private.pem.key": pki.key_bytes(pki.RSA_KEY, pki.PEM, pki.TRADITIONAL),
        "AmazonRootCA1.pem": root.public_bytes(pki.PEM),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return [tmp_path / name for name in contents]
