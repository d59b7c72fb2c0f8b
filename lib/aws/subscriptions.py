"""The table of subscriptions: what the application wants to hear, and who hears it. Pure."""

import errors

from . import topics


class Subscription:
    """`topic_filter` (bytes), `qos`, `handler` (None: into the ring buffer).

    `granted` from when the cloud is asked for it until it forgets.
    """

    def __init__(self, topic_filter, qos, handler):
        self.topic_filter = topic_filter
        self.qos = qos
        self.handler = handler
        self.granted = False


class Subscriptions:
    """At most 50, AWS's limit for a connection."""

    def __init__(self):
        self._all = []

    def add(self, topic_filter, qos, handler):
        """Remember a subscription, in place of one with the same filter; returns it. Errors: `limit`."""
        name = topics.check_filter(topic_filter)
        subscription = Subscription(name, qos, handler)
        for position, known in enumerate(self._all):
            if known.topic_filter == name:
                self._all[position] = subscription
                return subscription
        if len(self._all) >= topics.SUBSCRIPTION_LIMIT:
            raise errors.error("limit", "One more subscription", "%d" % topics.SUBSCRIPTION_LIMIT)
        self._all.append(subscription)
        return subscription

    def remove(self, topic_filter):
        """Forget the subscription with this filter; returns whether there was one."""
        name = topics.check_filter(topic_filter)
        for position, known in enumerate(self._all):
            if known.topic_filter == name:
                del self._all[position]
                return True
        return False

    def of(self, topic):
        """The subscriptions whose filter covers `topic` (bytes), in the order in which they were made."""
        return [known for known in self._all if topics.matches(known.topic_filter, topic)]

    def lost(self):
        """The cloud does not know our session: nothing is granted."""
        for known in self._all:
            known.granted = False

    def to_grant(self):
        """Subscriptions not yet granted, all of one QoS, as many as fit one SUBSCRIBE; empty when there are none."""
        batch = []
        for known in self._all:
            if not known.granted and (not batch or known.qos == batch[0].qos):
                batch.append(known)
                if len(batch) == topics.FILTERS_PER_SUBSCRIBE:
                    break
        return batch
