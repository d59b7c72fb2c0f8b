"""What makes a fresh local AWS IoT usable at once: a fleet with its claim, an operator, settings for a device.

Made once through boto3, as for AWS, and kept as files in the cloud's folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tools.cloud.authority import write_secret
from tools.cloud.local_cloud import LocalCloud
from tools.cloud.recipes import create_fleet, create_operator

_OPERATOR = "operator"
_SIMULATED_NETWORK = {"ssid": "home", "password": "password"}  # the one that the simulator puts up by itself


@dataclass(frozen=True)
class Kit:
    """Files in PEM, and the settings of a device as its factory writes them."""

    claim_certificate: Path
    claim_key: Path
    operator_certificate: Path
    operator_key: Path
    settings: Path


def make_kit(cloud: LocalCloud, template: str) -> Kit:
    """Make what is not there yet. Raises botocore's ClientError when something of that name is in the way."""
    names = ("claim.crt", "claim.key", "operator.crt", "operator.key", "device.json")
    kit = Kit(*(cloud.folder / name for name in names))
    if not kit.claim_certificate.exists():
        fleet = create_fleet(cloud.iot(), template)
        write_secret(kit.claim_key, fleet.claim_key_pem)  # the certificate last: it says that both are there
        write_secret(kit.claim_certificate, fleet.claim_cert_pem)
    if not kit.operator_certificate.exists():
        operator = create_operator(cloud.iot(), _OPERATOR)
        write_secret(kit.operator_key, operator.key_pem)
        write_secret(kit.operator_certificate, operator.cert_pem)
    write_secret(kit.settings, json.dumps(_settings(cloud, kit, template), indent=2) + "\n")
    return kit


def _settings(cloud: LocalCloud, kit: Kit, template: str) -> dict:
    return {
        "schema": 1,
        "hardware": "esp32",
        "networks": [_SIMULATED_NETWORK],
        "aws": {"endpoint": cloud.endpoint, "template": template},
        "certs": [
            {"role": "ca", "cert": cloud.ca_file.read_text(encoding="ascii")},
            {
                "role": "claim",
                "cert": kit.claim_certificate.read_text(encoding="ascii"),
                "key": kit.claim_key.read_text(encoding="ascii"),
            },
        ],
    }
