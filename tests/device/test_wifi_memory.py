"""Wi-Fi where memory ends: it is told, tried again, and never takes the device down."""

import asyncio

import network
import simulation

import errors
import events
import wifi
from harness import equal, raises
from radio import Radio, Settings, world
from wifi import Wifi


async def test_a_driver_without_memory_is_no_broken_device():
    # ESP_ERR_NO_MEM, until MicroPython 1.25 and since: the next start may have more.
    await raises(MemoryError, make_wifi(RuntimeError("Wifi Unknown Error 0x0101")))
    await raises(MemoryError, make_wifi(OSError("WiFi Out of Memory")))
    await raises(RuntimeError, make_wifi(RuntimeError("Wifi Unknown Error 0x0102")))
    await raises(OSError, make_wifi(OSError("Wifi Invalid Mode")))


async def make_wifi(refusal):
    def refuse(*_):
        raise refusal

    created, network.WLAN = network.WLAN, refuse
    try:
        Wifi(events.Bus(), Settings())
    finally:
        network.WLAN = created


async def test_without_memory_to_join_it_is_tried_again_and_again():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    station, tries = wifi._station, []

    def crowded():
        tries.append(1)
        if len(tries) > 8:
            wifi._station = station
        raise MemoryError

    wifi._station = crowded
    try:
        task = asyncio.create_task(radio.wifi.run(radio.beat))
        equal((await radio.until(events.WIFI_DISCONNECTED))["code"], "no_memory")
        await asyncio.wait_for(radio.until(events.WIFI_CONNECTED), 10)
        task.cancel()
    finally:
        wifi._station = station


async def test_without_memory_to_tell_why_it_is_tried_again():
    radio = Radio(("home", "secret12"))
    emit, untold = radio.wifi._bus.emit, []

    def crowded(name, **data):
        if name == events.WIFI_DISCONNECTED:
            untold.append(data["code"])
            world.access_point("home", "secret12")
            raise MemoryError
        emit(name, **data)

    radio.wifi._bus.emit = crowded
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await asyncio.wait_for(radio.until(events.WIFI_CONNECTED), 10)
    task.cancel()
    equal(untold, ["no_network"])


async def test_a_radio_that_would_take_the_chip_down_for_want_of_memory_is_not_switched_on():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    type(radio.wlan)._is_calibrated = False  # as after power-on
    areas, simulation.board.idf_heap = simulation.board.idf_heap, (1000, 2000)
    try:
        error = await raises(errors.RetryError, radio.wifi.join_once())
        equal((error.code, simulation.board.restarts), ("no_memory", []))
    finally:
        simulation.board.idf_heap = areas
    equal(bool(await radio.wifi.join_once()), True)
