"""What the local AWS IoT has and AWS has not, over HTTP at the control plane's port: faults.

GET /_local/faults               {"kinds": {name: what it does}, "orders": [...]}
POST /_local/faults              {"kind": "no_puback", "client_id": "lamp", "packets": 2}: one more
DELETE /_local/faults[?kind=...] all of them end, or those of a kind
"""

from __future__ import annotations

import json

from tools.cloud import strict_json
from tools.cloud.aws_errors import InvalidRequest, MethodNotAllowed
from tools.cloud.fault_desk import KINDS, FaultDesk
from tools.cloud.shapes import Response

PREFIX = "/_local/"
FAULTS_PATH = PREFIX + "faults"


class LocalApi:
    def __init__(self, faults: FaultDesk):
        self._faults = faults

    def handle(self, method: str, path: str, query, body: bytes) -> Response:
        """Answer one request. Raises `aws_errors`, which the control plane puts into words."""
        if path != FAULTS_PATH or method not in ("GET", "POST", "DELETE"):
            raise MethodNotAllowed(f"There is no {method} {path}; see {FAULTS_PATH}")
        try:
            if method == "POST":
                self._faults.order(_object(body))
            elif method == "DELETE":
                self._faults.clear(query.get("kind"))
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        answer = {"kinds": KINDS, "orders": self._faults.orders()}
        return Response(body=json.dumps(answer).encode())


def _object(body: bytes) -> dict:
    document = strict_json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("the order is no JSON object")
    return document
