"""Makes a board that is factory-new ready for a running local AWS IoT: claim certificate, template, trusted root."""

import json
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.cloud.recipes import create_fleet
from tools.interpreter import ROOT

# What `make cloud` keeps in its folder: its root certificate, and its control URL while it runs.
CA_FILE = ROOT / ".cloud" / "ca.pem"
URL_FILE = ROOT / ".cloud" / "control-url"

_REGION = "us-east-1"
_QUICKLY = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}, proxies={})


class CloudMissing(Exception):
    """The cloud cannot be used; the message says why."""


def running_cloud():
    """The control URL of this checkout's `make cloud`, None when it does not run; after a kill a stale one."""
    try:
        return URL_FILE.read_text(encoding="ascii").strip() or None
    except OSError:
        return None


class Cloud:
    """A local AWS IoT by its control URL."""

    def __init__(self, url):
        self._url = url
        self._iot = boto3.client(
            "iot",
            endpoint_url=url,
            region_name=_REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=_QUICKLY,
        )

    def endpoint(self):
        """(name, port) that devices connect to."""
        address = self._ask(self._iot.describe_endpoint, endpointType="iot:Data-ATS")["endpointAddress"]
        parts = urlsplit(f"//{address}")
        return parts.hostname, parts.port or 8883

    def factory_settings(self, serial, network, ca_file=None):
        """/settings.json, as text, of a device with this serial number: it may enrol itself, and knows `network`.

        `network` is (name, password or None). Raises CloudMissing.
        """
        path = Path(ca_file or CA_FILE)
        try:
            root = path.read_text(encoding="ascii")
        except OSError as error:
            raise CloudMissing(
                f"the cloud's root certificate {path} cannot be read ({error}); say --ca FILE"
            ) from error
        # An erased board comes here again: then the fleet of before is still there.
        fleet = self._ask(create_fleet, self._iot, f"sim-{serial}-{secrets.token_hex(3)}")
        document = {
            "schema": 1,
            "hardware": "esp32",
            "pins": {"button": 0},
            "networks": [{"ssid": network[0], "password": network[1]}],
            "aws": {"endpoint": self.endpoint()[0], "template": fleet.template},
            "certs": [
                {"role": "ca", "cert": root},
                {"role": "claim", "cert": fleet.claim_cert_pem, "key": fleet.claim_key_pem},
            ],
        }
        return json.dumps(document)

    def _ask(self, call, *arguments, **options):
        try:
            return call(*arguments, **options)
        except (BotoCoreError, ClientError) as error:
            raise CloudMissing(f"the cloud at {self._url}: {error}") from error
