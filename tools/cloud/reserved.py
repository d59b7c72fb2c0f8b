"""Reserved topics: what a device may publish to and subscribe to below `$`.

From "Reserved topics" in the AWS IoT Core developer guide, which says: "Unsupported publish or subscribe operations to
reserved topics can result in a terminated connection". So the broker closes on everything that is not listed here.
What is listed but has no service behind it is accepted and leads nowhere, as with AWS when nothing is set up for it.
Requests to shadows are "Publish/Subscribe" there: who subscribes hears them. All other requests are "Publish" only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.cloud.limits import Limits
from tools.cloud.topics import Subscriptions, TopicError, check_filter, check_name

_SHADOWS = ("$aws/things/+/shadow", "$aws/things/+/shadow/name/+")
_JOBS = "$aws/things/+/jobs"
_JOBS_NAMESPACE = re.compile(r"\$aws/things/[^/]+/jobs/.")
_HEARD = tuple(f"{shadow}/{verb}" for shadow in _SHADOWS for verb in ("get", "update", "delete"))
_ASKED = (
    *_HEARD,
    *(_JOBS + verb for verb in ("/get", "/start-next", "/+/get", "/+/update")),
    *(f"$aws/certificates/{kind}/{form}" for kind in ("create", "create-from-csr") for form in ("json", "cbor")),
    *("$aws/provisioning-templates/+/provision/" + form for form in ("json", "cbor")),
    *("$aws/things/+/defender/metrics/" + form for form in ("json", "cbor")),
    *("$aws/commands/things/+/executions/+/response", "$aws/commands/clients/+/executions/+/response"),
    "$aws/device_location/+/get_position_estimate",
)
_TOLD = (
    *(f"{shadow}/update/{news}" for shadow in _SHADOWS for news in ("delta", "documents")),
    *(_JOBS + news for news in ("/notify", "/notify-next")),
    *(f"$aws/commands/{kind}/+/executions/+/request" for kind in ("things", "clients")),
    *(f"$aws/commands/{kind}/+/executions/+/request/+" for kind in ("things", "clients")),
    "$aws/things/+/tunnels/notify",
    "$aws/events/#",
    "$aws/sitewise/#",
)


def _tree(filters: Iterable[str]) -> Subscriptions[bool]:
    tree: Subscriptions[bool] = Subscriptions()
    for topic_filter in filters:
        tree.add(topic_filter, True, 0)
    return tree


_PUBLISHABLE = _tree((*_ASKED, "$aws/rules/+/#"))
_ANSWERS = tuple(topic + answer for topic in _ASKED for answer in ("/accepted", "/rejected"))
_SPOKEN = _tree((*_ANSWERS, *_TOLD))
_SUBSCRIBABLE = _tree((*_ANSWERS, *_TOLD, *_HEARD))
_REQUESTS_HEARD = _tree(_HEARD)
_ROOTS = tuple(
    f"$aws/{root}/"
    for root in (
        "things",
        "certificates",
        "provisioning-templates",
        "events",
        "commands",
        "device_location",
        "sitewise",
    )
)


def is_heard(topic: str) -> bool:
    """Whether what a device publishes to this reserved topic goes to its subscribers, too."""
    return bool(_REQUESTS_HEARD.matching(topic))


def check_publish(topic: str, retain: bool, limits: Limits) -> None:
    """Raise TopicError unless a device may publish this: a free topic, or a reserved one that takes messages."""
    check_name(topic, limits)
    if not topic.startswith("$"):
        return
    # What is in the jobs' namespace without meaning anything there has an answer of its own, InvalidTopic.
    of_jobs = _JOBS_NAMESPACE.match(topic) and not _SPOKEN.matching(topic)
    if not _PUBLISHABLE.matching(topic) and not of_jobs:
        raise TopicError(f"nothing may be published to the reserved topic {topic!r}")
    if retain:
        raise TopicError(f"reserved topics have no retained messages: {topic!r}")


def check_subscribe(topic_filter: str, limits: Limits) -> None:
    """Raise TopicError unless a device may subscribe to this: free topics, or reserved ones on which something comes.

    A filter with wildcards is accepted when it stays below a known root, as `$aws/things/NAME/#` does; what is
    "Publish" only does not come by it.
    """
    check_filter(topic_filter, limits)
    if not topic_filter.startswith("$"):
        return
    wild = "+" in topic_filter or "#" in topic_filter
    if not (topic_filter.startswith(_ROOTS) if wild else _SUBSCRIBABLE.matching(topic_filter)):
        raise TopicError(f"nothing is published on the reserved topic {topic_filter!r}")
