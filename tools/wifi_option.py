"""What `--wifi` takes, for `make fleet` and `make sim`."""


def network(text):
    """(name, password or None) of "name:password". Raises ValueError with what to say instead."""
    name, _, password = text.partition(":")
    if not name:
        raise ValueError('--wifi: say "network:password", or "network" for an open one')
    if password and not 8 <= len(password) <= 64:
        raise ValueError(f"--wifi: a password has 8 to 63 characters, that of {name!r} has {len(password)}")
    return name, password or None
