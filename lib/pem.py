"""PEM, base64 or DER, whatever a person has -> DER. What is inside is looked at by `certificates`.

Tolerated, because people's files are like that: text around the blocks ("Bag Attributes"), any line ends, a missing
last one, line ends written as backslash and n, spaces. What is there but is something else is named in the error.
"""

import binascii

import errors

CERTIFICATE = "a certificate"
PRIVATE_KEY = "a private key"
ENCRYPTED_KEY = "an encrypted private key"
ENCRYPTED = "it is encrypted with a password: write it without one by `openssl pkcs8 -topk8 -nocrypt -in FILE`"

_BEGIN = b"-----BEGIN "
_END = b"-----END "
_DASHES = b"-----"
_MAX_INPUT = 65536
_MAX_LABEL = 64
_SEQUENCE = 0x30
_LONGEST_NAME = 256
_NOTHING = "it is neither PEM, nor DER, nor base64"

_KINDS = {
    b"CERTIFICATE": CERTIFICATE,
    b"X509 CERTIFICATE": CERTIFICATE,
    b"PRIVATE KEY": PRIVATE_KEY,
    b"EC PRIVATE KEY": PRIVATE_KEY,
    b"RSA PRIVATE KEY": PRIVATE_KEY,
    b"ENCRYPTED PRIVATE KEY": ENCRYPTED_KEY,
    b"OPENSSH PRIVATE KEY": "a key of OpenSSH (convert it with `ssh-keygen -p -m PKCS8`)",
    b"DSA PRIVATE KEY": "a DSA key (use EC or RSA)",
    b"PUBLIC KEY": "a public key",
    b"CERTIFICATE REQUEST": "a certificate signing request",
    b"TRUSTED CERTIFICATE": "a certificate with OpenSSL's trust settings (write it again with `openssl x509`)",
}


def decode(data, kind, what):
    """The DER of each block of this `kind` (`CERTIFICATE` or `PRIVATE_KEY`) in `data`, str or bytes; at least one.

    Raises `bad_certificate` for `what` with the reason: empty, too large, encrypted, of another kind, not base64.
    """
    if isinstance(data, str):
        try:
            data = data.encode()
        except ValueError:  # half a surrogate pair, which MicroPython lets pass
            raise _bad(what, _NOTHING)
    if not isinstance(data, bytes):
        raise _bad(what, "it is not text")
    if not 0 < len(data) <= _MAX_INPUT:
        raise _bad(what, "it has %d bytes, 1 to %d are allowed" % (len(data), _MAX_INPUT))
    if _BEGIN in data:
        if b"\\" in data:
            data = data.replace(b"\\r", b"").replace(b"\\n", b"\n")
        return _blocks(data, kind, what)
    if data[0] == _SEQUENCE:  # in base64 that byte is "M"
        return [data]
    return [_bare(data, what)]


def _bad(what, why):
    return errors.error("bad_certificate", what, why)


def _blocks(data, kind, what):
    """The DER of the blocks of one kind; the rest of the text is passed over, but remembered to say what it was."""
    found = []
    others = []
    at = data.find(_BEGIN)
    while at >= 0:
        label, start, end, at = _next_block(data, at, what)
        if _KINDS.get(label) == kind:
            found.append(_decode_block(data, start, end, what))
        else:
            others.append(_KINDS.get(label) or "of the kind " + repr(label)[2:-1])
        at = data.find(_BEGIN, at)
    if found:
        return found
    if kind == PRIVATE_KEY and ENCRYPTED_KEY in others:
        raise _bad(what, ENCRYPTED)
    raise _bad(what, "it is %s, %s is wanted" % (others[0], kind))


def _next_block(data, at, what):
    """Label, start and end of the text between the armour lines of the block that begins at `at`, and what follows."""
    label_end = data.find(_DASHES, at + len(_BEGIN))
    if label_end < 0 or label_end - at > _MAX_LABEL:
        raise _bad(what, "its BEGIN line is damaged")
    label = data[at + len(_BEGIN) : label_end]
    start = label_end + len(_DASHES)
    end_line = _END + label + _DASHES
    end = data.find(end_line, start)
    if end < 0:
        raise _bad(what, "its END line is missing: it was cut off")
    return label, start, end, end + len(end_line)


def _decode_block(data, start, end, what):
    if data.find(b",ENCRYPTED", start, end) >= 0:
        raise _bad(what, ENCRYPTED)
    return _base64(memoryview(data)[start:end], what)


def _bare(data, what):
    """The DER in a text that is base64 and nothing else."""
    if len(data) < _LONGEST_NAME and b"." in data:  # which base64 does not have
        raise _bad(what, "it looks like a file's name: give what is in the file")
    der = _base64(data, what)
    if der[0] != _SEQUENCE:  # any word is base64 of something
        raise _bad(what, _NOTHING)
    return der


def _base64(text, what):
    """Both interpreters' decoders pass over what is not base64: the reader of DER notices what that leaves out."""
    try:
        der = binascii.a2b_base64(text)
    except ValueError:
        der = b""
    if not der:
        raise _bad(what, _NOTHING)
    return der
