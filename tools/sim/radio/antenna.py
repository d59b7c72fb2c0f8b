"""A Bluetooth controller on the virtual air: Bumble's, with the legacy advertising of an ESP32."""

import asyncio
import random
from dataclasses import dataclass

from bumble import hci, ll
from bumble.controller import Controller, LegacyAdvertiser
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

_UNIT_S = 0.000625  # of advertising intervals
_DELAY_S = 0.010  # the pseudo-random delay that the specification adds to each interval
_CONNECTABLE = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType.ADV_IND
_REPORT = hci.HCI_LE_Advertising_Report_Event
_EXTENDED = hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING


@dataclass
class Advertisement(ll.AdvInd):
    """An advertising event: what is sent, and what is sent to whoever asks."""

    response: bytes = b""
    connectable: bool = True


class _Advertiser(LegacyAdvertiser):
    """Bumble's takes the interval for milliseconds, and sends neither scan responses nor what is not connectable."""

    def _on_timer_fired(self):
        self.send_advertising_data()
        interval_s = max(self.advertising_interval_min * _UNIT_S, 0.020) + random.uniform(0, _DELAY_S)
        self.timer_handle = asyncio.get_running_loop().call_later(interval_s, self._on_timer_fired)

    def send_advertising_data(self):
        if self.enabled:
            connectable = self.advertising_type == _CONNECTABLE
            advertisement = Advertisement(self.address, self.advertising_data, self.scan_response_data, connectable)
            self.controller.send_advertising_pdu(advertisement)


class Antenna(Controller):
    """One controller. `rssi` is how strong it hears the others, in dBm."""

    le_features = Controller.le_features & ~_EXTENDED
    rssi = -50

    def __init__(self, name, ether, address):
        super().__init__(name, link=ether, public_address=hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS))
        self.le_legacy_advertiser = _Advertiser(self)

    def on_ll_advertising_pdu(self, packet):
        if isinstance(packet, Advertisement):
            self.on_advertising_pdu(packet)
        elif isinstance(packet, ll.ConnectInd):
            self.on_le_connect_ind(packet)

    def on_advertising_pdu(self, pdu):
        if self.le_scan_enable:
            kind = _REPORT.EventType.ADV_IND if pdu.connectable else _REPORT.EventType.ADV_SCAN_IND
            self._report(pdu, kind, pdu.data)
            if self.le_scan_type:
                self._report(pdu, _REPORT.EventType.SCAN_RSP, pdu.response)
        wanted = self.pending_le_connection
        if pdu.connectable and wanted is not None and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, pdu, kind, data):
        address = pdu.advertiser_address
        report = _REPORT.Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=self.rssi
        )
        self.send_hci_packet(_REPORT([report]))

    def on_hci_le_create_connection_cancel_command(self, command):
        """Bumble's forgets that it was cancelled, and never says so."""
        wanted, self.pending_le_connection = self.pending_le_connection, None
        if wanted is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(self._say_cancelled, wanted.peer_address)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _say_cancelled(self, address):
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=address.address_type,
                peer_address=address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )


def make_device(ether, name, address):
    """A Bumble device with its antenna in that ether. `address` as "AA:BB:CC:DD:EE:FF"; also its random address."""
    antenna = Antenna(name, ether, address)
    configuration = DeviceConfiguration(name=name, address=hci.Address(address))
    device = Device(config=configuration, host=Host(antenna, AsyncPipeSink(antenna)))
    device.antenna = antenna
    return device
