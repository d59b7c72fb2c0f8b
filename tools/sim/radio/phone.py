"""A phone for tests and scripts: every call waits until it is done."""

import queue

from tools.sim.radio.central import Central

_NONE = object()


class Phone:
    """In range of every board of its world. Made by `Radio.phone`.

        with world.radio.phone() as phone:
            phone.connect(phone.find(service=SERVICE))
            phone.exchange_mtu(517)
            phone.subscribe(TX)
            phone.write(RX, b"hello")
            answer = phone.next_notification(TX)

    Characteristics are named by their UUID as text. Raises `central.LinkLost` when the connection is gone,
    `central.AttError` when the device refuses, TimeoutError.
    """

    def __init__(self, radio, name, address):
        self.central = Central(radio.ether, name, address)
        self.address = address
        self._radio = radio
        self._received = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.vanish()

    @property
    def is_connected(self):
        return self.central.is_connected

    @property
    def mtu(self):
        return self.central.mtu

    def find(self, name=None, service=None, address=None, timeout_s=10):
        """The first device that advertises so: a `Found`."""

        def wanted(found):
            return (
                (name is None or found.name == name)
                and (service is None or service.lower() in found.services)
                and (address is None or found.address == address)
            )

        return self._wait(self.central.find(wanted, timeout_s), timeout_s)

    def connect(self, device, timeout_s=10):
        """`device`: a `Found`, or an address."""
        address = getattr(device, "address", device)
        self._received.clear()
        self._wait(self.central.connect(address, timeout_s), timeout_s)

    def exchange_mtu(self, mtu=517):
        """Returns the one agreed on."""
        return self._wait(self.central.exchange_mtu(mtu))

    def subscribe(self, uuid):
        """From now on its notifications are kept for `next_notification`."""
        kept = self._received.setdefault(uuid, queue.SimpleQueue())

        async def subscribe():
            await self.central.subscribe(await self.central.characteristic(uuid), lambda value: kept.put(bytes(value)))

        self._wait(subscribe())

    def unsubscribe(self, uuid):
        async def unsubscribe():
            await self.central.unsubscribe(await self.central.characteristic(uuid))

        self._wait(unsubscribe())

    def next_notification(self, uuid, timeout_s=10):
        """The oldest one that was not taken yet."""
        try:
            return self._received[uuid].get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"no notification of {uuid} in {timeout_s} s") from None

    def read(self, uuid):
        """The whole value."""

        async def read():
            return await self.central.read(await self.central.characteristic(uuid))

        return self._wait(read())

    def write(self, uuid, data, response=True):
        """Without response it returns before the device has it."""

        async def write():
            await self.central.write(await self.central.characteristic(uuid), data, response)

        self._wait(write())

    def services(self):
        """{UUID: [UUID of each characteristic, ...]}"""
        from tools.sim.radio.central import uuid_text

        async def services():
            found = await self.central.discover()
            return {uuid_text(one.uuid): [uuid_text(own.uuid) for own in one.characteristics] for one in found}

        return self._wait(services())

    def disconnect(self):
        """The device is told."""
        self._wait(self.central.disconnect())

    def vanish(self):
        """Out of range, or its battery is empty: the device notices when it hears nothing for long."""
        self._wait(self.central.vanish())

    def _wait(self, coroutine, timeout_s=60):
        return self._radio.wait(coroutine, timeout_s + 20)
