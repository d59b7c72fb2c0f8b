"""Everything that can go wrong between this machine and a device, in plain words, with a way on and an exit code."""

import enum


class Exit(enum.IntEnum):
    """How the command ends; `--help` shows the sentences."""

    DONE = 0
    USAGE = 2
    BLUETOOTH = 3
    DEVICE = 4
    CODE = 5
    LINK = 6
    REFUSED = 7
    WIFI = 8
    CLOUD = 9
    UNSAFE = 10
    INTERRUPTED = 130


EXITS = {
    Exit.DONE: "it is done: the device has the settings, and did not come back with a failure",
    Exit.USAGE: "an option or a file is wrong; nothing was sent",
    Exit.BLUETOOTH: "this machine's Bluetooth cannot be used: none, switched off, or not allowed",
    Exit.DEVICE: "the device was not found, or there are several and none was chosen",
    Exit.CODE: "the setup code is wrong, or the device takes a rest from wrong ones",
    Exit.LINK: "the connection was lost, or there was no answer",
    Exit.REFUSED: "the device could not use the settings",
    Exit.WIFI: "the Wi-Fi did not work: password, network, address",
    Exit.CLOUD: "the cloud was not reached, or refused the device",
    Exit.UNSAFE: "no safe connection: no encryption, a dishonest key, or another protocol",
    Exit.INTERRUPTED: "Ctrl-C",
}

# Kind -> exit, what it is, what to do.
KINDS = {
    "no_adapter": (
        Exit.BLUETOOTH,
        "No Bluetooth",
        "This machine has no Bluetooth Low Energy adapter, or its service does not run (Linux: `systemctl start"
        " bluetooth`). Without one: `make phone`, and `--simulated` here.",
    ),
    "bluetooth_off": (
        Exit.BLUETOOTH,
        "Bluetooth is switched off",
        "Switch it on (Linux: `bluetoothctl power on`, and `rfkill unblock bluetooth`), then try again.",
    ),
    "not_allowed": (
        Exit.BLUETOOTH,
        "Bluetooth is not allowed for this program",
        "Allow it: on macOS in System Settings, Privacy & Security, Bluetooth, for your terminal; on Windows in"
        " Settings, Privacy, Radios; on Linux your user may have to be in the group `bluetooth`.",
    ),
    "no_device": (
        Exit.DEVICE,
        "No device was found",
        "Switch it on and stay near it. It is seen only while it waits for settings: when it is new, or for some"
        " minutes after its button was held at start.",
    ),
    "several": (Exit.DEVICE, "There are several devices", "Say which one: --device NAME."),
    "wrong_code": (
        Exit.CODE,
        "Wrong setup code",
        "It does not fit this device. Compare both with the label: the code, and the name.",
    ),
    "locked": (
        Exit.CODE,
        "Too many wrong setup codes",
        "The device takes a rest from them. Switching it off and on ends that, too.",
    ),
    "no_answer": (Exit.LINK, "No answer", "Move closer to the device, and check that it is switched on."),
    "link_lost": (Exit.LINK, "The connection was lost", "Move closer to the device, then try again."),
    "unsafe": (Exit.UNSAFE, "Not a safe connection", "Nothing was sent. Make sure that this is your device."),
    "open": (
        Exit.UNSAFE,
        "This device does not encrypt",
        "Everybody nearby could read what you send. For a board that you are bringing up, say --allow-open.",
    ),
    "not_ours": (
        Exit.UNSAFE,
        "It speaks another protocol",
        "Use the tools of the same version as the device's firmware.",
    ),
}

# Code of the device -> exit, what it is, what to do.
CODES = {
    0: (Exit.DONE, "Done", ""),
    1: (Exit.LINK, "Still at work", "The device did not finish in time: try again."),
    2: (Exit.DONE, "Saved", ""),
    3: (Exit.CODE, "The device does not know this conversation", "It may have restarted: try again."),
    4: (Exit.LINK, "A message got lost", "Move closer to the device, then try again."),
    5: (
        Exit.REFUSED,
        "Something is missing",
        "A device needs a Wi-Fi, the cloud's endpoint, a trusted root, and a certificate with its key.",
    ),
    6: (Exit.WIFI, "Wrong Wi-Fi password", "Type it again; capital and small letters count."),
    7: (Exit.WIFI, "Wi-Fi not found", "Move the device closer to the router, or choose another; it needs 2.4 GHz."),
    8: (Exit.REFUSED, "The device cannot use this", "Its sentence names the setting: correct that one."),
    9: (Exit.WIFI, "No address from the Wi-Fi", "Restart the router, or check its DHCP."),
    10: (Exit.LINK, "A message arrived damaged", "Move closer to the device, then try again."),
    11: (Exit.LINK, "The device is busy", "It is at work on something else: wait a moment, then try again."),
    12: (Exit.REFUSED, "It did not work", "Try again; its console says more."),
    13: (Exit.REFUSED, "Too large for the device", "Leave out certificates that it does not need."),
    14: (Exit.CLOUD, "Cloud not reached", "Check the endpoint, and that the network lets port 8883 out."),
    15: (
        Exit.CLOUD,
        "The cloud refused the device",
        "Check that the certificate is registered and active, its policy, and that the key is its own.",
    ),
    99: (Exit.REFUSED, "The device did not understand", "Use the tools of the same version as its firmware."),
}


class Trouble(Exception):
    """`kind` of KINDS, "refused" (the device answered `code`) or "came_back" (`code`: why, or None).

    `sentence` is what the device or the machine says, "" for nothing; `retry_s`: how long a locked device waits.
    """

    def __init__(self, kind, code=None, sentence="", retry_s=0):
        super().__init__(sentence or kind)
        self.kind = kind
        self.code = code
        self.sentence = sentence
        self.retry_s = retry_s

    @property
    def exit(self):
        return self._words[0]

    @property
    def title(self):
        return self._words[1]

    @property
    def way_on(self):
        return self._words[2]

    @property
    def _words(self):
        if self.kind == "refused":
            return CODES.get(self.code, CODES[12])
        if self.kind == "came_back":
            end, what, way_on = CODES.get(self.code, (Exit.CLOUD, "The device came back", ""))
            return end, what, way_on or "It could not connect with these settings, and waits for better ones."
        return KINDS[self.kind]


class Mistake(Exception):
    """An option or a file is wrong: nothing was sent. The message says what, and how it is right."""
