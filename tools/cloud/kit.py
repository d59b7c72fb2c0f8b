"""What makes a fresh local AWS IoT usable at once: a fleet with its claim, an operator, settings for a device.

Made once through boto3, as for AWS, and kept as files in the cloud's folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tools.cloud.authority import write_secret
from tools.cloud.local_cloud import LocalCloud
from tools.cloud.recipes import create_claim, create_fleet, create_operator, has_fleet

_OPERATOR = "operator"
_FIRST_FLEET = "fleet"
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
    claim = "claim" if template == _FIRST_FLEET else f"claim-{template}"  # it may enrol into its own fleet only
    names = (f"{claim}.crt", f"{claim}.key", "operator.crt", "operator.key", "device.json")
    kit = Kit(*(cloud.folder / name for name in names))
    _make_claim(cloud, kit, template)
    if not kit.operator_certificate.exists():
        operator = create_operator(cloud.iot(), _OPERATOR)
        write_secret(kit.operator_key, operator.key_pem)
        write_secret(kit.operator_certificate, operator.cert_pem)
    write_secret(kit.settings, json.dumps(_settings(cloud, kit, template), indent=2) + "\n")
    return kit


def _make_claim(cloud: LocalCloud, kit: Kit, template: str) -> None:
    """A fleet, unless there is one of this name already, and the files of its claim."""
    iot = cloud.iot()
    if not has_fleet(iot, template):
        fleet = create_fleet(iot, template)
        cert_pem, key_pem = fleet.claim_cert_pem, fleet.claim_key_pem
    elif not kit.claim_certificate.exists():
        claim = create_claim(iot, template)
        cert_pem, key_pem = claim.cert_pem, claim.key_pem
    else:
        return
    write_secret(kit.claim_key, key_pem)  # the certificate last: it says that both are there
    write_secret(kit.claim_certificate, cert_pem)


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
