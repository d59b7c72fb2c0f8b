"""AWS's managed job templates: documents that are the same in every account.

Each runs a handler on the device, with its parameters as arguments. ("Use AWS managed templates to deploy common remote
operations", AWS IoT Core developer guide)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tools.cloud.aws_errors import InvalidRequest, ResourceNotFound

VERSION = "1.0"
ENVIRONMENTS = ["LINUX"]
_OPTIONAL = {
    "runAsUser": "User to run the handler as; its own user when it is not given.",
    "pathToHandler": "Folder of the handler on the device.",
}


@dataclass(frozen=True)
class ManagedTemplate:
    name: str
    description: str
    handler: str
    parameters: Mapping[str, str]  # name -> description; all required, and arguments of the handler in this order

    def document(self) -> str:
        inputs: dict[str, object] = {"handler": self.handler}
        if self.parameters:
            inputs["args"] = [_placeholder(name) for name in self.parameters]
        inputs["path"] = _placeholder("pathToHandler")
        action = {"name": self.name.removeprefix("AWS-"), "type": "runHandler", "input": inputs}
        action["runAsUser"] = _placeholder("runAsUser")
        return json.dumps({"version": VERSION, "steps": [{"action": action}]})

    def document_parameters(self) -> list[dict]:
        """DocumentParameters."""
        required = [{"key": key, "description": text, "optional": False} for key, text in self.parameters.items()]
        return required + [{"key": key, "description": text, "optional": True} for key, text in _OPTIONAL.items()]

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """All parameters, those that may be left out empty. Raises InvalidRequest."""
        missing = [name for name in self.parameters if name not in given]
        unknown = [name for name in given if name not in self.parameters and name not in _OPTIONAL]
        if missing or unknown:
            needed = ", ".join(self.parameters) or "no parameters"
            raise InvalidRequest(f"{self.name} needs {needed}; given: {', '.join(given) or 'none'}")
        return {**dict.fromkeys(_OPTIONAL, ""), **given}


def _placeholder(parameter: str) -> str:
    return "${aws:iot:parameter:%s}" % parameter


_PACKAGES = {"packages": "Applications, separated by spaces."}
_SERVICES = {"services": "Services, separated by spaces."}
_FILE = {"downloadUrl": "Address of the file.", "filePath": "Where to store it on the device."}
TEMPLATES = {
    template.name: template
    for template in (
        ManagedTemplate("AWS-Download-File", "Downloads a file to the device.", "download-file.sh", _FILE),
        ManagedTemplate("AWS-Install-Application", "Installs applications.", "install-packages.sh", _PACKAGES),
        ManagedTemplate("AWS-Reboot", "Restarts the device.", "reboot.sh", {}),
        ManagedTemplate("AWS-Remove-Application", "Removes applications.", "remove-packages.sh", _PACKAGES),
        ManagedTemplate("AWS-Restart-Application", "Restarts services.", "restart-services.sh", _SERVICES),
        ManagedTemplate("AWS-Start-Application", "Starts services.", "start-services.sh", _SERVICES),
        ManagedTemplate("AWS-Stop-Application", "Stops services.", "stop-services.sh", _SERVICES),
    )
}


def find(name: str, version: str | None = None) -> ManagedTemplate:
    """Raises ResourceNotFound."""
    if name not in TEMPLATES or version not in (None, VERSION):
        raise ResourceNotFound(f"There is no managed template {name}" + (f" of version {version}" if version else ""))
    return TEMPLATES[name]
