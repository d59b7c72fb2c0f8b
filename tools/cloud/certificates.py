"""Certificates of devices in the registry: made, registered, activated, deactivated, deleted."""

from __future__ import annotations

import sqlite3

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tools.cloud import authority
from tools.cloud.authority import CertificateAuthority
from tools.cloud.aws_errors import (
    CertificateState,
    CertificateValidation,
    DeleteConflict,
    InvalidRequest,
    ResourceAlreadyExists,
    ResourceNotFound,
)
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

ACTIVE, INACTIVE, REVOKED, PENDING_ACTIVATION = "ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION"
_SETTABLE = (ACTIVE, INACTIVE, REVOKED)
_MODE_OWN, _MODE_FOREIGN = "DEFAULT", "SNI_ONLY"


class Certificates:
    def __init__(self, store: Store, ca: CertificateAuthority, names: Names, watchers: Watchers):
        self._store = store
        self._ca = ca
        self._names = names
        self._watchers = watchers

    def create(self, public_key: authority.PublicKey, status: str) -> sqlite3.Row:
        """Sign a certificate for this key and register it. Raises InvalidRequest for a key that AWS refuses."""
        _check_key(public_key)
        certificate = self._ca.issue_device(public_key)
        return self._add(certificate, status, _MODE_OWN)

    def create_from_request(self, csr_pem: str, status: str) -> sqlite3.Row:
        """The same for a certificate signing request. Raises InvalidRequest."""
        try:
            csr = x509.load_pem_x509_csr(csr_pem.encode())
            valid = csr.is_signature_valid
        except (ValueError, InvalidSignature) as error:
            raise InvalidRequest(f"The certificate signing request is not valid: {error}") from None
        if not valid:
            raise InvalidRequest("The certificate signing request is not signed by its own key")
        return self.create(csr.public_key(), status)

    def register(self, certificate_pem: str, status: str) -> sqlite3.Row:
        """Register a certificate of any authority. Raises CertificateValidation, ResourceAlreadyExists."""
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        except ValueError as error:
            raise CertificateValidation(f"The certificate is not valid PEM: {error}") from None
        row = self._add(certificate, status, _MODE_FOREIGN)
        self._watchers.certificate_registered(row["pem"])
        return row

    def get(self, certificate_id: str) -> sqlite3.Row:
        row = self._store.row("SELECT * FROM certificates WHERE id = ?", certificate_id)
        if row is None:
            raise ResourceNotFound(f"The certificate given in the principal does not exist: {certificate_id}")
        return row

    def find(self, certificate_id: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM certificates WHERE id = ?", certificate_id)

    def every(self) -> list[sqlite3.Row]:
        """All, by id."""
        return self._store.rows("SELECT * FROM certificates ORDER BY id")

    def foreign(self) -> list[str]:
        """PEM of those that other authorities signed."""
        rows = self._store.rows("SELECT pem FROM certificates WHERE mode = ?", _MODE_FOREIGN)
        return [row["pem"] for row in rows]

    def set_status(self, certificate_id: str, status: str) -> None:
        """Activate, deactivate or revoke. Whoever is connected by one that is no longer active has to go."""
        if status not in _SETTABLE:
            raise InvalidRequest(f"A certificate cannot be set to {status}; allowed: {', '.join(_SETTABLE)}")
        with self._store.transaction():
            row = self.get(certificate_id)
            if row["status"] == REVOKED and status != REVOKED:
                raise CertificateState("A revoked certificate stays revoked")
            self._store.execute(
                "UPDATE certificates SET status = ?, changed_at = ?, version = version + 1 WHERE id = ?",
                status,
                self._names.now(),
                certificate_id,
            )
        if status == ACTIVE:
            self._watchers.identity_changed(certificate_id)
        else:
            self._watchers.disconnect(certificate_id)

    def mark_as_claim(self, certificate_id: str, template: str, expires_at: float) -> None:
        """Let this certificate provision by `template`, and nothing else, until then."""
        self._store.execute(
            "UPDATE certificates SET claim_template = ?, claim_expires_at = ? WHERE id = ?",
            template,
            expires_at,
            certificate_id,
        )

    def delete(self, certificate_id: str, force: bool) -> None:
        """Delete an inactive one without things and policies. `force` (as AWS) deletes it with policies attached."""
        with self._store.transaction():
            row = self.get(certificate_id)
            if row["status"] not in (INACTIVE, REVOKED):
                raise CertificateState(
                    "Certificate must be deactivated (not ACTIVE) before deletion. "
                    f"CertificateId={certificate_id}, status={row['status']}"
                )
            arn = self._names.certificate(certificate_id)
            if self._store.row("SELECT 1 FROM thing_principals WHERE certificate = ?", certificate_id):
                raise DeleteConflict(f"Things must be detached before deletion (arn: {arn})")
            if force:
                self._store.execute("DELETE FROM attached_policies WHERE certificate = ?", certificate_id)
            elif self._store.row("SELECT 1 FROM attached_policies WHERE certificate = ?", certificate_id):
                raise DeleteConflict(f"Certificate policies must be detached before deletion (arn: {arn})")
            self._store.execute("DELETE FROM certificates WHERE id = ?", certificate_id)

    def _add(self, certificate: x509.Certificate, status: str, mode: str) -> sqlite3.Row:
        certificate_id = authority.fingerprint(certificate)
        now = self._names.now()
        with self._store.transaction():
            if self.find(certificate_id) is not None:
                raise ResourceAlreadyExists(
                    f"The certificate is already registered: {certificate_id}",
                    certificate_id,
                    self._names.certificate(certificate_id),
                )
            self._store.execute(
                "INSERT INTO certificates (id, pem, status, mode, created_at, changed_at, version) "
                "VALUES (?, ?, ?, ?, ?, ?, 1)",
                certificate_id,
                authority.pem(certificate),
                status,
                mode,
                now,
                now,
            )
            return self.get(certificate_id)


def _check_key(public_key: object) -> None:
    if isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size >= 2048:
        return
    if isinstance(public_key, ec.EllipticCurvePublicKey) and public_key.curve.name in (
        "secp256r1",
        "secp384r1",
        "secp521r1",
    ):
        return
    raise InvalidRequest("The key is not supported: RSA with at least 2048 bits, or EC P-256, P-384 or P-521")
