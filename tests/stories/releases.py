"""Who releases updates, as the stories need it: signs by `cryptography`, uploads to S3, creates the job."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.stories.conftest import QUICK, eventually, thing_name
from tools import interpreter
from tools.sim import firmware

BUCKET = "releases"
SLOT = 0x10000
SIZE = 32768  # eight sectors

TIMES = {
    **QUICK,
    "timeouts": {**QUICK["timeouts"], "job_jitter_s": 0, "settle_s": 0, "trial_s": 10, "stall_s": 2, "update_s": 60},
    "limits": {"update_tries": 3},
}


class Key:
    """A key that signs releases; `kid` is its name."""

    def __init__(self, kid):
        self.kid = kid
        self._private = ec.generate_private_key(ec.SECP256R1())

    def public(self):
        encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        return self._private.public_key().public_bytes(encoding, form).hex()

    def sign(self, document):
        """The document with its signature over what it says now."""
        fields = (document["version"], document["hardware"], str(document["size"]), document["sha256"])
        force = document.get("force", "0")
        lines = ["awsesp-ota-1", self.kid, "ota", *fields, document["min_version"], force]
        signed = self._private.sign("\n".join(lines).encode(), ec.ECDSA(hashes.SHA256()))
        return {**document, "kid": self.kid, "signature": base64.b64encode(signed).decode()}


class Releases:
    """The releases of one desk's fleet. `keys` are those that the firmware trusts, `key` signs."""

    def __init__(self, desk):
        self.desk = desk
        self.key, self.other = Key("k1"), Key("k2")
        self._iot, self._s3 = desk.cloud.iot(), desk.cloud.s3()
        self._s3.create_bucket(Bucket=BUCKET)
        self._count = 0

    def image(self, version, **options):
        """A firmware of this version that trusts both keys; `options` are those of tools.sim.firmware.build."""
        keys = {one.kid: one.public() for one in (self.key, self.other)}
        # The whole package: a part of it would hide the rest, which is in the checkout.
        package = {f"ota/{path.name}": path.read_text() for path in (interpreter.LIB / "ota").glob("*.py")}
        changes = {**package, "ota/keys.py": f"KEYS = {keys!r}\n", **options.pop("changes", {})}
        return firmware.build(version, changes=changes, thin=True, **{"size": SIZE, **options})

    def document(self, version, image, **changes):
        """The signed job document of an image, which is uploaded; `changes` are made before it is signed."""
        key = f"{version}-{hashlib.sha256(image).hexdigest()[:8]}"
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=image)
        document = {
            "operation": "ota",
            "version": version,
            "hardware": "esp32",
            "url": f"${{aws:iot:s3-presigned-url:https://s3.local-1.amazonaws.com/{BUCKET}/{key}}}",
            "size": len(image),
            "sha256": hashlib.sha256(image).hexdigest(),
            "min_version": "1.0.0",
            **changes,
        }
        return self.key.sign(document)

    def send(self, document, link_s=3600):
        """Create the job of a document for the desk's device; returns its id."""
        self._count += 1
        job = f"update-{self._count}"
        thing = self._iot.describe_thing(thingName=thing_name(self.desk))
        self._iot.create_job(
            jobId=job,
            targets=[thing["thingArn"]],
            document=json.dumps(document),
            presignedUrlConfig={"roleArn": "arn:aws:iam::123456789012:role/download", "expiresInSec": link_s},
        )
        return job

    def release(self, version, min_version="1.0.0", **options):
        """Build, sign and send a version; returns the job's id."""
        return self.send(self.document(version, self.image(version, **options), min_version=min_version))

    def cancel(self, job):
        self._iot.cancel_job(jobId=job, force=True)

    def execution(self, job):
        return self._iot.describe_job_execution(jobId=job, thingName=thing_name(self.desk))["execution"]

    def ends(self, job, status, reason=None, timeout_s=40):
        """Wait until the device has told how the job ended; AssertionError when it ended otherwise."""
        ended = ("SUCCEEDED", "FAILED", "REJECTED", "CANCELED", "TIMED_OUT")
        eventually(lambda: self.execution(job)["status"] in ended, timeout_s)
        execution = self.execution(job)
        details = execution.get("statusDetails", {}).get("detailsMap", {})
        assert (execution["status"], details.get("reason")) == (status, reason), details
        return details
