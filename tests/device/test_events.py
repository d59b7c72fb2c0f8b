"""The bus: everyone hears what they listen for, nobody is held up, what is lost is counted."""

import asyncio

import events
from harness import equal, raises


async def test_every_listener_hears_an_event_with_its_data():
    bus = events.Bus()
    one = bus.listen()
    two = bus.listen()
    bus.emit(events.WIFI_CONNECTED, ssid="home", rssi=-50)
    for listener in (one, two):
        event = await listener.get()
        equal(event.name, "wifi.connected")
        equal(event.data, {"ssid": "home", "rssi": -50})


async def test_a_listener_hears_only_the_names_it_asked_for():
    bus = events.Bus()
    listener = bus.listen(events.AWS_CONNECTED, events.AWS_DISCONNECTED)
    bus.emit(events.WIFI_CONNECTED)
    bus.emit(events.AWS_CONNECTED)
    equal(listener.any(), 1)
    equal((await listener.get()).name, "aws.connected")


async def test_a_listener_that_sleeps_loses_the_oldest_and_knows_how_many():
    bus = events.Bus()
    listener = bus.listen(limit=3)
    for number in range(5):
        bus.emit(events.PUBLISH_DONE, number=number)
    equal(listener.dropped, 2)
    for number in (2, 3, 4):
        equal((await listener.get()).data["number"], number)


class Crowded(list):
    """A queue for which there is no memory."""

    def append(self, event):
        raise MemoryError


async def test_without_memory_for_one_listener_the_others_hear_and_who_emits_goes_on():
    bus = events.Bus()
    one, two = bus.listen(), bus.listen()
    one._queue = Crowded()
    bus.emit(events.WIFI_CONNECTED)
    equal((one.any(), one.dropped, two.any()), (0, 1, 1))


async def test_without_memory_for_an_event_who_emits_goes_on_and_who_listens_for_it_counts_it():
    bus = events.Bus()
    one, other = bus.listen(events.WIFI_CONNECTED), bus.listen(events.CLOCK_SET)
    made, events.Event = events.Event, no_memory
    try:
        bus.emit(events.WIFI_CONNECTED, ssid="home")
    finally:
        events.Event = made
    equal((one.any(), one.dropped, other.dropped), (0, 1, 0))


async def test_without_memory_to_print_an_event_who_listens_for_it_hears_it():
    bus = events.Bus()
    listener = bus.listen()
    bus.tell = no_memory
    bus.emit(events.WIFI_CONNECTED)
    equal((listener.any(), listener.dropped), (1, 0))


def no_memory(*_):
    raise MemoryError


async def test_a_waiting_listener_wakes_up():
    bus = events.Bus()
    listener = bus.listen()
    heard = []

    async def hear():
        async for event in listener:
            heard.append(event.name)
            if event.name == events.CLOCK_SET:
                return

    task = asyncio.create_task(hear())
    await asyncio.sleep_ms(0)
    bus.emit(events.MODE_CHANGED)
    await asyncio.sleep_ms(0)
    bus.emit(events.CLOCK_SET)
    await asyncio.wait_for(task, 1)
    equal(heard, ["mode.changed", "clock.set"])


async def test_a_closed_listener_hears_nothing_more_and_can_be_closed_twice():
    bus = events.Bus()
    listener = bus.listen()
    listener.close()
    listener.close()
    bus.emit(events.CLOCK_SET)
    equal(listener.any(), 0)


async def test_a_constant_that_is_none_of_the_events_is_told():
    equal(events.SHADOW_DELTA, "shadow.delta")
    for wrong in ("WIFI_CONECTED", "wifi_connected", "DELTA", "MODE"):
        raises(AttributeError, lambda wrong=wrong: getattr(events, wrong))
