"""The setup code: 80 random bits, for people 16 base32 characters (RFC 4648) in groups of four."""

import os

import errors

SIZE = 10  # bytes

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BITS = 5
_LETTERS = 16
_GROUP = 4
# The alphabet has no 0, 1, 8 and 9. 0 and 8 can only be misread letters; 1 could be I or L, so it is asked about.
_MISREAD = {"0": "O", "8": "B"}
_SEPARATORS = " -\t\r\n_."
_ALLOWED = "16 letters A to Z or digits 2 to 7, as on the label"


def new(random=os.urandom):
    """A new code, 10 bytes. `random(n)` gives n unpredictable bytes."""
    return random(SIZE)


def text(code):
    """The code as the label shows it: "AAIS-EM2E-KVTH-PCEZ"."""
    letters = _letters(code)
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def link(page, code):
    """What the QR code holds: the address of the phone page and the code behind `#`, where no server sees it."""
    return page + "#" + _letters(code)


def parse(typed):
    """The 10 bytes of a code as a person typed it: groups, spaces and case do not matter.

    Raises PersonError "invalid_setting"; its sentence never repeats the code.
    """
    value = 0
    count = 0
    for character in typed.upper():
        if character in _SEPARATORS:
            continue
        value = value << _BITS | _digit(character)
        count += 1
        if count > _LETTERS:
            break
    if count != _LETTERS:
        raise _error("it has more than 16 characters" if count > _LETTERS else "it has %d characters" % count)
    return value.to_bytes(SIZE, "big")


def _letters(code):
    value = int.from_bytes(code, "big")
    return bytes([_ALPHABET[value >> shift & 31] for shift in range(8 * SIZE - _BITS, -1, -_BITS)]).decode()


def _digit(character):
    if character == "1":
        raise _error("1 is not used, it may be the letter I or L")
    digit = _ALPHABET.find(_MISREAD.get(character, character).encode("utf-8", "surrogatepass"))
    if digit < 0:
        raise _error("one character is not used in it")
    return digit


def _error(why):
    return errors.error("invalid_setting", "setup code", why, _ALLOWED)
