"""Job documents of other systems, for fleets that come from there; only where `jobs.allow` of the settings says so.

    {"afr_ota": {"protocols": ["HTTP"], "files": [{"filesize": n, "update_data_url": "https://...",
                 "sig-sha256-ecdsa": base64, ...}]}}               AWS's CreateOTAUpdate, operation "afr_ota"
    {"action": "OTA", "url": "https://..."}                        the original library's, operation "OTA"

AWS signs the bytes of the image alone, so that neither hardware nor version is known, and nothing keeps an old image
from being sent again; the original signs nothing. Both classes have the interface of document.py's `Update`.
"""

import binascii

import errors

from .document import link, unbase64, whole_size

_UNKNOWN = "0.0.0"


def read(operation, job_id, document):
    """The `Afr` or `Unsigned` of a document. Raises `bad_document`."""
    # By what the settings have allowed, not by what the document looks like: it would be taken without a signature.
    return Afr(job_id, document.get("afr_ota")) if operation == "afr_ota" else Unsigned(job_id, document)


class Unsigned:
    """An image that nobody has signed: whoever may create jobs may run anything on the device."""

    kid = size = signature = None
    text = ""
    min_version = _UNKNOWN

    def __init__(self, job_id, document):
        self.version = "job:" + job_id
        self.url = link(document.get("url"))

    def check(self, running, floor, hardware, names):
        """Nothing is known that could be checked."""

    async def authenticate(self, keys):
        """Nothing is signed but, perhaps, the image."""

    async def check_image(self, digest, keys):
        """Nothing is known of the image."""


class Afr(Unsigned):
    """An image whose bytes are signed: with any of the keys that this firmware trusts."""

    def __init__(self, job_id, content):
        try:
            [file] = content["files"]
            if "HTTP" not in content["protocols"]:
                raise errors.error("bad_document", "afr_ota.protocols has no HTTP")
            super().__init__(job_id, {"url": file["update_data_url"]})
            self.size = whole_size(file.get("filesize"))
            self.text = file["sig-sha256-ecdsa"]
        except (TypeError, ValueError, KeyError):
            raise errors.error("bad_document", "afr_ota is not that of one file over HTTP")
        self.signature = unbase64(self.text)

    async def check_image(self, digest, keys):
        """Raise `bad_signature` unless a trusted key signed what has this SHA-256."""
        from .signature import verify

        for kid in keys:
            if await verify(binascii.unhexlify(keys[kid]), digest, self.signature):
                return
        raise errors.error("bad_signature", ", ".join(sorted(keys)))
