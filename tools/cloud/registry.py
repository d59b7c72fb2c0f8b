"""The control plane's memory, whole: things, certificates, policies and templates over one store."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from tools.cloud import authority
from tools.cloud.authority import CertificateAuthority
from tools.cloud.certificates import INACTIVE, Certificates
from tools.cloud.events import Events
from tools.cloud.interfaces import Identity, Thing
from tools.cloud.jobs.data import JobsData
from tools.cloud.jobs.jobs import Jobs
from tools.cloud.jobs.targets import Targets
from tools.cloud.jobs.templates import JobTemplates
from tools.cloud.names import Names
from tools.cloud.policies import Policies
from tools.cloud.provisioning_templates import ProvisioningTemplates
from tools.cloud.recipes import trusted_user_policy
from tools.cloud.shadows.shadows import Shadows
from tools.cloud.store import Store, StoreError
from tools.cloud.tags import Tags
from tools.cloud.thing_groups import ThingGroups
from tools.cloud.thing_types import ThingTypes
from tools.cloud.things import Things
from tools.cloud.tokens import OwnershipTokens
from tools.cloud.watching import Watchers

DEFAULT_REGION = "eu-central-1"
DEFAULT_ACCOUNT = "123456789012"


class Registry:
    """`interfaces.Registry`, and what the operations work on."""

    def __init__(
        self,
        folder: Path,
        ca: CertificateAuthority,
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        now: Callable[[], float] = time.time,
    ):
        """Open what is kept in `folder`. Raises `store.StoreError`."""
        self.store = Store(folder)
        self._expect("region", region)
        self._expect("account", account)
        self.names = Names(region, account, now)
        self.watchers = Watchers()
        self.certificates = Certificates(self.store, ca, self.names, self.watchers)
        self.thing_types = ThingTypes(self.store, self.names)
        self.events = Events(self.store, self.names, self.watchers)
        self.things = Things(self.store, self.names, self.certificates, self.watchers, self.events)
        self.policies = Policies(self.store, self.names, self.certificates, self.watchers)
        self.templates = ProvisioningTemplates(self.store, self.names)
        self.shadows = Shadows(self.store, self.names, self.watchers)
        self.thing_groups = ThingGroups(self.store, self.names, self.things, self.watchers, self.events)
        targets = Targets(self.store, self.names, self.things, self.thing_groups)
        self.jobs = Jobs(self.store, self.names, self.watchers, targets, self.events)
        self.job_templates = JobTemplates(self.store, self.names, self.jobs)
        self.jobs_data = JobsData(self.jobs, self.names)
        self.tags = Tags(self.store)
        self.tokens = OwnershipTokens(self.store, now)
        self.registration_code = self.store.note("registration_code", secrets.token_hex(32))

    def connection(self, certificate_der: bytes) -> Identity | None:
        """See `interfaces.Registry`: who this certificate is now."""
        row = self.certificates.find(authority.fingerprint_of_der(certificate_der))
        if row is None:
            return None
        status = row["status"]
        if row["claim_expires_at"] is not None and self.names.now() >= row["claim_expires_at"]:
            status = INACTIVE
        return Identity(
            certificate_id=row["id"],
            certificate_arn=self.names.certificate(row["id"]),
            status=status,
            policies=self._documents(row["id"], row["claim_template"]),
            things=tuple(
                Thing(thing["name"], thing["type_name"], json.loads(thing["attributes"]))
                for thing in self.things.of_certificate(row["id"])
            ),
        )

    def close(self) -> None:
        self.store.close()

    def _expect(self, what: str, value: str) -> None:
        """Every ARN in the store, those in policies too, carries region and account: they cannot change."""
        kept = self.store.note(what, value)
        if kept != value:
            self.store.close()
            raise StoreError(f"what is kept there belongs to {what} {kept}, not {value}: say so, or use another folder")

    def policies_of(self, certificate_id: str) -> list[str]:
        """The names of the policies of a certificate, and of the groups that its things are in."""
        groups = [
            group
            for row in self.things.of_certificate(certificate_id)
            for group in self.thing_groups.around(row["name"])
        ]
        return list(dict.fromkeys((*self.policies.of_certificate(certificate_id), *self.policies.of_groups(groups))))

    def _documents(self, certificate_id: str, claim_template: str | None) -> tuple[dict, ...]:
        documents = [json.loads(self.policies.document(name)) for name in self.policies_of(certificate_id)]
        if claim_template is not None:
            documents.append(trusted_user_policy(self.names.region, self.names.account, claim_template))
        return tuple(documents)
