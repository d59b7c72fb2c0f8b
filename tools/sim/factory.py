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

# What `make cloud` keeps in its folder: its root certificate, its control URL while it runs, settings with its claim.
CA_FILE = ROOT / ".cloud" / "ca.pem"
URL_FILE = ROOT / ".cloud" / "control-url"
DEVICE_FILE = ROOT / ".cloud" / "device.json"

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
        template, claim = self._own_fleet() or self._new_fleet(serial)
        document = {
            "schema": 1,
            "hardware": "esp32",
            "pins": {"button": 0},
            "networks": [{"ssid": network[0], "password": network[1]}],
            "aws": {"endpoint": self.endpoint()[0], "template": template},
            "certs": [
                {"role": "ca", "cert": root},
                claim,
            ],
        }
        return json.dumps(document)

    def _own_fleet(self):
        """(template, claim) of the fleet that `make cloud` has made, whose hook decides here too; None without one."""
        if self._url != running_cloud():
            return None
        try:
            document = json.loads(DEVICE_FILE.read_text(encoding="utf-8"))
        except OSError:
            return None
        (claim,) = (each for each in document["certs"] if each["role"] == "claim")
        return document["aws"]["template"], claim

    def _new_fleet(self, serial):
        """(template, claim) in a cloud of which nothing is known but its URL."""
        # An erased board comes here again: then the fleet of before is still there.
        fleet = self._ask(create_fleet, self._iot, f"sim-{serial}-{secrets.token_hex(3)}")
        return fleet.template, {"role": "claim", "cert": fleet.claim_cert_pem, "key": fleet.claim_key_pem}

    def _ask(self, call, *arguments, **options):
        try:
            return call(*arguments, **options)
        except (BotoCoreError, ClientError) as error:
            raise CloudMissing(f"the cloud at {self._url}: {error}") from error
