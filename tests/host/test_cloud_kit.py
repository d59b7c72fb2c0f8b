"""What make cloud puts into its folder: for each fleet a claim that enrols into it, also in a folder used before."""

import json

import pytest

from tests.host.cloud_control import Device
from tools.cloud import LocalCloud
from tools.cloud.kit import make_kit


@pytest.fixture
def cloud(tmp_path):
    with LocalCloud(tmp_path / "cloud", fast_keys=True) as cloud:
        yield cloud


def enrol(cloud, folder, serial, template):
    """A device with the settings that are in the folder now; the thing's name."""
    settings = json.loads((cloud.folder / "device.json").read_text())
    [claim] = [each for each in settings["certs"] if each["role"] == "claim"]
    assert settings["aws"]["template"] == template
    with Device(cloud, folder, f"new-{serial}", claim["cert"], claim["key"]) as device:
        token = device.create_keys()["certificateOwnershipToken"]
        answer = device.provision(token, template, SerialNumber=serial, HardwareVersion="esp32")
    return answer.get("thingName", answer)


def test_another_fleet_in_the_same_folder_has_a_claim_of_its_own(cloud, tmp_path):
    for serial, template in (("1", "fleet"), ("2", "other"), ("3", "fleet"), ("4", "other")):
        make_kit(cloud, template)
        assert enrol(cloud, tmp_path, serial, template) == f"device-{serial}"
    assert len(cloud.iot().list_provisioning_templates()["templates"]) == 2


def test_a_claim_whose_files_are_gone_is_made_anew(cloud, tmp_path):
    make_kit(cloud, "fleet").claim_certificate.unlink()
    make_kit(cloud, "fleet")
    assert enrol(cloud, tmp_path, "1", "fleet") == "device-1"


def test_a_claim_that_an_earlier_version_kept_for_another_fleet_is_not_taken(cloud, tmp_path):
    other = make_kit(cloud, "other")
    other.claim_certificate.rename(cloud.folder / "claim.crt")
    other.claim_key.rename(cloud.folder / "claim.key")
    for serial, template in (("1", "fleet"), ("2", "other")):
        make_kit(cloud, template)
        assert enrol(cloud, tmp_path, serial, template) == f"device-{serial}"
