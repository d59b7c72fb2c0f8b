"""Project Wycheproof's cases of ECDSA over P-256 with SHA-256, as the file `ecdsa` in the test's folder.

A line each: whether the signature is valid (1 or 0), number of the case, public key, message, signature; in hex, `-`
where it is empty.
"""

import contextlib

from tests.wycheproof import ecdsa_p256


@contextlib.contextmanager
def companion(folder):
    lines = [
        " ".join((str(int(valid)), str(number), *(part.hex() or "-" for part in parts)))
        for number, valid, *parts in ecdsa_p256()
    ]
    (folder / "ecdsa").write_text("\n".join(lines))
    yield {}
