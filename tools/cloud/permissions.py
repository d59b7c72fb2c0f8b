"""What one connection may do now: the registry's identity and policies, asked anew when they have changed."""

from __future__ import annotations

from collections.abc import Callable

from tools.cloud.interfaces import Identity
from tools.cloud.packets import Connect
from tools.cloud.policy import Authority, Decision, PolicyError
from tools.cloud.policy_variables import ConnectionVariables

# The kind of resource in the ARN that an action is decided on.
_RESOURCES = {
    "iot:Connect": "client",
    "iot:Publish": "topic",
    "iot:RetainPublish": "topic",
    "iot:Receive": "topic",
    "iot:Subscribe": "topicfilter",
}
_REMEMBERED = 1024  # decisions for each action


class Permissions:
    """`decide` answers from memory where it can; `forget` makes it ask who the client is before the next answer."""

    def __init__(
        self, registered: Callable[[], Identity | None], certificate_der: bytes, connect: Connect, source_ip: str
    ):
        self._registered = registered
        self._certificate_der = certificate_der
        self._connect = connect
        self._source_ip = source_ip
        self._decisions: dict[str, dict[str, Decision]] = {action: {} for action in _RESOURCES}
        self._authority: Authority | None = None
        self._arn = ""
        self._refusal = ""  # why nothing is allowed at all
        self._fresh = False

    def forget(self) -> None:
        self._fresh = False
        for remembered in self._decisions.values():
            remembered.clear()

    def decide(self, action: str, name: str) -> Decision:
        """May this connection do `action` on the client id, topic or topic filter `name`?"""
        remembered = self._decisions[action]
        decision = remembered.get(name)
        if decision is None:
            decision = self._ask(action, name)
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            remembered[name] = decision
        return decision

    def decide_publish(self, topic: str, retain: bool) -> Decision:
        """May this connection publish there, and have it retained?"""
        decision = self.decide("iot:Publish", topic)
        return self.decide("iot:RetainPublish", topic) if decision.allowed and retain else decision

    def _ask(self, action: str, name: str) -> Decision:
        if not self._fresh:
            self._renew()
        if self._authority is None:
            return Decision(False, self._refusal)
        return self._authority.decide(action, f"{self._arn}:{_RESOURCES[action]}/{name}")

    def _renew(self) -> None:
        self._fresh = True
        self._authority = None
        identity = self._registered()
        self._refusal = refusal(identity)
        if identity is None or self._refusal:
            return
        # arn:aws:iot:REGION:ACCOUNT:cert/ID names region and account of every resource of this connection.
        self._arn = identity.certificate_arn.rpartition(":")[0]
        variables = ConnectionVariables(identity, self._connect, self._source_ip, self._certificate_der)
        try:
            self._authority = Authority(identity.policies, variables)
        except PolicyError as error:
            self._refusal = f"an attached policy is not understood: {error}"


def refusal(identity: Identity | None) -> str:
    """Why this identity may not connect at all; empty when it may."""
    if identity is None:
        return "the certificate is not registered"
    if identity.status != "ACTIVE":
        return f"the certificate is {identity.status}"
    return ""
