"""The codes of the BLE protocol, their sentences, and which code an error of the device has for the phone.

raise codes.refuse(codes.INVALID, "the id must be a number")
"""

import errors

OK = 0
IN_PROGRESS = 1
DONE = 2
NOT_AUTHENTICATED = 3
TIMEOUT = 4
MISSING_FIELD = 5
WRONG_PASSWORD = 6
NO_ACCESS_POINT = 7
INVALID = 8
NO_ADDRESS = 9
BAD_CRC = 10
BUSY = 11
FAILED = 12
TOO_LARGE = 13
NO_CLOUD = 14
CLOUD_REFUSED = 15
NOT_JSON = 99

_TABLE = {
    OK: ("ok", "Done."),
    IN_PROGRESS: ("in_progress", "The device is at it: wait for the final answer."),
    DONE: ("done", "The settings are saved: the device restarts and connects to the cloud."),
    NOT_AUTHENTICATED: ("not_authenticated", "The setup code is wrong or missing: it is on the device's label."),
    TIMEOUT: ("timeout", "A message did not arrive in time: send it again."),
    MISSING_FIELD: ("missing_field", "A field is missing: add it and send again."),
    WRONG_PASSWORD: ("wrong_password", "The Wi-Fi password is wrong: type it again."),
    NO_ACCESS_POINT: ("no_access_point", "The Wi-Fi was not found: move the device closer or choose another."),
    INVALID: ("invalid", "The device cannot use this request: check it and send again."),
    NO_ADDRESS: ("no_address", "The Wi-Fi gave no address: check the router's DHCP."),
    BAD_CRC: ("bad_crc", "A message arrived damaged: send it again."),
    BUSY: ("busy", "The device is still at work on something else: wait for its answer."),
    FAILED: ("failed", "It did not work: try again."),
    TOO_LARGE: ("too_large", "The message is too large for the device: send less at once."),
    NO_CLOUD: ("no_cloud", "The cloud cannot be reached: check the endpoint and the internet connection."),
    CLOUD_REFUSED: ("cloud_refused", "The cloud refused the credentials: check certificate, key and policy."),
    NOT_JSON: ("not_json", "The message is not JSON: send a JSON object in UTF-8."),
}

# What the phone's user has to do decides: 14 is looked for on the road to the cloud, 15 in the credentials.
_OF_ERRORS = {
    WRONG_PASSWORD: ("wrong_password",),
    NO_ACCESS_POINT: ("no_network",),
    NO_ADDRESS: ("no_address",),
    MISSING_FIELD: ("settings_missing",),
    INVALID: ("invalid_setting", "bad_certificate", "settings_too_new"),
    CLOUD_REFUSED: ("cert_refused", "not_authorised", "claim_refused", "key_mismatch"),
    NO_CLOUD: (
        "no_dns", "unknown_name", "no_ntp", "clock_not_set", "port_blocked", "refused", "unreachable",
        "server_cert_expired", "server_cert_not_yet_valid", "server_cert_untrusted", "server_cert_wrong_name",
        "tls_failed", "server_busy", "protocol", "no_connack", "no_acknowledgement", "no_pingresp",
        "connection_lost", "not_reached", "not_connected", "subscribe_refused", "claim_failed", "token_expired",
    ),
}  # fmt: skip


class Refusal(errors.PersonError):
    """A message that is answered with the code `number`; `pkt` and `id` are the message's own, None if not known."""

    def __init__(self, number, message, pkt=None, message_id=None):
        super().__init__(_TABLE[number][0], message)
        self.number = number
        self.pkt = pkt
        self.id = message_id


def refuse(number, detail=None, pkt=None, message_id=None):
    """The `Refusal` with the code's sentence, `detail` (what exactly was wrong) in it. Raise what it returns."""
    text = sentence(number)
    return Refusal(number, "%s (%s)." % (text[:-1], detail) if detail else text, pkt, message_id)


def sentence(number):
    """What the code says, in words for the person with the phone."""
    return _TABLE[number][1]


def name(number):
    """The code's short name, such as "bad_crc"."""
    return _TABLE[number][0]


def numbers():
    """All codes, sorted: for the documentation and its test."""
    return sorted(_TABLE)


def number_of(error):
    """The code for an `errors.DeviceError`; 12 for those that need no code of their own."""
    if isinstance(error, Refusal):
        return error.number
    for number, names in _OF_ERRORS.items():
        if error.code in names:
            return number
    return FAILED
