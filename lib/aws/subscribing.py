"""What an application and the services want to hear: remembered in the inbox of an `Aws`.

Loaded when somebody changes that, and unloaded before the cloud is told (granting.py).
"""

from micropython import const

import errors

from . import topics
from .inbox import Subscription
from .packets import matches

_SUBSCRIPTIONS = const(50)  # of a connection: AWS's limit


def attach(inbox, service, more):
    """As `Aws.attach`."""
    if service in inbox.services:
        _check_room(inbox, len(more))
        service.ready.clear()
    else:
        _check_room(inbox, len(service.listens) + len(more))
        inbox.services.append(service)
    service.listens += more
    service.granted = False
    inbox.changed()


def detach(inbox, service):
    """As `Aws.detach`."""
    inbox.services.remove(service)
    inbox.changed()
    if service.granted:
        _unwant(inbox, service.filters())


def add(inbox, topic_filter, qos, handler):
    """Remember a subscription, in place of one with the same filter; returns it. Errors: `limit`, `not_supported`."""
    if qos not in (0, 1):
        raise errors.error("not_supported", "QoS %s" % qos)
    known = inbox.subscriptions
    subscription = Subscription(topics.check_filter(topic_filter), qos, handler)
    at = _position(inbox, subscription.topic_filter)
    if subscription.topic_filter in inbox.unwanted:
        inbox.unwanted.remove(subscription.topic_filter)
    if at < len(known):
        known[at] = subscription
    else:
        _check_room(inbox, 1)
        known.append(subscription)
    inbox.changed()
    if handler is not None:
        _hand_over(inbox, subscription)
    return subscription


def remove(inbox, topic_filter):
    """Forget a subscription, if there is one."""
    name = topics.check_filter(topic_filter)
    at = _position(inbox, name)
    if at < len(inbox.subscriptions):
        inbox.changed()
        del inbox.subscriptions[at]
        _unwant(inbox, (name,))


def _unwant(inbox, filters):
    inbox.unwanted.extend(filters)
    del inbox.unwanted[:-_SUBSCRIPTIONS]


def _check_room(inbox, count):
    for service in inbox.services:
        count += len(service.listens)
    if len(inbox.subscriptions) + count > _SUBSCRIPTIONS:
        raise errors.error("limit", "One more subscription", "%d" % _SUBSCRIPTIONS)


def _position(inbox, name):
    """Where the subscription with this filter is; behind the last one when there is none."""
    for at, known in enumerate(inbox.subscriptions):
        if known.topic_filter == name:
            return at
    return len(inbox.subscriptions)


def _hand_over(inbox, subscription):
    """What a kept session delivered before the application subscribed has waited in the ring."""
    if inbox.ring is None:
        return
    for _ in range(inbox.messages.any()):
        message = inbox.messages.get_nowait()
        if matches(subscription.covers, message.topic.encode()):
            inbox.hand(subscription.handler, message.topic, message.payload)
        else:
            inbox.messages.put(message)
