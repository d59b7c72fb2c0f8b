"""The public keys whose signatures on updates this firmware trusts; `python -m tools release keygen` writes them here.

P-256, uncompressed, in hex: {"k1": "04..."}. A key is added or revoked by an update that is signed with one that is
still trusted. Without any, this firmware takes no updates.
"""

KEYS = {}
