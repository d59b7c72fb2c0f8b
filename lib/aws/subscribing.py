"""Subscribes and unsubscribes, for filters and services: remembered in the inbox of an `Aws`, granted by the cloud.

Loaded when a connection begins and when the application changes a subscription, then unloaded.
"""

from micropython import const

import errors
import events

from . import topics
from .inbox import Subscription
from .link import explain
from .packets import matches

_SUBSCRIPTIONS = const(50)  # of a connection: AWS's limit
_FILTERS_AT_ONCE = const(8)  # AWS's
_CUTS = const(5)  # failures.CUTS

# What the application wants


async def subscribe(aws, topic_filter, qos, handler):
    """As `Aws.subscribe`."""
    if qos not in (0, 1):
        raise errors.error("not_supported", "QoS %s" % qos)
    subscription = add(aws._inbox, topic_filter, qos, handler)
    if not aws.is_connected:
        return
    try:
        await _grant(aws, (subscription,), (subscription.topic_filter,))
    except errors.RetryError:
        return  # the connection was lost: it is made with the next one
    except errors.CloudError:
        remove(aws._inbox, topic_filter, refused=True)
        raise


async def unsubscribe(aws, topic_filter):
    """As `Aws.unsubscribe`."""
    remove(aws._inbox, topic_filter)
    await _take_back_now(aws)


def attach(aws, service, more):
    """As `Aws.attach`."""
    inbox = aws._inbox
    if service in inbox.services:
        _check_room(inbox, len(more))
        service.ready.clear()
    else:
        _check_room(inbox, len(service.listens) + len(more))
        inbox.services.append(service)
    service.listens += more
    service.granted = False
    inbox.changed()


async def detach(aws, service):
    """As `Aws.detach`."""
    inbox = aws._inbox
    inbox.services.remove(service)
    inbox.changed()
    if service.granted:
        _unwant(inbox, service.filters())
    await _take_back_now(aws)


# What the inbox remembers


def add(inbox, topic_filter, qos, handler):
    """Remember a subscription, in place of one with the same filter; returns it. Errors: `limit`."""
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


def remove(inbox, topic_filter, refused=False):
    """Forget a subscription, if there is one; `refused`: the cloud never had it."""
    name = topics.check_filter(topic_filter)
    at = _position(inbox, name)
    inbox.changed()
    if at == len(inbox.subscriptions):
        return
    del inbox.subscriptions[at]
    if not refused:
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


# What the cloud is told


async def subscribe_all(aws):
    """Tell the cloud what it does not know yet of what is wanted. Raises what ends a connection."""
    await _take_back(aws)
    for service in list(aws._inbox.services):  # meanwhile one may be detached
        if service in aws._inbox.services and not service.ready.is_set():
            await _open(aws, service)
    batch = _to_grant(aws._inbox)
    while batch:
        try:
            await _grant(aws, batch, [one.topic_filter for one in batch])
        except errors.CloudError as failure:
            _tell_refusal(aws, failure)
        batch = _to_grant(aws._inbox)


def _to_grant(inbox):
    """Subscriptions not yet granted, all of one QoS, as many as fit one SUBSCRIBE; empty when there are none.

    One for which the connection has ended is asked for alone.
    """
    batch = []
    for known in inbox.subscriptions:
        if not known.granted and (not batch or (known.qos == batch[0].qos and not known.cuts and not batch[0].cuts)):
            batch.append(known)
    return batch[:_FILTERS_AT_ONCE]


async def _open(aws, service):
    try:
        if not service.granted:
            service.refusal = service.forbidden = None
            await _grant(aws, (service,), service.filters())
    except errors.CloudError as failure:
        service.refusal = failure
        _tell_refusal(aws, failure)
    service.ready.set()
    if service.refusal is None:
        service.online()


def _tell_refusal(aws, failure):
    aws._bus.emit(events.TASK_FAILED, task="subscribe", code=failure.code, message=failure.message)


async def _grant(aws, batch, filters):
    """Subscribe to the filters of a batch of subscriptions, all of one QoS."""
    for subscription in batch:
        subscription.granted = True  # asked for, so that nobody asks twice; a refused one would be refused again
    if batch[0].cuts >= _CUTS:  # AWS ends the connection for what the policy does not allow
        batch[0].cuts -= 1  # the next time it may be another policy: it costs one connection to see
        aws._inbox.leave_out()
        raise errors.error("subscribe_refused", str(filters[0], "utf-8"))
    try:
        codes = await aws._client.request(filters, batch[0].qos)
    except BaseException as failure:  # also of a caller who gives up: the next connection asks again
        for subscription in batch:
            subscription.granted = False
            subscription.cuts += explain("is_closed", failure) is True
        raise
    for subscription in batch:
        subscription.cuts = 0
    refused = [str(name, "utf-8") for name, code in zip(filters, codes) if code > 2]
    if refused:
        raise errors.error("subscribe_refused", "', '".join(refused))


async def _take_back_now(aws):
    if aws.is_connected:
        try:
            await _take_back(aws)
        except errors.RetryError:
            pass  # with the next connection


async def _take_back(aws):
    unwanted = aws._inbox.unwanted
    while unwanted:
        batch = unwanted[:_FILTERS_AT_ONCE]
        await aws._client.request(batch, None)
        for name in batch:
            if name in unwanted:
                unwanted.remove(name)
