"""An exception, as a sentence for the person who sees it."""


def sentence(error):
    """What it says; of a file or a port that cannot be used its name and the reason, without its number."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
