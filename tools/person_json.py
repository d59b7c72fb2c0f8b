"""JSON that a person has written, in whatever encoding their editor has; what is wrong is told in words."""

import json

_HINT = "JSON has no comments and no comma behind the last entry; names and texts stand in double quotes"


def parse(data):
    """The document in `data`: bytes in UTF-8, UTF-16 or UTF-32, marked or not, or a text. Raises ValueError."""
    try:
        document = json.loads(data, strict=False)  # the device takes line ends in texts, too: a PEM as it was pasted
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeDecodeError:
        raise ValueError("it is not in UTF-8: save it again in that encoding") from None
    except UnicodeEncodeError:
        raise ValueError("a text in it holds half a character, such as \\ud83d alone") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error}. {_HINT}") from None
    except ValueError:  # Python's json reads and writes some that no device's does
        raise ValueError("a number in it is NaN, as good as infinite (1e999), or has thousands of digits") from None
    return document
