"""Requests for services of AWS that are not here: refused in the form that each client reads.

They come where somebody has set this endpoint for all of AWS, as by AWS_ENDPOINT_URL. Without a word of their own they
would be taken for requests to IoT, whose paths some of them share.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from tools.cloud.aws_errors import NotImplementedHere
from tools.cloud.shapes import Response

_OLD_NAME_OF_IOT = "execute-api"  # what SDKs signed for before 2018
_FORM = "application/x-www-form-urlencoded"  # of the services that answer in XML


def is_foreign(signed_for: str | None, known: frozenset[str]) -> bool:
    """Whether a request is for none of the `known` services; without a signature it is for IoT."""
    return signed_for is not None and signed_for not in known and signed_for != _OLD_NAME_OF_IOT


def refusal(service: str, content_type: str) -> Response:
    error = NotImplementedHere(f"The service {service} is not part of the local AWS IoT")
    headers = {"x-amzn-ErrorType": error.code}
    if content_type.startswith(_FORM):
        told = f"<Type>Sender</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        body = f"<ErrorResponse><Error>{told}</Error></ErrorResponse>".encode()
        return Response(error.status, headers, body, "text/xml")
    return Response(error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode())
