"""boto3 clients of a local AWS IoT."""

from __future__ import annotations

import functools
import threading

import boto3
from botocore.config import Config

from tools.cloud.sigv4 import ACCESS_KEY, SECRET_KEY

# Verified nowhere but in links and on WebSockets, but needed to sign.
_CREDENTIALS = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    proxies={},
    s3={"addressing_style": "path"},
)

_making_clients = threading.Lock()  # a session serves one thread at a time, its clients serve many


def make_client(service: str, region: str, url: str):
    """A client of botocore's `service`, such as "iot", at the control plane's address."""
    with _making_clients:
        return _session(region).client(service, endpoint_url=url, config=_CONFIG)


@functools.lru_cache(maxsize=8)
def _session(region: str) -> boto3.session.Session:
    """One for all clouds: it reads the descriptions of the services, which takes longer than anything else here."""
    return boto3.session.Session(region_name=region, **_CREDENTIALS)
