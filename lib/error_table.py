"""The table of all errors: texts for each who must act, in them a line for each error, "code: sentence".

`errors.error` looks into it. A dict of tuples would hold three times the memory; longer texts would need larger pieces
of it than a fragmented heap has.
"""

_PERSON = (
    """
wrong_password: Wi-Fi '%s' refused the password: check it and configure it again.
unknown_name: The name '%s' does not exist, is blocked, or has no IPv4 address: check the AWS endpoint or server name.
server_cert_untrusted: No trusted root vouches for the server's certificate: set the right CA, or let the server send its chain, in order.
server_cert_wrong_name: The server's certificate is not for '%s': check the AWS endpoint or server name.
key_mismatch: The private key does not fit the certificate: give both parts of the same pair.
invalid_setting: %s: %s; allowed: %s.
settings_missing: Settings are incomplete: %s.
unfit_form: The firmware is here %s, for which this chip lacks memory: make flash puts it here smaller.
""",
    """
settings_too_new: The settings have schema %s, this firmware knows up to %s: update the firmware.
not_allowed: The operation '%s' is not allowed on this device: add it to jobs.allow in its settings.
bad_certificate: %s is not a certificate or key this device can use: %s.
bad_document: The update's document cannot be used: %s.
wrong_hardware: The update is for hardware '%s', this is '%s': send it to the right devices.
not_newer: Version %s is not newer than %s, which runs here: only a signed force for this device goes back.
below_floor: Version %s is too old: this device takes nothing before %s.
""",
    """
no_keys: This firmware trusts no key, so it takes no update: make one (docs/ota.md, "Keys"), and flash it by cable.
unknown_key: The update is signed by the key '%s', which this firmware does not trust.
bad_signature: The update was not signed by the key '%s', or was changed since.
image_too_large: The image has %d bytes, the slot %d.
no_slots: This board has no second slot for an update: flash an image with OTA slots by cable, once.
no_rollback: The image that runs was built without rollback, so a bad update would stay: flash one with it by cable.
failed_here: Version %s has failed on this device: correct it, and release it as another version.
""",
)
_RETRY = (
    """
no_network: Wi-Fi '%s' is not in range: move the device closer or switch the access point on.
no_address: Wi-Fi '%s' gave no address in time: check the router's DHCP.
wifi_failed: Joining Wi-Fi '%s' failed (%s): the device tries again.
wifi_lost: Wi-Fi '%s' was lost (%s): the device joins again.
no_dns: No name server told the address of '%s': check the router's internet connection.
no_ntp: No time server answered (%s): allow UDP port 123 or set servers.ntp.
clock_not_set: The clock is not set, so certificates cannot be judged: waiting for a time server.
port_blocked: %s:%d does not answer: a firewall may block the port, which must be open outwards.
""",
    """
refused: %s:%d refused the connection: check endpoint and port.
unreachable: %s:%d cannot be reached (%s): check the network.
server_cert_not_yet_valid: The server's certificate is not valid yet: the device's clock is wrong.
tls_failed: The TLS handshake failed (%s): the device tries again.
no_memory: Not enough memory: the device frees some and tries again.
server_busy: The cloud is not available at the moment (%s): the device tries again.
protocol: The peer broke the MQTT protocol (%s): the connection was closed.
no_connack: The cloud accepted the connection but did not answer in time: the device tries again; check the port.
""",
    """
no_acknowledgement: The cloud did not acknowledge in time: the device connects again.
no_pingresp: Nothing was received for too long: the link is dead, the device connects again.
connection_lost: The connection to the cloud was closed (%s): the device connects again.
no_answer: AWS IoT did not answer '%s' in time: try again.
not_reached: The cloud was not reached in %d s: check the network and the AWS endpoint.
outbox_full: The outbox holds %d messages already: publish again when the device was connected for a while.
not_connected: Not connected to the cloud: wait for aws.connected.
claim_failed: Provisioning failed for now (%s): the device tries again.
""",
    """
too_fast: More than %s per second: the message was not sent.
download_failed: The download was interrupted (%s): check the server.
link_expired: The server refused the link of the download (HTTP %d): it is too old, or may not read the file.
update_interrupted: The update began %d times and was interrupted each time: the device stays with what it has.
update_too_slow: The update took more than %d s: the device stays with what it has.
""",
)
_CLOUD = (
    """
server_cert_expired: The server's certificate, or one above it, has expired: renew it, or check the device's clock.
cert_refused: The cloud refused the device's certificate: register it, activate it, attach a policy; it must not have expired.
not_authorised: The cloud did not authorise the connection (%s): check the certificate's policy.
subscribe_refused: The cloud refused the subscription to '%s': check the policy.
rejected: AWS IoT rejected '%s' (%s): check the request and the policy.
""",
    """
claim_refused: The cloud refused to provision this device (%s): check claim, template and policy.
image_broken: The image is not one that starts here (%s): build and publish it again.
download_refused: The server did not give the file (%s): check the link and what lies there.
trial_failed: Version %s was tried and went back (%s).
trial_given_up: Version %s was tried %d times and never confirmed (%s): the device stays with what it has.
""",
)
_STORAGE = (
    """
flash_failed: The flash refused %s (%s).
flash_full: The flash has no room for %s.
""",
)
_BUG = (
    """
limit: %s: the limit of AWS IoT is %s.
out_of_range: The user's data is 256 bytes: offset %d with %d bytes is outside.
task_failed: The task '%s' died: %s.
task_stuck: The task '%s' showed no sign of life for %d s.
loop_stalled: Nothing else could run for %d s, connections fail by that: await asyncio.sleep(), not time.sleep().
bad_transition: Mode %s has no way out by %s.
not_supported: %s is not part of this firmware.
""",
)
_TABLE = (
    ("PersonError", _PERSON),
    ("RetryError", _RETRY),
    ("CloudError", _CLOUD),
    ("StorageError", _STORAGE),
    ("BugError", _BUG),
)


def find(code):
    """(class of errors.py, by its name; sentence) for this code. Raises KeyError when it is not in the table."""
    key = "\n%s: " % code
    for who, texts in _TABLE:
        for text in texts:
            at = text.find(key)
            if at >= 0:
                return who, text[at + len(key) : text.find("\n", at + 1)]
    raise KeyError(code)


def codes():
    """All codes, sorted: for the documentation and its test."""
    lines = "".join(["".join(texts) for _, texts in _TABLE]).split("\n")
    return sorted([line.split(":")[0] for line in lines if line.strip()])
