"""CBOR (RFC 8949) in the place of JSON, on the topics that end in /cbor: AWS's SDK for embedded C speaks it."""

from __future__ import annotations

import json

import cbor2

_DEEPEST = 20
_REFERENCES = (25, 28, 29, 256)  # tags: few bytes may name each other until no memory holds what they stand for


def encode(value: object) -> bytes:
    return cbor2.dumps(value)


def decode(payload: bytes) -> object:
    """What JSON could hold, too. Raises ValueError for anything else."""
    try:
        value = cbor2.loads(payload, max_depth=_DEEPEST, semantic_decoders=dict.fromkeys(_REFERENCES, _refuse))
        return json.loads(json.dumps(value, allow_nan=False))
    except (cbor2.CBORError, TypeError, RecursionError) as error:
        raise ValueError(f"it is not CBOR that JSON could hold: {error}") from None


def _refuse(_: cbor2.CBORDecoder) -> object:
    raise ValueError("references are not JSON")
