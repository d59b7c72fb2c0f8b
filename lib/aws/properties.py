"""Properties of a shadow: what the device has, what the shadow desires, and what it knows as reported. Pure.

A value is what JSON has; None is not known yet. A desired value is applied once: a device that makes something else of
it (a speed that it cannot reach) reports that, and is not asked again until somebody sets it again.
"""


class Property:
    """`setter(value)`: what follows a wish, None for what nobody can wish. `value`: what the device has."""

    def __init__(self, name, setter, value):
        self.name = name
        self.setter = setter
        self.value = value
        self.told = None  # what the shadow knows
        self.repeated = None  # the wish for what is so already that was answered last, and its time
        self._followed = None  # the wish that was followed last, and its time

    def wish(self, change, since):
        """The value that is wished for by a change that was wished at `since`; None when there is nothing to do."""
        if self.setter is None:
            return None
        wanted = merged(self.value, change)
        return None if wanted == self.value or (wanted, since) == self._followed else wanted

    def follow(self, wanted, since, value):
        """The wish was followed, and `value` came of it; None: just what was wanted."""
        self._followed = wanted, since
        self.value = wanted if value is None else value


def merged(value, change):
    """`value` with a change laid over it, as the shadow does: objects field by field, null takes a field away."""
    if not isinstance(change, dict):
        return change
    result = dict(value) if isinstance(value, dict) else {}
    for name in change:
        if change[name] is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), change[name])
    return result


def wished_at(delta, metadata):
    """When the newest part of a delta was wished, in seconds; 0: not known. `metadata`: that of the desired state."""
    if isinstance(metadata, list):
        return max([wished_at(None, one) for one in metadata] + [0])
    if not isinstance(metadata, dict):
        return 0
    if isinstance(delta, dict):
        return max([wished_at(delta[name], metadata.get(name)) for name in delta] + [0])
    return metadata.get("timestamp", 0)


def untold(properties):
    """What the shadow does not know yet: a dict."""
    return {one.name: one.value for one in properties if one.value not in (None, one.told)}


def told(properties, reported):
    """The shadow was told this change."""
    for one in properties:
        if one.name in reported:
            one.told = merged(one.told, reported[one.name])


def known(properties, reported):
    """The shadow knows this and nothing else."""
    for one in properties:
        one.told = reported.get(one.name)


def differs(properties, delta, metadata):
    """The shadow says that it wishes for something else than it knows of us: it does not know what is so already.

    It is told once for each wish: what is the same here may differ in the cloud for ever, as 1 and true, or a number
    with more digits than the device has. `metadata`: that of the desired state.
    """
    for one in properties:
        if one.name not in delta:
            one.repeated = None
        elif merged(one.value, delta[one.name]) == one.value:
            wish = delta[one.name], wished_at({one.name: delta[one.name]}, metadata)
            if wish != one.repeated:
                one.repeated = wish
                one.told = None


def changed(properties, values):
    """The application says what has changed in the device."""
    for one in properties:
        if one.name in values:
            one.value = merged(one.value, values[one.name])
