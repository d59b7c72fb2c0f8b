"""Make what a fleet needs in AWS IoT, and the settings file that its devices are given."""

import contextlib
import json
import os
import re
import signal
import ssl
import sys
from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from tools.cloud.recipes import new_fleet
from tools.configure.firmware import certificates, errors, settings
from tools.fleet.roots import RootMissing, amazon_roots
from tools.interpreter import ROOT
from tools.signals import interrupt_once
from tools.wifi_option import network

_ROLE_HELP = """The role is what AWS IoT assumes to register things. Once, with rights in IAM:

\b
aws iam create-role --role-name FleetProvisioning \\
  --assume-role-policy-document '{"Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
  "Principal": {"Service": "iot.amazonaws.com"}}]}'
aws iam attach-role-policy --role-name FleetProvisioning --policy-arn \\
  arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Mistake(Exception):
    """It cannot be done; the message says why."""


@app.command(epilog=_ROLE_HELP)
def main(
    name: Annotated[str, typer.Option(help="Of the template; policies are NAME-claim and NAME-thing.")] = "fleet",
    role: Annotated[str | None, typer.Option(help="ARN of the role that AWS IoT assumes, see below.")] = None,
    wifi: Annotated[list[str] | None, typer.Option(help='"network:password" for the devices; repeatable.')] = None,
    hardware: Annotated[str, typer.Option(help="The kind of board, for updates.")] = "esp32",
    out: Annotated[Path, typer.Option(help="The settings file to write.")] = Path("settings.json"),
    region: Annotated[str | None, typer.Option(help="Of AWS; default: that of your configuration.")] = None,
    profile: Annotated[str | None, typer.Option(help="Of your AWS configuration.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Of a local AWS IoT, as `make cloud` prints it.")] = None,
    ca: Annotated[
        Path | None, typer.Option(help="The cloud's roots; default: Amazon Root CA 1 and 3, or .cloud/ca.pem.")
    ] = None,
):
    """Make a provisioning template, a claim certificate and policies in your AWS account, and a settings file.

    Nothing that exists is changed: a name that is taken is an error. The settings file holds a private key.
    """
    interrupt_once()  # what was made until then is taken away again, and that is not interrupted
    try:
        _require_role(role, endpoint_url)
        iot = _client(region, profile, endpoint_url)
        root = _root(ca, endpoint_url)
        networks = [_network(each) for each in wifi or ()]
        _require_usable(name, networks, hardware)
        with _new_file(out) as file:
            endpoint = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
            with new_fleet(iot, name, role) as fleet:
                json.dump(_document(networks, endpoint, fleet, root, hardware), file, indent=2)
                file.write("\n")
                file.flush()  # a full disk is noticed while the fleet can be taken away again
    except KeyboardInterrupt as stopped:
        print("\nfleet: stopped; nothing was made, or it was taken away again", file=sys.stderr)
        sys.exit(128 + (stopped.args[0] if stopped.args else signal.SIGINT))
    except OSError as error:
        sys.exit(f"fleet: {out}: {error.strerror}; what was made in the cloud was taken away again")
    except (Mistake, RootMissing) as mistake:
        sys.exit(f"fleet: {mistake}")
    except ClientError as refusal:
        sys.exit(f"fleet: AWS refused {refusal.operation_name}: {_words(refusal, name)}")
    except (NoRegionError, NoCredentialsError) as missing:
        sys.exit(f"fleet: {str(missing).rstrip('.')}. Run `aws configure`, or say --region and --profile.")
    except BotoCoreError as error:
        sys.exit(f"fleet: {error}")
    for each in networks:
        if each["password"] is None:
            print(f"note: {each['ssid']!r} is taken for an open network: no password was given with it")
    print(f"template {fleet.template}, policies {fleet.claim_policy} and {fleet.thing_policy}, a claim certificate")
    print(f"{out}: keep it out of version control, it holds the claim's private key")
    print(f'Next: make flash PORT=... ARGS="--settings {out}"')


def _words(refusal, name):
    error = refusal.response["Error"]
    is_taken = error["Code"] == "ResourceAlreadyExistsException"
    return f"{error['Message'].rstrip('.')}." + (f" '{name}' is taken: choose another --name." if is_taken else "")


def _require_role(role, endpoint_url):
    if role is None and endpoint_url is None:
        raise Mistake("--role is needed: AWS IoT registers things under it; --help says how to make one")
    if role is not None and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", role):
        raise Mistake(f"--role {role}: say its ARN, such as arn:aws:iam::123456789012:role/FleetProvisioning")


@contextlib.contextmanager
def _new_file(path):
    """The settings file, there before anything is made in the cloud (the key is given once), gone when that fails."""
    try:  # nobody else on this machine may read it, from its first moment on
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Mistake(f"{path} is there already: say --out OTHER, or move it away") from error
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror}") from error
    try:
        with open(handle, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _client(region, profile, endpoint_url):
    if endpoint_url:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        try:
            return boto3.client("iot", endpoint_url=endpoint_url, region_name=region or "eu-central-1", **keys)
        except ValueError as error:
            raise Mistake(f"{error}: say --endpoint-url as http://127.0.0.1:4585") from None
    return boto3.Session(region_name=region, profile_name=profile).client("iot")


def _root(path, endpoint_url):
    if path is None and endpoint_url is None:
        return amazon_roots()
    path = path or ROOT / ".cloud" / "ca.pem"
    try:
        roots = certificates.certificates(path.read_bytes(), str(path))
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}; say --ca with the root certificate") from error
    except errors.PersonError as error:  # the device would refuse it, when the claim is made already
        raise Mistake(f"--ca: {error.message}") from error
    return "".join(map(ssl.DER_cert_to_PEM_cert, roots))


def _network(text):
    try:
        ssid, password = network(text)
    except ValueError as error:
        raise Mistake(str(error)) from error
    return {"ssid": ssid, "password": password}


def _require_usable(name, networks, hardware):
    """What devices or AWS would refuse is told while nothing is made yet."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,36}", name):  # the template's; policies may have longer ones
        raise Mistake(f"--name {name}: say 1 to 36 letters, digits, hyphens and underscores")
    names = [each["ssid"] for each in networks]
    for each in names:
        if names.count(each) > 1:  # the device would take the last password
            raise Mistake(f"--wifi: {each!r} is there twice")
    try:
        settings.load(json.dumps({"schema": 1, "hardware": hardware, "networks": networks}))
    except errors.PersonError as error:
        raise Mistake(f"devices would refuse these settings: {error.message}") from error


def _document(networks, endpoint, fleet, root, hardware):
    host, _, port = endpoint.partition(":")
    aws = {"endpoint": host, "template": fleet.template}
    document = {
        "schema": 1,
        "hardware": hardware,
        "networks": networks,
        "aws": dict(aws, port=int(port)) if port else aws,
        "certs": [
            {"role": "ca", "cert": root},
            {"role": "claim", "cert": fleet.claim_cert_pem, "key": fleet.claim_key_pem},
        ],
    }
    return {key: value for key, value in document.items() if value}
