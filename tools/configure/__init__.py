"""`python -m tools configure`: a device in CONFIG is given its settings over Bluetooth, from a terminal.

    protocol, without a radio   firmware (the device's own words), session, talk, trouble
    what is to be sent          document, credentials
    the radio                   radio (bleak), link
    the person                  cli, wizard, screen, delivery, watch

The protocol is docs/ble-protocol.md.
"""
