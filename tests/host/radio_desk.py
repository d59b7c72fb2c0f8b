"""A simulated board with a small GATT server, and what a phone knows of it."""

import contextlib

from tests.host.sim_desk import desk

SERVICE = "5704246a-5d4c-4f19-9b53-157d8824063d"
TX = "15ba8b82-df9a-46dc-865a-177a17ad9035"
RX = "20a62cd0-93ba-41e2-96b0-31b1aa131909"
STATE = "3a21768b-174a-41bc-8b25-b9c1ebfb7510"

# Sends back on TX what comes on RX, in notifications as long as the MTU allows.
ECHO = f"""
import aioble, asyncio, bluetooth, sys

service = aioble.Service(bluetooth.UUID("{SERVICE}"))
tx = aioble.Characteristic(service, bluetooth.UUID("{TX}"), read=True, notify=True)
rx = aioble.BufferedCharacteristic(
    service, bluetooth.UUID("{RX}"), read=True, write=True, write_no_response=True, max_len=6200, append=True
)
state = aioble.Characteristic(service, bluetooth.UUID("{STATE}"), read=True, initial="s" * 400)
aioble.register_services(service)
aioble.config(mtu=512)

async def send(connection, data):
    size = (connection.mtu or 23) - 3
    for start in range(0, len(data), size):
        while True:
            try:
                tx.notify(connection, data[start:start + size])
                break
            except OSError as error:
                if error.errno != 12:
                    raise
                await asyncio.sleep_ms(2)

async def echo(connection):
    while True:
        await rx.written()
        data = rx.read()
        print("got", len(data))
        await send(connection, data)

async def main():
    while True:
        print("advertising")
        connection = await aioble.advertise(30000, name="thing-123456", services=[service.uuid])
        print("connected", connection.device.addr_hex())
        task = asyncio.create_task(echo(connection))
        await connection.disconnected()
        task.cancel()
        print("disconnected")

asyncio.run(main())
"""


@contextlib.contextmanager
def echo_desk(folder, program=ECHO, **options):
    """(world, board): the board is on and advertises."""
    with desk(folder, program, **options) as (world, board):
        board.power_on()
        board.wait_for("^advertising$")
        yield world, board


@contextlib.contextmanager
def connected_phone(world, mtu=512):
    """A phone that is connected to the only board and has subscribed to TX."""
    with world.radio.phone() as phone:
        phone.connect(phone.find(service=SERVICE))
        phone.exchange_mtu(mtu)
        phone.subscribe(TX)
        yield phone


def received(phone, size, timeout_s=20):
    """The next `size` bytes that are notified on TX."""
    data = b""
    while len(data) < size:
        data += phone.next_notification(TX, timeout_s)
    return data
