"""The files of the local AWS IoT: uploads by boto3 and `aws s3`, downloads over https by links that expire."""

import http.client
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tools.cloud import LocalCloud
from tools.cloud.files.objects import Objects
from tools.cloud.recipes import create_thing

IMAGE = os.urandom(100_000)
BUCKET, KEY = "releases", "esp32/1.2.0 beta+1.bin"


class Clock:
    """Unix seconds that stand still."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, clock):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, now=clock) as cloud:
        cloud.s3().create_bucket(Bucket=BUCKET)
        cloud.s3().put_object(Bucket=BUCKET, Key=KEY, Body=IMAGE)
        yield cloud


@pytest.fixture(autouse=True)
def no_faults_left(cloud):
    yield
    cloud.faults.clear()


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(self, *_):
        return None


def get(cloud, url, method="GET", **headers):
    """(status, headers, body), as any https client sees it that trusts the cloud's root."""
    context = ssl.create_default_context(cafile=str(cloud.ca_file))
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stay)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with opener.open(urllib.request.Request(url, headers=headers, method=method), timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def link(cloud, key=KEY, expires_s=60):
    return cloud.presign(BUCKET, key, expires_s)


def test_a_link_gives_the_file(cloud):
    status, headers, body = get(cloud, link(cloud))
    assert (status, body == IMAGE, headers["Content-Length"]) == (200, True, "100000")
    assert headers["Accept-Ranges"] == "bytes"
    assert 1000 < len(link(cloud)) < 2000  # as AWS's own
    assert get(cloud, cloud.presign(BUCKET, KEY), method="HEAD")[0] == 403  # signed for another method


def test_a_link_expires_and_cannot_be_changed(cloud, clock):
    good = link(cloud, expires_s=60)
    clock.now += 60
    assert get(cloud, good)[0] == 200
    clock.now += 1
    status, headers, body = get(cloud, good)
    assert (status, headers["Content-Type"], b"Request has expired" in body) == (403, "application/xml", True)
    fresh = link(cloud)
    assert get(cloud, fresh.replace("Expires=60", "Expires=6000"))[0] == 403
    assert get(cloud, fresh.replace("beta", "beta2"))[0] == 403
    assert get(cloud, fresh.replace("X-Amz-Signature=", "X-Amz-Signature=%C3%BC"))[0] == 403
    assert get(cloud, fresh.partition("?")[0])[0] == 403
    assert get(cloud, fresh.partition("X-Amz-Expires")[0] + "X-Amz-Signature=00")[0] == 400
    assert get(cloud, link(cloud, "none"))[0] == 404
    for never in (0, 7 * 86400 + 1):
        assert get(cloud, link(cloud, expires_s=never))[0] == 400


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=99990-", 206, 99_990, 100_000),
        ("bytes=-7", 206, 99_993, 100_000),
        ("bytes=50000-999999", 206, 50_000, 100_000),
        ("bytes=0-1,5-6", 200, 0, 100_000),
        ("bytes=5-2", 200, 0, 100_000),
        ("lines=1-2", 200, 0, 100_000),
        pytest.param("bytes=0-" + "9" * 5000, 200, 0, 100_000, id="a number that is none"),
    ],
)
def test_a_range_gets_that_part_of_the_file(cloud, asked, status, begin, end):
    found, headers, body = get(cloud, link(cloud), Range=asked)
    assert (found, body == IMAGE[begin:end]) == (status, True)
    if status == 206:
        assert headers["Content-Range"] == f"bytes {begin}-{end - 1}/100000"


def test_a_range_beyond_the_end_or_of_another_file_is_told(cloud):
    status, _, body = get(cloud, link(cloud), Range="bytes=100000-")
    assert (status, b"InvalidRange" in body) == (416, True)
    etag = get(cloud, link(cloud))[1]["ETag"]
    assert get(cloud, link(cloud), Range="bytes=5-9", If_Range=etag)[0] == 206
    assert get(cloud, link(cloud), Range="bytes=5-9", If_Range='"other"')[0] == 200
    assert get(cloud, link(cloud), If_Match='"other"')[0] == 412
    assert get(cloud, link(cloud), If_None_Match=etag)[0] == 304


def test_a_link_that_boto3_presigned_is_good_for_the_api(cloud):
    # boto3's signature is the oracle of ours; its clock is the real one, so this cloud's must be, too.
    with LocalCloud(cloud.folder / "other", fast_keys=True) as other:
        client = other.s3()
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key=KEY, Body=b"hello")
        url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY}, ExpiresIn=60)
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.read() == b"hello"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url.replace("Expires=60", "Expires=61"), timeout=5)


def test_a_link_as_the_javascript_sdk_presigns_it_is_good_for_the_api(cloud):
    with LocalCloud(cloud.folder / "another", fast_keys=True) as other:
        client = other.s3()
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key=KEY, Body=b"hello")
        extra = "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-checksum-mode=ENABLED&x-id=GetObject"
        request = AWSRequest("GET", f"{other.control_url}/{BUCKET}/{quote(KEY)}?{extra}")
        S3SigV4QueryAuth(Credentials("local", "local"), "s3", other.region, expires=60).add_auth(request)
        with urllib.request.urlopen(request.url, timeout=5) as answer:
            assert answer.read() == b"hello"


def test_boto3_puts_reads_and_replaces_objects(cloud):
    client = cloud.s3()
    client.create_bucket(Bucket="other-bucket")
    first = client.put_object(Bucket="other-bucket", Key="a/b", Body=b"one", ContentType="text/plain")
    assert client.get_object(Bucket="other-bucket", Key="a/b")["Body"].read() == b"one"
    assert client.put_object(Bucket="other-bucket", Key="a/b", Body=b"two")["ETag"] != first["ETag"]
    head = client.head_object(Bucket="other-bucket", Key="a/b")
    assert (head["ContentLength"], head["ContentType"]) == (3, "binary/octet-stream")
    part = client.get_object(Bucket="other-bucket", Key="a/b", Range="bytes=1-")
    assert part["Body"].read() == b"wo"
    client.put_object(Bucket="other-bucket", Key="c", Body=b"")
    listed = client.list_objects_v2(Bucket="other-bucket", Prefix="a")["Contents"]
    assert [(each["Key"], each["Size"]) for each in listed] == [("a/b", 3)]
    assert "other-bucket" in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    client.head_bucket(Bucket="other-bucket")
    for key in ("a/b", "c"):
        client.delete_object(Bucket="other-bucket", Key=key)
    client.delete_bucket(Bucket="other-bucket")
    for call in (client.head_object, client.get_object):
        with pytest.raises(ClientError, match=r"404|NoSuchBucket"):
            call(Bucket="other-bucket", Key="a/b")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.put_object_tagging(Bucket=BUCKET, Key=KEY, Tagging={"TagSet": []})


def test_a_file_that_was_damaged_on_the_way_is_refused(cloud):
    client = cloud.s3()
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=BUCKET, Key="x", Body=b"data", ChecksumCRC32="AAAAAA==")
    assert client.list_objects_v2(Bucket=BUCKET, Prefix="x")["KeyCount"] == 0


def test_an_object_that_could_not_be_written_again_is_still_there(tmp_path, monkeypatch):
    objects = Objects(tmp_path, Clock())
    objects.create_bucket("bucket")
    objects.put("bucket", "key", b"whole")

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        objects.put("bucket", "key", b"whole")
    assert objects.find("bucket", "key")[1].read_bytes() == b"whole"


def test_a_file_that_lacks_its_end_ends_the_download_and_nothing_else(cloud):
    client = cloud.s3()
    client.put_object(Bucket=BUCKET, Key="short", Body=bytes(50_000))
    [content] = [each for each in (cloud.folder / "files" / BUCKET).iterdir() if each.read_bytes() == bytes(50_000)]
    content.write_bytes(bytes(100))
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        get(cloud, link(cloud, "short"))
    client.delete_object(Bucket=BUCKET, Key="short")


def test_files_by_the_aws_command_line(cloud, tmp_path):
    (tmp_path / "image.bin").write_bytes(IMAGE)
    environment = dict(
        os.environ, AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_CONFIG_FILE="/dev/null"
    )
    aws = [str(Path(sys.executable).parent / "aws"), "--endpoint-url", cloud.control_url, "--region", cloud.region]
    for command in (
        ["s3", "cp", "image.bin", f"s3://{BUCKET}/cli.bin"],
        ["s3", "cp", f"s3://{BUCKET}/cli.bin", "back.bin"],
    ):
        subprocess.run([*aws, *command], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=60)
    assert (tmp_path / "back.bin").read_bytes() == IMAGE


def test_files_stay_over_a_restart(tmp_path):
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        cloud.s3().create_bucket(Bucket=BUCKET)
        cloud.s3().put_object(Bucket=BUCKET, Key=KEY, Body=b"kept")
        before = link(cloud)
        cloud.stop()
        cloud.start()
        assert get(cloud, before)[2] == b"kept"


def test_a_job_document_gets_a_fresh_link(cloud):
    create_thing(cloud.iot(), "lamp", _policy(cloud))
    document = {
        "operation": "ota",
        "url": f"${{aws:iot:s3-presigned-url:https://s3.us-east-1.amazonaws.com/{BUCKET}/{KEY}}}",
    }
    cloud.iot().create_job(
        jobId="update",
        targets=["arn:aws:iot:eu-central-1:123456789012:thing/lamp"],
        document=json.dumps(document),
        presignedUrlConfig={"roleArn": "arn:aws:iam::123456789012:role/x", "expiresInSec": 60},
    )
    data = boto3.client(
        "iot-jobs-data",
        endpoint_url=cloud.control_url,
        region_name=cloud.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    told = data.describe_job_execution(jobId="update", thingName="lamp", includeJobDocument=True)
    assert get(cloud, json.loads(told["execution"]["jobDocument"])["url"])[2] == IMAGE


def _policy(cloud):
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}'
    cloud.iot().create_policy(policyName="all", policyDocument=document)
    return "all"
