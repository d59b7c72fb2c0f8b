"""How things are called in AWS: resource names (ARNs) of one account in one region, and the time they carry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tools.cloud.aws_errors import InvalidRequest

_CERTIFICATE_ID = re.compile(r"[0-9a-f]{64}")
_MANAGED_TEMPLATE = re.compile(r"arn:aws:iot:[^:]*::jobtemplate/([^:]+):([^:]+)")


@dataclass(frozen=True)
class Names:
    region: str
    account: str
    now: Callable[[], float]  # Unix seconds

    def _arn(self, resource: str) -> str:
        return f"arn:aws:iot:{self.region}:{self.account}:{resource}"

    def certificate(self, certificate_id: str) -> str:
        return self._arn(f"cert/{certificate_id}")

    def policy(self, name: str) -> str:
        return self._arn(f"policy/{name}")

    def thing(self, name: str) -> str:
        return self._arn(f"thing/{name}")

    def thing_name(self, arn: str) -> str | None:
        """The name in a thing's ARN of this account; None when it is none."""
        prefix = self._arn("thing/")
        return arn.removeprefix(prefix) if arn.startswith(prefix) else None

    def thing_group(self, name: str) -> str:
        return self._arn(f"thinggroup/{name}")

    def thing_group_name(self, arn: str) -> str | None:
        """The name in a thing group's ARN of this account; None when it is none."""
        prefix = self._arn("thinggroup/")
        return arn.removeprefix(prefix) if arn.startswith(prefix) else None

    def job_template(self, template_id: str) -> str:
        return self._arn(f"jobtemplate/{template_id}")

    def managed_job_template(self, name: str, version: str) -> str:
        return f"arn:aws:iot:{self.region}::jobtemplate/{name}:{version}"  # AWS's own: of no account

    def managed_job_template_name(self, arn: str) -> tuple[str, str] | None:
        """Name and version in the ARN of a managed template; None when it is none."""
        found = _MANAGED_TEMPLATE.fullmatch(arn)
        return (found[1], found[2]) if found and arn == self.managed_job_template(*found.groups()) else None

    def job(self, job_id: str) -> str:
        return self._arn(f"job/{job_id}")

    def thing_type(self, name: str) -> str:
        return self._arn(f"thingtype/{name}")

    def template(self, name: str) -> str:
        return self._arn(f"provisioningtemplate/{name}")

    def certificate_id(self, arn: str) -> str:
        """The id in a certificate's ARN of this account. Raises InvalidRequest."""
        prefix = self._arn("cert/")
        certificate_id = arn.removeprefix(prefix)
        if not arn.startswith(prefix) or not _CERTIFICATE_ID.fullmatch(certificate_id):
            raise InvalidRequest(
                f"Invalid principal or target: {arn}. The local AWS IoT knows certificates: {prefix}<64 digits>"
            )
        return certificate_id
