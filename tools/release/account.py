"""The AWS account that a release goes to, or the local AWS IoT: the same boto3 calls for both."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from tools.release.trouble import Mistake, Refused

LOCAL_BUCKET = "releases"
LOCAL_REGION = "eu-central-1"
LOCAL_ROLE = "arn:aws:iam::123456789012:role/releases"

_RETRIES = {"mode": "standard", "total_max_attempts": 5}


@dataclass
class Account:
    """`iot` and `s3` are boto3 clients; `where` says in words whose they are, `options` by which options again."""

    iot: object
    s3: object
    region: str
    where: str
    is_local: bool
    options: str = ""


def open_account(profile: str | None, region: str | None, local_url: str | None) -> Account:
    """The account by the usual ways of AWS's tools, or a local AWS IoT by the URL of its control plane."""
    local = local_url is not None
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if local else {}
    more = {"endpoint_url": local_url} if local else {}
    style = {"addressing_style": "path"} if local else {}
    config = Config(connect_timeout=10, read_timeout=60, retries=_RETRIES, s3=style)
    try:
        with told():
            region = region or (LOCAL_REGION if local else None)
            session = boto3.Session(profile_name=profile, region_name=region, **keys)
            iot, s3 = (session.client(service, config=config, **more) for service in ("iot", "s3"))
    except ValueError as error:
        raise Mistake(f"{error}: say --endpoint-url as http://127.0.0.1:4585") from None
    if local:
        where, options = f"the local AWS IoT at {local_url}", f"--endpoint-url {local_url}"
        return Account(iot, s3, iot.meta.region_name, where, local, options)
    options = (f"--profile {shlex.quote(profile)} " if profile else "") + f"--region {iot.meta.region_name}"
    return Account(iot, s3, iot.meta.region_name, f"AWS, region {iot.meta.region_name}", local, options)


def running_local() -> str:
    """The control plane's URL of this checkout's `make cloud`."""
    from tools.sim.factory import running_cloud

    url = running_cloud()
    if url is None:
        raise Mistake("no local AWS IoT runs here: start `make cloud` in another terminal, or say --endpoint-url")
    return url


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what boto3 raises into a sentence that says what to do."""
    try:
        yield
    except NoCredentialsError:
        raise Refused("no AWS credentials: run `aws configure`, or say --profile; for the desk say --local") from None
    except NoRegionError:
        raise Refused("no AWS region: say --region, such as eu-central-1") from None
    except EndpointConnectionError as error:
        raise Refused(f"{error}: is it running, and is this machine online?") from error
    except ClientError as error:
        raise Refused(_sentence(error)) from error
    except BotoCoreError as error:
        raise Refused(str(error)) from error


def _sentence(error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", "?"), error.response["Error"].get("Message", "")
    what = error.operation_name
    denied = f"these credentials may not do {what}: docs/ota.md has the policy that a releaser needs"
    advice = {
        "AccessDenied": denied,
        "AccessDeniedException": denied,
        "NoSuchBucket": "there is no such bucket: make it with `aws s3 mb s3://NAME`",
        "ExpiredToken": "the AWS session has expired: log in again",
        "ExpiredTokenException": "the AWS session has expired: log in again",
        "NotImplementedException": "the local AWS IoT cannot do this; AWS can",
    }
    return f"{what}: {message} ({code})" + (f"; {advice[code]}" if code in advice else "")
