"""The Condition block of a policy statement: the operators that AWS IoT devices need, and a clear no to the rest."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Test = Callable[[str, str], bool]  # (value of the connection, value in the policy)


def wildcards(pattern: str) -> str:
    """The regular expression of a pattern of policies: `*` is any characters, `?` any one."""
    return "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in pattern)


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(wildcards(pattern), value, re.DOTALL) is not None


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


_TESTS: dict[str, Test] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.casefold() == wanted.casefold(),
    "StringLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NotIpAddress": "IpAddress",
}
_SETS = ("ForAllValues", "ForAnyValue")


@dataclass(frozen=True)
class Condition:
    """One operator on one key. `quantifier` is "", "ForAllValues" or "ForAnyValue"."""

    quantifier: str
    test: Test
    negated: bool
    key: str
    wanted: tuple[str, ...]

    def holds(self, variables: Callable[[str], str | list[str] | None]) -> bool:
        """Does it hold for these values? A key without value fails, unless the operator is negated or ForAllValues."""
        value = variables(self.key)
        if self.quantifier:
            values = value if isinstance(value, list) else [value] if value is not None else []
            return (all if self.quantifier == "ForAllValues" else any)(self._fits(each) for each in values)
        if not isinstance(value, str):
            return self.negated
        return self._fits(value)

    def _fits(self, value: str) -> bool:
        return any(self.test(value, wanted) for wanted in self.wanted) != self.negated


def parse_conditions(block: object) -> tuple[Condition, ...]:
    """Every condition of a block; all must hold. Raises ValueError for an operator that is not supported."""
    if not isinstance(block, Mapping):
        raise ValueError("an object is needed")
    return tuple(
        _condition(operator, key, wanted)
        for operator, keys in block.items()
        for key, wanted in _keys(operator, keys).items()
    )


def _keys(operator: str, keys: object) -> Mapping:
    if not isinstance(keys, Mapping):
        raise ValueError(f"{operator}: an object of keys and values is needed")
    return keys


def _condition(operator: str, key: str, wanted: object) -> Condition:
    quantifier, _, name = operator.rpartition(":")
    positive = _NEGATED.get(name, name)
    if (quantifier and quantifier not in _SETS) or positive not in _TESTS:
        known = ", ".join(sorted([*_TESTS, *_NEGATED]))
        raise ValueError(f"{operator} is not supported; known: {known}, each also with {' or '.join(_SETS)}")
    values = tuple(_text(operator, key, each) for each in (wanted if isinstance(wanted, list) else [wanted]))
    if not values:
        raise ValueError(f"{operator}.{key}: at least one value is needed")
    if positive == "IpAddress":
        for value in values:
            ipaddress.ip_network(value, strict=False)
    return Condition(quantifier, _TESTS[positive], positive != name, key, values)


def _text(operator: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise ValueError(f"{operator}.{key}: strings are needed")
    if "${" in value:
        raise ValueError(f"{operator}.{key}: variables in the values of a condition are not supported")
    return value
