"""S3's API of the local AWS IoT: copies, conditions and listings, by boto3 and `aws s3`."""

import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.cloud import LocalCloud

BUCKET = "images"
KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


@pytest.fixture
def s3(cloud):
    """A client, and a bucket that is empty at first."""
    client = cloud.s3()
    client.create_bucket(Bucket=BUCKET)
    yield client
    for name in keys(client):
        client.delete_object(Bucket=BUCKET, Key=name)
    client.delete_bucket(Bucket=BUCKET)


def put(client, **objects):
    for name, data in objects.items():
        client.put_object(Bucket=BUCKET, Key=name, Body=data)


def keys(client, **asked):
    return [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET, **asked).get("Contents", [])]


def content(client, key):
    return client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def aws(cloud, *command):
    """What `aws s3` prints."""
    environment = dict(
        os.environ, AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_CONFIG_FILE="/dev/null"
    )
    program = [str(Path(sys.executable).parent / "aws"), "--endpoint-url", cloud.control_url, "--region", cloud.region]
    done = subprocess.run(
        [*program, "s3", *command], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


# ---- copies ----


def test_a_copy_has_the_bytes_and_the_type_of_its_source(s3):
    s3.put_object(Bucket=BUCKET, Key="a b+c", Body=b"precious", ContentType="text/plain")
    put(s3, dest=b"was here before")
    copied = s3.copy_object(Bucket=BUCKET, Key="dest", CopySource={"Bucket": BUCKET, "Key": "a b+c"})
    found = s3.head_object(Bucket=BUCKET, Key="dest")
    assert content(s3, "dest") == b"precious"
    assert (found["ContentType"], found["ETag"]) == ("text/plain", copied["CopyObjectResult"]["ETag"])
    s3.copy_object(
        Bucket=BUCKET,
        Key="dest",
        CopySource=f"{BUCKET}/dest",
        MetadataDirective="REPLACE",
        ContentType="application/json",
    )
    assert s3.head_object(Bucket=BUCKET, Key="dest")["ContentType"] == "application/json"


def test_metadata_of_an_object_stays_with_it_and_goes_along_in_a_copy(s3):
    s3.put_object(Bucket=BUCKET, Key="image", Body=b"precious", Metadata={"Version": "1.2.0", "board": "esp32"})
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/image")
    for key in ("image", "copy"):
        assert s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] == {"version": "1.2.0", "board": "esp32"}
    renamed = {"CopySource": f"{BUCKET}/image", "MetadataDirective": "REPLACE", "Metadata": {"board": "esp32s3"}}
    s3.copy_object(Bucket=BUCKET, Key="copy", **renamed)
    assert s3.get_object(Bucket=BUCKET, Key="copy")["Metadata"] == {"board": "esp32s3"}
    put(s3, image=b"new")
    assert s3.head_object(Bucket=BUCKET, Key="image")["Metadata"] == {}


def test_a_link_gives_the_metadata_of_its_object(cloud, s3):
    s3.put_object(Bucket=BUCKET, Key="image", Body=b"precious", Metadata={"version": "1.2.0"})
    trusted = ssl.create_default_context(cafile=cloud.ca_file)
    with urllib.request.urlopen(cloud.presign(BUCKET, "image"), timeout=5, context=trusted) as answer:
        assert answer.headers["x-amz-meta-version"] == "1.2.0"


def test_metadata_that_is_not_ascii_is_refused_by_name(cloud, s3):
    headers = {"x-amz-meta-name": "wei\u00df".encode(), "Authorization": "Credential=a/b/c/s3/aws4_request"}
    request = urllib.request.Request(f"{cloud.control_url}/{BUCKET}/image", b"x", headers, method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="501") as refused:
        urllib.request.urlopen(request, timeout=5)
    assert b"x-amz-meta-name" in refused.value.read()
    assert keys(s3) == []


def test_a_copy_that_cannot_be_made_leaves_everything_as_it_was(s3):
    put(s3, a=b"one", b=b"two")
    for source, code in (
        (f"{BUCKET}/none", "NoSuchKey"),
        ("no-such-bucket/a", "NoSuchBucket"),
        (f"{BUCKET}/b", "InvalidRequest"),
    ):
        with pytest.raises(ClientError, match=code):
            s3.copy_object(Bucket=BUCKET, Key="b", CopySource=source)
    with pytest.raises(ClientError, match="NotImplemented"):
        s3.copy_object(Bucket=BUCKET, Key="b", CopySource=f"{BUCKET}/a", CopySourceIfMatch="x")
    assert (content(s3, "a"), content(s3, "b")) == (b"one", b"two")


def test_aws_s3_mv_moves_the_bytes(cloud, s3):
    s3.put_object(Bucket=BUCKET, Key="a/b.bin", Body=b"precious")
    aws(cloud, "mv", f"s3://{BUCKET}/a/b.bin", f"s3://{BUCKET}/a/c.bin")
    assert (keys(s3), content(s3, "a/c.bin")) == (["a/c.bin"], b"precious")


# ---- conditions ----


def test_what_must_not_be_there_is_not_overwritten(s3):
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=BUCKET, Key="key", Body=b"second", IfNoneMatch="*")
    assert content(s3, "key") == b"first"


def test_what_must_be_as_known_is_not_overwritten_when_it_is_another(s3):
    etag = s3.put_object(Bucket=BUCKET, Key="key", Body=b"first")["ETag"]
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"second", IfMatch=etag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=BUCKET, Key="key", Body=b"third", IfMatch=etag)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.put_object(Bucket=BUCKET, Key="other", Body=b"x", IfMatch=etag)
    assert (keys(s3), content(s3, "key")) == (["key"], b"second")


# ---- listings ----


def test_aws_s3_ls_lists_buckets_and_folders(cloud, s3):
    put(s3, **{"top.txt": b"x", "a/b.bin": b"precious", "a/c.bin": b""})
    assert BUCKET in aws(cloud, "ls")
    assert [line.split()[-1] for line in aws(cloud, "ls", f"s3://{BUCKET}/").splitlines()] == ["a/", "top.txt"]
    assert [line.split()[-2:] for line in aws(cloud, "ls", f"s3://{BUCKET}/a/").splitlines()] == [
        ["8", "b.bin"],
        ["0", "c.bin"],
    ]


def test_a_delimiter_makes_folders_of_what_is_behind_it(s3):
    put(s3, **{"a/1": b"", "a/2": b"", "a/b/3": b"", "a b+c/4": b"", "z": b""})
    listed = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    assert [each["Key"] for each in listed["Contents"]] == ["z"]
    assert [each["Prefix"] for each in listed["CommonPrefixes"]] == ["a b+c/", "a/"]
    assert listed["KeyCount"] == 3
    inner = s3.list_objects(Bucket=BUCKET, Delimiter="/", Prefix="a/")
    assert [each["Key"] for each in inner["Contents"]] == ["a/1", "a/2"]
    assert [each["Prefix"] for each in inner["CommonPrefixes"]] == ["a/b/"]


@pytest.mark.parametrize("verb", ["list_objects", "list_objects_v2"])
def test_a_long_list_comes_in_pages(s3, verb):
    names = ["a/1", "a/2", "b", "c d&e", "f/1"]
    put(s3, **dict.fromkeys(names, b""))
    pages = list(s3.get_paginator(verb).paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2}))
    assert [[each["Key"] for each in page["Contents"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    pages = s3.get_paginator(verb).paginate(Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": 1})
    found = [entry for page in pages for entry in (*page.get("CommonPrefixes", ()), *page.get("Contents", ()))]
    assert [entry.get("Prefix") or entry["Key"] for entry in found] == ["a/", "b", "c d&e", "f/"]


def test_a_list_begins_where_it_is_told_to(s3):
    put(s3, a=b"", b=b"", c=b"")
    assert keys(s3, StartAfter="a") == ["b", "c"]
    assert keys(s3, MaxKeys=0) == []
    with pytest.raises(ClientError, match="InvalidArgument"):
        keys(s3, ContinuationToken="none of ours")
    with pytest.raises(ClientError, match="InvalidArgument"):
        keys(s3, MaxKeys=-1)


def test_parameters_that_have_no_effect_here_are_refused(s3):
    put(s3, a=b"content")
    for call, parameters in (
        (s3.list_objects_v2, {"FetchOwner": True}),
        (s3.get_object, {"Key": "a", "VersionId": "1"}),
        (s3.get_object, {"Key": "a", "ResponseContentType": "text/plain"}),
    ):
        with pytest.raises(ClientError, match="NotImplemented"):
            call(Bucket=BUCKET, **parameters)


def test_signature_version_2_is_refused_as_by_s3(cloud, s3):
    put(s3, a=b"content")
    config = Config(signature_version="s3", s3={"addressing_style": "path"})
    old = boto3.client("s3", cloud.region, endpoint_url=cloud.control_url, config=config, **KEYS)
    with pytest.raises(ClientError, match="AWS4-HMAC-SHA256") as refused:
        old.get_object(Bucket=BUCKET, Key="a")
    assert refused.value.response["Error"]["Code"] == "InvalidRequest"
    link = old.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "a"})
    files = link.replace(cloud.control_url, cloud.presign(BUCKET, "a").partition(f"/{BUCKET}")[0])
    trusted = ssl.create_default_context(cafile=cloud.ca_file)
    for each, context in ((link, None), (files, trusted)):
        with pytest.raises(urllib.error.HTTPError, match="400") as refused:
            urllib.request.urlopen(each, timeout=5, context=context)
        assert b"<Code>InvalidRequest</Code>" in refused.value.read()
