"""Job documents: what is taken, and what becomes of their placeholders when a device asks.

${aws:iot:s3-presigned-url:https://s3.REGION.amazonaws.com/BUCKET/KEY}   a link that expires, made for each asking
${aws:iot:parameter:NAME}                                                a parameter of the job, made at its creation
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from tools.cloud import strict_json
from tools.cloud.aws_errors import InvalidRequest

DEFAULT_LINK_S = 3600
Presign = Callable[[str, str, int], str]  # bucket, key, seconds -> link
Read = Callable[[str, str], bytes]  # bucket, key -> contents

_LINK = re.compile(r"\$\{aws:iot:s3-presigned-url(?:-v2)?:([^}]*)\}")
_PARAMETER = re.compile(r"\$\{aws:iot:parameter:([^}]*)\}")
_OBJECT = re.compile(
    r"https://(?:s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/(?P<bucket>[^/]+)/(?P<key>.+)"
    r"|(?P<host>[^/]+?)\.s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/(?P<path>.+))"
)


def check(document: str) -> None:
    """Raise InvalidRequest for what AWS does not take as a job document."""
    try:
        content = strict_json.loads(document)
    except ValueError as error:
        raise InvalidRequest(f"The job document is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest("The job document is not a JSON object")
    for url in _LINK.findall(document):
        location(url)


def has_links(document: str) -> bool:
    return _LINK.search(document) is not None


def location(url: str) -> tuple[str, str]:
    """Bucket and key of an S3 address. Raises InvalidRequest."""
    found = _OBJECT.fullmatch(url)
    if found is None:
        raise InvalidRequest(f"Not the address of an S3 object: {url}")
    bucket, key = found["bucket"] or found["host"], found["key"] or found["path"]
    return bucket, unquote(key)


def with_parameters(document: str, parameters: Mapping[str, str]) -> str:
    """The document with its parameters filled in. Raises InvalidRequest for one that was not given."""

    def fill(found: re.Match) -> str:
        name = found[1]
        if name not in parameters:
            raise InvalidRequest(f"The job document's parameter {name} was not given")
        return json.dumps(parameters[name])[1:-1]  # it stands inside a JSON string

    return _PARAMETER.sub(fill, document)


def delivered(document: str, presign: Presign, expires_s: int) -> str:
    """The document as a device gets it: with links made now."""
    return _LINK.sub(lambda found: json.dumps(presign(*location(found[1]), expires_s))[1:-1], document)
