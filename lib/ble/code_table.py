"""The table of the codes of the BLE protocol: a line for each, "number name: sentence".

`codes` looks into it. A dict of tuples would hold three times the memory.
"""

_SENTENCES = """
0 ok: Done.
1 in_progress: The device is at it: wait for the final answer.
2 done: The settings are saved: the device restarts and connects to the cloud.
3 not_authenticated: The setup code is wrong or missing: it is on the device's label.
4 timeout: A message did not arrive in time: send it again.
5 missing_field: A field is missing: add it and send again.
6 wrong_password: The Wi-Fi password is wrong: type it again.
7 no_access_point: The Wi-Fi was not found: move the device closer or choose another.
8 invalid: The device cannot use this request: check it and send again.
9 no_address: The Wi-Fi gave no address: check the router's DHCP.
10 bad_crc: A message arrived damaged: send it again.
11 busy: The device is still at work on something else: wait for its answer.
12 failed: It did not work: try again.
13 too_large: The message is too large for the device: send less at once.
14 no_cloud: The cloud cannot be reached: check the endpoint and the internet connection.
15 cloud_refused: The cloud refused the credentials: check certificate, key and policy.
99 not_json: The message is not JSON: send a JSON object in UTF-8.
"""

# Which code an error of the device has. What the phone's user has to do decides: 14 is looked for on the road to the
# cloud, 15 in the credentials.
_ERRORS = """
5: settings_missing
6: wrong_password
7: no_network
8: invalid_setting bad_certificate key_mismatch settings_too_new
9: no_address
14: no_dns unknown_name no_ntp clock_not_set port_blocked refused unreachable server_cert_expired
14: server_cert_not_yet_valid server_cert_untrusted server_cert_wrong_name tls_failed server_busy protocol no_connack
14: no_acknowledgement no_pingresp connection_lost not_reached not_connected subscribe_refused claim_failed
15: cert_refused not_authorised claim_refused
"""


def find(number):
    """(name, sentence) of a code; None for one that is an application's own."""
    begin = "%d " % number
    for line in _lines(_SENTENCES):
        if line.startswith(begin):
            name, _, sentence = line[len(begin) :].partition(": ")
            return name, sentence
    return None


def of_error(code):
    """The number for an error's code; None for those that need none of their own."""
    for line in _lines(_ERRORS):
        number, _, names = line.partition(": ")
        if code in names.split():
            return int(number)
    return None


def numbers():
    """All codes, sorted: for the documentation and its test."""
    return sorted([int(line.split()[0]) for line in _lines(_SENTENCES)])


def _lines(text):
    return text.strip().split("\n")
