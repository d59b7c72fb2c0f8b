"""The job document of an update: its fields, the text that is signed, and what makes a device refuse it.

    {"operation": "ota", "version": "1.2.0", "hardware": "esp32", "url": "https://...", "size": n, "sha256": hex,
     "min_version": "1.0.0", "kid": "k1", "signature": base64}     and, where it may go back, "force": thing or job id

docs/ota.md explains it, with a worked signature. All refusals are PersonErrors: who
released the update must act, and nothing mends it by itself.
"""

import binascii
import hashlib

import errors

_SIGNED = "awsesp-ota-1"
_OPERATION = "ota"
_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+-"
_LONGEST = 128
_LONGEST_LINK = 4096
_LARGEST = 0x7FFFFFFF
_HEX = b"0123456789abcdef"
_NO_FORCE = "0"


class Update:
    """What a document says: `version`, `hardware`, `url`, `sha256` (hex), `min_version`, `kid`, `force` (str), `size`.

    `signature` is DER, `text` the bytes that it signs. Raises `bad_document`, which names the field.
    """

    def __init__(self, document):
        if not isinstance(document, dict) or document.get("operation") != _OPERATION:
            raise _bad("operation", "is not ota")
        self.version = _version_field(document, "version")
        self.min_version = _version_field(document, "min_version")
        if is_older(self.version, self.min_version):  # a mistake after which the device would take no update any more
            raise _bad("min_version", "is newer than the version itself")
        self.hardware = _word(document, "hardware")
        self.kid = _word(document, "kid")
        self.force = _word(document, "force") if "force" in document else _NO_FORCE
        self.size = whole_size(document.get("size"))
        self.sha256 = _sha256(document)
        self.signature = unbase64(document.get("signature"))
        self.url = link(document.get("url"))
        lines = (_SIGNED, self.kid, _OPERATION, self.version, self.hardware, "%d" % self.size, self.sha256)
        self.text = "\n".join(lines + (self.min_version, self.force)).encode()

    def check(self, running, floor, hardware, names):
        """Raise the error for which a device refuses it, if there is one.

        `running`: the version at work; `floor`: the oldest that it may take; `names`: what a force may be meant for,
        the ids of the thing and of the job.
        """
        if self.hardware != hardware:
            raise errors.error("wrong_hardware", self.hardware, hardware)
        if is_older(self.version, floor):
            raise errors.error("below_floor", self.version, floor)
        # "0" stands for no force, even where a job or a thing has that name.
        is_forced = self.force != _NO_FORCE and self.force in names
        if not is_older(running, self.version) and not is_forced:
            raise errors.error("not_newer", self.version, running)

    async def authenticate(self, keys):
        """Raise `unknown_key` or `bad_signature` unless a trusted key signed it. `keys`: {kid: public key in hex}."""
        if self.kid not in keys:
            raise errors.error("unknown_key", self.kid)
        # Needed for half a second in few of a device's starts: loaded for it.
        from .signature import verify

        key = binascii.unhexlify(keys[self.kid])
        if not await verify(key, hashlib.sha256(self.text).digest(), self.signature):
            raise errors.error("bad_signature", self.kid)

    async def check_image(self, digest, keys):
        """Raise `image_broken` unless the image with this SHA-256 is the one that was signed."""
        if binascii.hexlify(digest).decode() != self.sha256:
            raise errors.error("image_broken", "its SHA-256 is not the signed one")


def is_older(version, other):
    """Whether version "1.2.3" comes before another one; numbers, not text: 1.10.0 comes after 1.9.0."""
    return _numbers(version) < _numbers(other)


def link(url):
    """The link of a document, checked. Raises `bad_document`."""
    # Longer ones than S3's, which take 1 to 2 KB; no spaces or control characters, for it goes into a request line.
    if not isinstance(url, str) or not url.startswith("https://") or len(url) > _LONGEST_LINK:
        raise _bad("url", "is no link that begins with https://")
    if not all(0x21 <= byte <= 0x7E for byte in _utf8(url)):
        raise _bad("url", "has a character that a link cannot have")
    return url


def _utf8(text):
    # As bytes: each character that MicroPython takes out of a str it keeps for ever, as a name.
    return text.encode("utf-8", "surrogatepass")  # half a pair, which only a desk's Python would refuse with an error


def _numbers(version):
    return [int(part) for part in version.split(".")]


def _bad(field, problem):
    return errors.error("bad_document", "%s %s" % (field, problem))


def _word(document, field):
    value = document.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        raise _bad(field, "is no text of 1 to %d characters" % _LONGEST)
    if not all(byte in _CHARACTERS for byte in _utf8(value)):
        raise _bad(field, "has characters other than letters, digits and . _ : + -")
    return value


def _version_field(document, field):
    value = _word(document, field)
    parts = value.split(".")
    # One way to write a version: 1.2.0, not 01.2.0.
    if len(parts) != 3 or not all(part.isdigit() and str(int(part)) == part for part in parts):
        raise _bad(field, "is no version such as 1.2.0")
    return value


def whole_size(size):
    """The size of an image, checked. Raises `bad_document`."""
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= _LARGEST:
        raise _bad("size", "is no number of bytes")
    return size


def _sha256(document):
    value = document.get("sha256")
    if not isinstance(value, str) or len(value) != 64:
        raise _bad("sha256", "is no hash of 64 hexadecimal digits")
    value = value.lower()
    if not all(byte in _HEX for byte in _utf8(value)):
        raise _bad("sha256", "is no hash of 64 hexadecimal digits")
    return value


def unbase64(value):
    """The bytes of a signature. Raises `bad_document`."""
    if isinstance(value, str) and len(value) <= _LONGEST:
        try:
            return binascii.a2b_base64(value)
        except ValueError:
            pass
    raise _bad("signature", "is not in base64")
