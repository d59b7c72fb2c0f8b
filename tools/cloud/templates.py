"""Provisioning templates: what they may contain, and what they make of a device's parameters.

    template = parse(body)
    plan = template.evaluate({"SerialNumber": "0a1b"}, certificate_id)
    plan.thing, plan.certificate_status, plan.policies, plan.device_configuration

Sections and functions are those of "Provisioning templates" in the AWS IoT Core developer guide: Parameters, Mappings,
Resources, DeviceConfiguration; Ref, Fn::Join, Fn::Select, Fn::FindInMap, Fn::Split, Fn::Sub. What is not known is an
error when the template is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.cloud import strict_json
from tools.cloud.template_functions import Scope, TemplateError, check, resolve

CERTIFICATE_ID = "AWS::IoT::Certificate::Id"
_SECTIONS = {"Parameters", "Mappings", "Resources", "DeviceConfiguration", "Description"}
_THING, _CERTIFICATE, _POLICY = "AWS::IoT::Thing", "AWS::IoT::Certificate", "AWS::IoT::Policy"
_PROPERTIES = {
    _THING: {"ThingName", "AttributePayload", "ThingTypeName", "ThingGroups"},
    _CERTIFICATE: {"CertificateId", "Status"},
    _POLICY: {"PolicyName", "PolicyDocument"},
}
_NOT_HERE = {"BillingGroup", "PackageVersions", "CACertificatePem", "CertificatePem"}
_OVERRIDES = {
    _THING: {
        "AttributePayload": {"DO_NOTHING", "REPLACE", "FAIL", "MERGE"},
        "ThingTypeName": {"DO_NOTHING", "REPLACE", "FAIL"},
        "ThingGroups": {"DO_NOTHING", "REPLACE", "FAIL", "MERGE"},
    },
    _CERTIFICATE: {"Status": {"DO_NOTHING", "REPLACE", "FAIL"}},
    _POLICY: {},
}

__all__ = ["CERTIFICATE_ID", "Plan", "PlannedPolicy", "PlannedThing", "Template", "TemplateError", "parse"]


@dataclass(frozen=True)
class PlannedThing:
    name: str
    type_name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)  # name of a property -> what to do


@dataclass(frozen=True)
class PlannedPolicy:
    name: str
    document: str | None  # None: the policy must be there already


@dataclass(frozen=True)
class Plan:
    """What a template asks for, with all parameters filled in. Keys are the logical names of the template."""

    certificate_id: str
    certificate_status: str
    thing: PlannedThing | None
    policies: tuple[PlannedPolicy, ...]
    device_configuration: Mapping[str, object]


@dataclass(frozen=True)
class Template:
    """A template that was read and checked."""

    defaults: Mapping[str, str | None]  # parameter -> its default, None without one
    mappings: Mapping
    resources: Mapping[str, Mapping]
    device_configuration: Mapping

    def evaluate(self, parameters: Mapping[str, str], certificate_id: str) -> Plan:
        """What this device gets. Raises TemplateError, such as for a parameter that is missing."""
        scope = Scope(self._values(parameters, certificate_id), self.mappings)
        of_type: dict[str, list[Mapping]] = {_THING: [], _CERTIFICATE: [], _POLICY: []}
        for name, resource in self.resources.items():
            properties = resolve(resource.get("Properties", {}), scope, name)
            of_type[resource["Type"]].append({**resource, "Properties": properties, "name": name})
        certificate = of_type[_CERTIFICATE][0]["Properties"]
        return Plan(
            certificate_id=_text(certificate, "CertificateId", "certificate"),
            certificate_status=str(certificate.get("Status", "ACTIVE")).upper(),
            thing=_planned_thing(of_type[_THING][0]) if of_type[_THING] else None,
            policies=tuple(_planned_policy(each) for each in of_type[_POLICY]),
            device_configuration=resolve(self.device_configuration, scope, "DeviceConfiguration"),
        )

    def _values(self, parameters: Mapping[str, str], certificate_id: str) -> dict[str, str]:
        # Parameters that the template does not declare are left alone: a newer firmware may say more of itself.
        values = {name: parameters.get(name, default) for name, default in self.defaults.items()}
        values[CERTIFICATE_ID] = certificate_id
        missing = sorted(name for name, value in values.items() if value is None)
        if missing:
            raise TemplateError(f"Missing parameters: {', '.join(missing)}")
        return values


def parse(body: str) -> Template:
    """Read and check a template. Raises TemplateError that says where and why."""
    try:
        document = strict_json.loads(body)
    except ValueError as error:
        raise TemplateError(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise TemplateError("a JSON object is needed")
    _only(document, _SECTIONS, "the template")
    for section in _SECTIONS - {"Description"}:
        if not isinstance(document.get(section, {}), dict):
            raise TemplateError(f"{section}: a JSON object is needed")
    template = Template(
        defaults=_defaults(document.get("Parameters", {})),
        mappings=document.get("Mappings", {}),
        resources=document.get("Resources", {}),
        device_configuration=document.get("DeviceConfiguration", {}),
    )
    _check_resources(template)
    check(template.device_configuration, {*template.defaults, CERTIFICATE_ID}, "DeviceConfiguration")
    return template


def _defaults(parameters: Mapping) -> dict[str, str | None]:
    defaults: dict[str, str | None] = {}
    for name, declaration in parameters.items():
        if not isinstance(declaration, dict) or declaration.get("Type") != "String":
            raise TemplateError(f'Parameters.{name}: {{"Type": "String"}} is needed')
        default = declaration.get("Default")
        if default is not None and not isinstance(default, str):
            raise TemplateError(f"Parameters.{name}.Default: a string is needed")
        defaults[name] = default
    defaults.pop(CERTIFICATE_ID, None)  # AWS fills it in itself
    return defaults


def _check_resources(template: Template) -> None:
    known = {*template.defaults, CERTIFICATE_ID}
    count = {_THING: 0, _CERTIFICATE: 0, _POLICY: 0}
    for name, resource in template.resources.items():
        where = f"Resources.{name}"
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if not isinstance(kind, str) or kind not in count:
            raise TemplateError(f"{where}.Type: {kind!r}; allowed: {', '.join(count)}")
        count[kind] += 1
        _only(resource, {"Type", "Properties", "OverrideSettings"}, where)
        properties = resource.get("Properties", {})
        if not isinstance(properties, dict):
            raise TemplateError(f"{where}.Properties: a JSON object is needed")
        _only(properties, _PROPERTIES[kind], where)
        check(properties, known, where)
        _check_overrides(resource.get("OverrideSettings", {}), kind, where)
    if count[_CERTIFICATE] != 1 or count[_THING] > 1:
        raise TemplateError(f"Resources: exactly one {_CERTIFICATE} and at most one {_THING} are needed")


def _check_overrides(settings: object, kind: str, where: str) -> None:
    allowed = _OVERRIDES[kind]
    if not isinstance(settings, dict):
        raise TemplateError(f"{where}.OverrideSettings: a JSON object is needed")
    for name, value in settings.items():
        if not isinstance(value, str) or value not in allowed.get(name, ()):
            raise TemplateError(f"{where}.OverrideSettings.{name}: {value!r} is not supported")


def _only(given: Mapping, known: set[str], where: str) -> None:
    for key in given:
        if key in _NOT_HERE:
            raise TemplateError(f"{where}: {key} is not part of the local AWS IoT")
        if key not in known:
            raise TemplateError(f"{where}: {key} is not known; allowed: {', '.join(sorted(known))}")


def _planned_thing(resource: Mapping) -> PlannedThing:
    properties = resource["Properties"]
    attributes = properties.get("AttributePayload", {})
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise TemplateError(f"{resource['name']}.AttributePayload: names with strings are needed")
    return PlannedThing(
        name=_text(properties, "ThingName", resource["name"]),
        type_name=_text(properties, "ThingTypeName", resource["name"]) if "ThingTypeName" in properties else None,
        attributes=attributes,
        groups=_groups(properties, resource["name"]),
        overrides=resource.get("OverrideSettings", {}),
    )


def _groups(properties: Mapping, where: str) -> tuple[str, ...] | None:
    groups = properties.get("ThingGroups")
    if groups is not None and (not isinstance(groups, list) or not all(isinstance(each, str) for each in groups)):
        raise TemplateError(f"{where}.ThingGroups: a list of names is needed")
    return None if groups is None else tuple(groups)


def _planned_policy(resource: Mapping) -> PlannedPolicy:
    properties = resource["Properties"]
    document = properties.get("PolicyDocument")
    if isinstance(document, dict):
        document = json.dumps(document)
    if document is None:
        return PlannedPolicy(_text(properties, "PolicyName", resource["name"]), None)
    # The name is optional in AWS, too, and then a hash of the document.
    name = properties.get("PolicyName") or hashlib.sha256(document.encode()).hexdigest()
    return PlannedPolicy(name, document)


def _text(properties: Mapping, key: str, where: str) -> str:
    value = properties.get(key)
    if not isinstance(value, str) or not value:
        raise TemplateError(f"{where}.{key}: a string is needed, not {value!r}")
    return value
