"""Certificates: make, register, list, activate, delete."""

from __future__ import annotations

import asyncio
import datetime
import uuid

from cryptography import x509

from tools.cloud import authority
from tools.cloud.certificates import ACTIVE, INACTIVE
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page_by_age


def _status(request: dict) -> str:
    return ACTIVE if request.get("setAsActive") else INACTIVE


def _identifiers(desk: Desk, row) -> dict:
    return {"certificateArn": desk.registry.names.certificate(row["id"]), "certificateId": row["id"]}


@operation("iot", "CreateKeysAndCertificate")
async def create_keys_and_certificate(desk: Desk, request: dict) -> dict:
    key = await asyncio.get_running_loop().run_in_executor(None, authority.new_device_key, desk.fast_keys)
    row = desk.registry.certificates.create(key.public_key(), _status(request))
    pair = {"PublicKey": authority.public_pem(key.public_key()), "PrivateKey": authority.key_pem(key)}
    return {**_identifiers(desk, row), "certificatePem": row["pem"], "keyPair": pair}


@operation("iot", "CreateCertificateFromCsr")
def create_certificate_from_csr(desk: Desk, request: dict) -> dict:
    row = desk.registry.certificates.create_from_request(request["certificateSigningRequest"], _status(request))
    return {**_identifiers(desk, row), "certificatePem": row["pem"]}


@operation("iot", "RegisterCertificateWithoutCA")
def register_certificate_without_ca(desk: Desk, request: dict) -> dict:
    row = desk.registry.certificates.register(request["certificatePem"], request.get("status", INACTIVE))
    return _identifiers(desk, row)


@operation("iot", "DescribeCertificate")
def describe_certificate(desk: Desk, request: dict) -> dict:
    row = desk.registry.certificates.get(request["certificateId"])
    certificate = x509.load_pem_x509_certificate(row["pem"].encode())
    return {
        "certificateDescription": {
            **_identifiers(desk, row),
            "status": row["status"],
            "certificatePem": row["pem"],
            "ownedBy": desk.registry.names.account,
            "creationDate": row["created_at"],
            "lastModifiedDate": row["changed_at"],
            "customerVersion": row["version"],
            "transferData": {},
            "generationId": str(uuid.uuid5(uuid.NAMESPACE_OID, row["id"])),
            "validity": {
                "notBefore": _unix(certificate.not_valid_before_utc),
                "notAfter": _unix(certificate.not_valid_after_utc),
            },
            "certificateMode": row["mode"],
        }
    }


@operation("iot", "ListCertificates")
def list_certificates(desk: Desk, request: dict) -> dict:
    every = {row["id"]: row for row in desk.registry.certificates.every()}
    chosen, marker = page_by_age({each: row["created_at"] for each, row in every.items()}, request)
    listed = [
        {
            **_identifiers(desk, row),
            "status": row["status"],
            "certificateMode": row["mode"],
            "creationDate": row["created_at"],
        }
        for row in map(every.get, chosen)
    ]
    return {"certificates": listed, "nextMarker": marker}


@operation("iot", "UpdateCertificate")
def update_certificate(desk: Desk, request: dict) -> None:
    desk.registry.certificates.set_status(request["certificateId"], request["newStatus"])


@operation("iot", "DeleteCertificate")
def delete_certificate(desk: Desk, request: dict) -> None:
    desk.registry.certificates.delete(request["certificateId"], request.get("forceDelete", False))


def _unix(moment: datetime.datetime) -> float:
    return moment.timestamp()
