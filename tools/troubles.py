"""An exception, as a sentence for the person who sees it."""


def sentence(error):
    """What it says; of a file that cannot be used its name and the reason, without the number of the error."""
    is_of_a_file = isinstance(error, OSError) and error.filename is not None
    return f"{error.filename}: {error.strerror}" if is_of_a_file else str(error)
