"""S3's lists in XML: buckets, and the objects of one in pages, with a delimiter where one is asked for.

A page goes on after a key: the continuation token of ListObjectsV2 is that key in base64, ListObjects calls it marker.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from itertools import islice
from urllib.parse import quote
from xml.sax.saxutils import escape

from tools.cloud.files.errors import FileError
from tools.cloud.files.objects import Object

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PARAMETERS = frozenset(
    ("list-type", "prefix", "encoding-type", "delimiter", "max-keys", "continuation-token", "start-after", "marker")
)
_OWNER = "<Owner><ID>local</ID></Owner>"
_MOST_KEYS = 1000


def iso_time(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def buckets(made: Iterable[tuple[str, float]]) -> str:
    """Of names with when each was made, in Unix seconds."""
    each = (_element("Bucket", _fields(Name=name, CreationDate=iso_time(at))) for name, at in made)
    return f"<ListAllMyBucketsResult {NAMESPACE}>{_OWNER}<Buckets>{''.join(each)}</Buckets></ListAllMyBucketsResult>"


def objects(bucket: str, found: Iterable[Object], query: Mapping[str, str]) -> str:
    """A page of `found`, which is sorted and has the prefix, as the query of ListObjects or ListObjectsV2 wants it."""
    prefix, delimiter, most = query.get("prefix", ""), query.get("delimiter", ""), _most(query)
    after = _after(query)
    entries = _entries(found, prefix, delimiter)
    chosen = list(islice((entry for entry in entries if entry[0] > after), most + 1))
    more = most > 0 and len(chosen) > most
    chosen = chosen[:most]
    encoded = _encoding(query)
    told = {"Name": bucket, "Prefix": encoded(prefix), "Delimiter": encoded(delimiter) or None, "MaxKeys": str(most)}
    told |= {"EncodingType": query.get("encoding-type"), "IsTruncated": str(more).lower()}
    told |= _continuation(query, encoded, len(chosen), chosen[-1][0] if more else None)
    body = "".join(
        _element("CommonPrefixes", _fields(Prefix=encoded(name))) if each is None else _listed(each, encoded)
        for name, each in chosen
    )
    return f"<ListBucketResult {NAMESPACE}>{_fields(**told)}{body}</ListBucketResult>"


def _entries(found: Iterable[Object], prefix: str, delimiter: str) -> Iterable[tuple[str, Object | None]]:
    """Keys with their objects; those with the delimiter behind the prefix become one entry without an object."""
    last = None
    for each in found:
        head, cut, _ = each.key[len(prefix) :].partition(delimiter) if delimiter else (each.key, "", "")
        if not cut:
            yield each.key, each
        elif prefix + head + cut != last:
            last = prefix + head + cut
            yield last, None


def _most(query: Mapping[str, str]) -> int:
    asked = query.get("max-keys", str(_MOST_KEYS))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 10):
        raise FileError(400, "InvalidArgument", "max-keys must be a number that is not negative")
    return min(int(asked), _MOST_KEYS)


def _after(query: Mapping[str, str]) -> str:
    """What the page begins after; empty: at the first key."""
    if "continuation-token" not in query:
        return query.get("start-after", query.get("marker", ""))
    try:
        return base64.b64decode(query["continuation-token"], validate=True).decode()
    except ValueError:
        raise FileError(400, "InvalidArgument", "The continuation token provided is incorrect") from None


def _encoding(query: Mapping[str, str]) -> Callable[[str], str]:
    asked = query.get("encoding-type")
    if asked not in (None, "url"):
        raise FileError(400, "InvalidArgument", "Invalid Encoding Method specified in Request")
    return quote if asked else str


def _continuation(query: Mapping[str, str], encoded: Callable[[str], str], count: int, last: str | None) -> dict:
    """How the list goes on after the key `last`; None: it does not."""
    if query.get("list-type") != "2":
        return {"Marker": encoded(query.get("marker", "")), "NextMarker": None if last is None else encoded(last)}
    token = None if last is None else base64.b64encode(last.encode()).decode()
    start = query.get("start-after")
    told = {"KeyCount": str(count), "ContinuationToken": query.get("continuation-token")}
    return told | {"NextContinuationToken": token, "StartAfter": None if start is None else encoded(start)}


def _listed(each: Object, encoded: Callable[[str], str]) -> str:
    known = {"Key": encoded(each.key), "LastModified": iso_time(each.modified_at), "ETag": f'"{each.etag}"'}
    return _element("Contents", _fields(**known, Size=str(each.size), StorageClass="STANDARD"))


def _fields(**values: str | None) -> str:
    return "".join(_element(name, escape(value)) for name, value in values.items() if value is not None)


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
