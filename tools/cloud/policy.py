"""AWS IoT policy documents: what they may contain, and what they allow one connection to do.

    authority = Authority(documents, variables)
    decision = authority.decide("iot:Publish", "arn:aws:iot:eu-west-1:123456789012:topic/a/b")
    decision.allowed, decision.reason

Evaluation is AWS's: an explicit Deny wins, then an Allow, else an implicit deny. In resources `*` stands for any
characters, `/` too, and `?` for any one; the MQTT wildcards `+` and `#` are ordinary characters. A resource whose
variable has no value for this connection matches nothing. What this evaluator does not know is an error when the
document is read, never a silent yes. (AWS IoT Core developer guide, "AWS IoT Core policies" and its pages.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tools.cloud.conditions import Condition, parse_conditions, wildcards

# Variable name without `${}` -> its value, a list of values for keys that have several, None when undefined.
Variables = Callable[[str], "str | list[str] | None"]

_VERSION = "2012-10-17"
EVERYTHING = {"Version": _VERSION, "Statement": {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}}
_DOCUMENT_KEYS = {"Version", "Id", "Statement"}
_STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}|\$|[^$]+")


class PolicyError(ValueError):
    """A policy document that AWS IoT, or this evaluator, does not take; the message says where and why."""


class Decision(NamedTuple):
    allowed: bool
    reason: str  # for the log: which statement decided
    is_explicit: bool = False  # a statement denies it


@dataclass(frozen=True)
class Statement:
    name: str  # its Sid, or its place in the document
    allow: bool
    actions: re.Pattern[str]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]


def parse(document: object) -> tuple[Statement, ...]:
    """The statements of a policy document. Raises PolicyError for anything that is not understood."""
    if not isinstance(document, Mapping):
        raise PolicyError("a policy document is a JSON object")
    _only(document, _DOCUMENT_KEYS, "the policy")
    # The older version, also meant by leaving it out, reads ${...} as plain text: refused, rather than guessed.
    if document.get("Version") != _VERSION:
        raise PolicyError(f"Version: {document.get('Version')!r}; allowed: {_VERSION}")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Statement: an object or a list of at least one is needed")
    return tuple(_parse_statement(each, number) for number, each in enumerate(statements))


def _parse_statement(statement: object, number: int) -> Statement:
    where = f"Statement[{number}]"
    if not isinstance(statement, Mapping):
        raise PolicyError(f"{where}: an object is needed")
    _only(statement, _STATEMENT_KEYS, where)
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"{where}.Effect: {effect!r}; allowed: Allow, Deny")
    actions = _strings(statement, "Action", where)
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise PolicyError(f"{where}.Action: {action!r} is not of the form service:Action")
    try:
        conditions = parse_conditions(statement.get("Condition", {}))
    except ValueError as error:
        raise PolicyError(f"{where}.Condition: {error}") from None
    return Statement(
        name=str(statement.get("Sid") or where),
        allow=effect == "Allow",
        actions=re.compile("|".join(wildcards(action) for action in actions), re.IGNORECASE),
        resources=tuple(_strings(statement, "Resource", where)),
        conditions=conditions,
    )


def _only(given: Mapping, known: set[str], where: str) -> None:
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise PolicyError(f"{where}: {', '.join(unknown)} is not supported; known: {', '.join(sorted(known))}")


def _strings(statement: Mapping, key: str, where: str) -> list[str]:
    value = statement.get(key)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) and each for each in values):
        raise PolicyError(f"{where}.{key}: a string or a list of strings is needed")
    return values


def _resource_expression(template: str, variables: Variables) -> re.Pattern[str] | None:
    """The expression for one resource with its variables filled in; None when one of them has no value."""
    expression = []
    for part in _PLACEHOLDER.finditer(template):
        name = part.group(1)
        if name is None:
            expression.append(wildcards(part.group()))
            continue
        # ${*}, ${?} and ${$} are how a policy writes these characters themselves.
        value = name if name in ("*", "?", "$") else variables(name)
        if not isinstance(value, str):
            return None
        expression.append(re.escape(value))
    return re.compile("".join(expression), re.DOTALL)


class _Rule(NamedTuple):
    """A statement whose conditions hold for this connection, its variables filled in."""

    name: str
    actions: re.Pattern[str]
    resources: tuple[re.Pattern[str], ...]

    def covers(self, action: str, resource: str) -> bool:
        return self.actions.fullmatch(action) is not None and any(
            each.fullmatch(resource) is not None for each in self.resources
        )


class Authority:
    """What one connection may do. Conditions and variables are fixed for its life, so they are evaluated once."""

    def __init__(self, documents: tuple[object, ...], variables: Variables):
        """Raises PolicyError when a document is not understood: whoever holds it may do nothing."""
        self._denying: list[_Rule] = []
        self._allowing: list[_Rule] = []
        for document in documents:
            for statement in parse(document):
                self._add(statement, variables)

    def decide(self, action: str, resource: str) -> Decision:
        """May this connection do `action` ("iot:Publish") on `resource` (an ARN)?"""
        for rule in self._denying:
            if rule.covers(action, resource):
                return Decision(False, f"{rule.name} denies {action} on {resource}", True)
        for rule in self._allowing:
            if rule.covers(action, resource):
                return Decision(True, f"{rule.name} allows it")
        return Decision(False, f"no statement allows {action} on {resource}")

    def _add(self, statement: Statement, variables: Variables) -> None:
        if not all(condition.holds(variables) for condition in statement.conditions):
            return
        expressions = (_resource_expression(resource, variables) for resource in statement.resources)
        resources = tuple(each for each in expressions if each is not None)
        rules = self._allowing if statement.allow else self._denying
        rules.append(_Rule(statement.name, statement.actions, resources))
