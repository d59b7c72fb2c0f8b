"""Every error of the device, in one table: who must act, a short code, and a sentence that says what to do.

    raise errors.error("wrong_password", "home")

The codes are stable: they travel in events, over BLE and in reports. The classes say who must act, so that a caller
decides by class (wait, ask a person, give up) and reports by code.
"""


class DeviceError(Exception):
    """Base of all errors of the device: `code` is short and stable, `message` is a sentence a person can act on."""

    def __init__(self, code, message):
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self):
        return "%s: %s" % (self.code, self.message)


class PersonError(DeviceError):
    """Somebody at the device or the phone has to change something."""


class RetryError(DeviceError):
    """It passes by itself: wait, then try again."""


class CloudError(DeviceError):
    """Something has to be changed in the AWS account."""


class StorageError(DeviceError):
    """The flash did not do what it must."""


class BugError(DeviceError):
    """Our own mistake, or a misuse of this library by the application."""


_TABLE = {
    # Wi-Fi
    "no_network": (RetryError, "Wi-Fi '%s' is not in range: move the device closer or switch the access point on."),
    "wrong_password": (PersonError, "Wi-Fi '%s' refused the password: check it and configure it again."),
    "no_address": (RetryError, "Wi-Fi '%s' gave no address in time: check the router's DHCP."),
    "wifi_failed": (RetryError, "Joining Wi-Fi '%s' failed (%s): the device tries again."),
    "wifi_lost": (RetryError, "Wi-Fi '%s' was lost (%s): the device joins again."),
    # Names and time
    "no_dns": (RetryError, "No name server answered for '%s': check the router's internet connection."),
    "unknown_name": (PersonError, "The name '%s' does not exist: check the AWS endpoint or server name."),
    "no_ntp": (RetryError, "No time server answered (%s): allow UDP port 123 or set servers.ntp."),
    "clock_not_set": (RetryError, "The clock is not set, so certificates cannot be judged: waiting for a time server."),
    # The road to the cloud
    "port_blocked": (RetryError, "%s:%d does not answer: a firewall may block the port (8883 must be open outwards)."),
    "refused": (RetryError, "%s:%d refused the connection: check endpoint and port."),
    "unreachable": (RetryError, "%s:%d cannot be reached (%s): check the network."),
    "server_cert_expired": (CloudError, "The server's certificate has expired: renew it, or check the device's clock."),
    "server_cert_not_yet_valid": (RetryError, "The server's certificate is not valid yet: the device's clock is wrong."),
    "server_cert_untrusted": (PersonError, "The server's certificate is not signed by a trusted root: set the right CA."),
    "server_cert_wrong_name": (PersonError, "The server's certificate is not for '%s': check the AWS endpoint."),
    "key_mismatch": (PersonError, "The private key does not fit the certificate: give both parts of the same pair."),
    "cert_refused": (CloudError, "The cloud refused the device's certificate: register it, activate it, attach a policy."),
    "tls_failed": (RetryError, "The TLS handshake failed (%s): the device tries again."),
    "no_memory": (RetryError, "Not enough memory for TLS: the device frees some and tries again."),
    "not_authorised": (CloudError, "The cloud did not authorise the connection (%s): check the certificate's policy."),
    "server_busy": (RetryError, "The cloud is not available at the moment (%s): the device tries again."),
    "protocol": (RetryError, "The peer broke the MQTT protocol (%s): the connection was closed."),
    "no_connack": (RetryError, "The cloud accepted the connection but did not answer in time."),
    "no_acknowledgement": (RetryError, "The cloud did not acknowledge in time: the device connects again."),
    "no_pingresp": (RetryError, "Nothing was received for too long: the link is dead, the device connects again."),
    "connection_lost": (RetryError, "The connection to the cloud was closed (%s): the device connects again."),
    "not_connected": (RetryError, "Not connected to the cloud: wait for aws.connected."),
    "subscribe_refused": (CloudError, "The cloud refused the subscription to '%s': check the policy."),
    # Provisioning by claim
    "claim_refused": (CloudError, "The cloud refused to provision this device (%s): check claim, template and policy."),
    "claim_failed": (RetryError, "Provisioning failed for now (%s): the device tries again."),
    "token_expired": (RetryError, "The ownership token is too old: a new certificate is asked for."),
    # What a message or setting may be
    "invalid_setting": (PersonError, "%s: %s; allowed: %s."),
    "settings_missing": (PersonError, "Settings are incomplete: %s."),
    "settings_too_new": (PersonError, "The settings have schema %s, this firmware knows up to %s: update the firmware."),
    "bad_certificate": (PersonError, "%s is not a certificate or key this device can use: %s."),
    "limit": (BugError, "%s: the limit of AWS IoT is %s."),
    "too_fast": (RetryError, "More than %s per second: the message was not sent."),
    # Storage
    "flash_failed": (StorageError, "The flash refused %s (%s)."),
    "flash_full": (StorageError, "The flash has no room for %s."),
    "out_of_range": (BugError, "The user's data is 256 bytes: offset %d with %d bytes is outside."),
    # Ourselves
    "task_failed": (BugError, "The task '%s' died: %s."),
    "task_stuck": (BugError, "The task '%s' showed no sign of life for %d s."),
    "bad_transition": (BugError, "Mode %s has no way out by %s."),
    "not_supported": (BugError, "%s is not part of this firmware."),
}


def error(code, *details):
    """The error of the table with this `code`, its sentence filled with `details`. Raise what it returns."""
    kind, sentence = _TABLE[code]
    return kind(code, sentence % details if details else sentence)


def codes():
    """All codes, sorted: for the documentation and its test."""
    return sorted(_TABLE)
