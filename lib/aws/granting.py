"""Tells the cloud what is to be heard, and no more to be heard: see subscribing.py.

Loaded when a connection begins and when a subscription changes, then unloaded.
"""

from micropython import const

import errors
import events

from .link import explain

_FILTERS_AT_ONCE = const(8)  # AWS's
_CUTS = const(5)  # failures.CUTS


async def grant(aws, subscription):
    """Ask for one subscription on the connection that stands. Errors: `subscribe_refused`, then it is forgotten."""
    try:
        await _ask(aws, (subscription,), (subscription.topic_filter,))
    except errors.RetryError:
        pass  # the connection was lost: it is made with the next one
    except errors.CloudError:
        inbox = aws._inbox
        if subscription in inbox.subscriptions:
            inbox.changed()
            inbox.subscriptions.remove(subscription)
        raise


async def take_back(aws):
    """Unsubscribe from what is not wanted any more."""
    try:
        await _unsubscribe(aws)
    except errors.RetryError:
        pass  # with the next connection


async def grant_all(aws):
    """Tell the cloud what it does not know yet of what is wanted. Raises what ends a connection."""
    await _unsubscribe(aws)
    for service in list(aws._inbox.services):  # meanwhile one may be detached
        if service in aws._inbox.services and not service.ready.is_set():
            await _open(aws, service)
    batch = _to_grant(aws._inbox)
    while batch:
        try:
            await _ask(aws, batch, [one.topic_filter for one in batch])
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
            await _ask(aws, (service,), service.filters())
    except errors.CloudError as failure:
        service.refusal = failure
        _tell_refusal(aws, failure)
    service.ready.set()
    if service.refusal is None:
        service.online()


def _tell_refusal(aws, failure):
    aws._bus.emit(events.TASK_FAILED, task="subscribe", code=failure.code, message=failure.message)


async def _ask(aws, batch, filters):
    """Subscribe to the filters of a batch (subscriptions, or one service), all of one QoS."""
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


async def _unsubscribe(aws):
    unwanted = aws._inbox.unwanted
    while unwanted:
        batch = unwanted[:_FILTERS_AT_ONCE]
        await aws._client.request(batch, None)
        for name in batch:
            if name in unwanted:
                unwanted.remove(name)
