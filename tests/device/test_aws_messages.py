"""Received messages: handlers, the ring buffer, and what is told of those that are lost."""

import asyncio

import errors
import events
from aws import inbox as inbox_file
from aws.inbox import Inbox
from aws.subscribing import add, remove
from harness import equal, raises
from scripted_broker import until


class Told:
    """An inbox, and the events it emits."""

    def __init__(self, limit=4, size=1000):
        bus = events.Bus()
        self._listener = bus.listen()
        self.inbox = Inbox(bus, limit, size)

    async def next(self):
        return (await asyncio.wait_for(self._listener.get(), 5)).data


def deliver(inbox, topic, payload):
    """As the engine does: the payload is a view of a buffer that is used again at once."""
    buffer = bytearray(payload)
    inbox.deliver(topic, memoryview(buffer))
    for at in range(len(buffer)):
        buffer[at] = 0


async def test_a_plain_handler_sees_topic_and_payload():
    inbox = Told().inbox
    heard = []
    add(inbox, "a/+", 0, lambda message: heard.append((message.topic, bytes(message.payload))))
    deliver(inbox, b"a/b", b"1")
    deliver(inbox, b"a/c", b"2")
    equal(heard, [("a/b", b"1"), ("a/c", b"2")])


async def test_a_coroutine_sees_the_payload_until_its_first_await_and_the_topic_to_its_end():
    inbox = Told().inbox
    heard = []

    async def handler(message):
        before = bytes(message.payload)
        await asyncio.sleep_ms(10)
        heard.append((message.topic, before))

    add(inbox, "#", 0, handler)
    deliver(inbox, b"a", b"one")
    deliver(inbox, b"b", b"two")
    await until(lambda: len(heard) == 2)
    equal(heard, [("a", b"one"), ("b", b"two")])


async def test_a_message_without_memory_does_not_cost_the_later_ones_of_its_topic():
    told = Told()
    heard = []
    add(told.inbox, "a", 0, lambda message: heard.append(bytes(message.payload)))
    real = inbox_file.matches

    def crowded(topic_filter, topic):
        inbox_file.matches = real
        raise MemoryError

    inbox_file.matches = crowded
    topic = b"a"
    await raises(MemoryError, later(told.inbox.deliver, topic, b"1"))
    deliver(told.inbox, topic, b"2")
    equal(heard, [b"2"])


async def later(call, *arguments):
    return call(*arguments)


async def test_handlers_run_one_after_the_other_in_order_of_arrival():
    inbox = Told().inbox
    steps = []

    async def slow(message):
        steps.append("slow begins")
        await asyncio.sleep_ms(20)
        steps.append("slow ends")

    add(inbox, "slow", 0, slow)
    add(inbox, "quick", 0, lambda message: steps.append(bytes(message.payload)))
    deliver(inbox, b"slow", b"")
    deliver(inbox, b"quick", b"1")
    deliver(inbox, b"slow", b"")
    deliver(inbox, b"quick", b"2")
    await until(lambda: len(steps) == 6)
    equal(steps, ["slow begins", "slow ends", b"1", "slow begins", "slow ends", b"2"])


async def test_messages_for_a_busy_handler_are_bounded_and_the_loss_is_told():
    told = Told(limit=2, size=1000)
    heard = []
    may_go_on = asyncio.Event()

    async def handler(message):
        heard.append(bytes(message.payload))
        await may_go_on.wait()

    add(told.inbox, "t/+", 0, handler)
    for number in range(5):
        deliver(told.inbox, b"t/%d" % number, b"%d" % number)
    equal(await told.next(), {"topic": "t/1", "reason": "handler_busy", "dropped": 1})
    await told.next()
    deliver(told.inbox, b"t/5", b"5" * 1000)  # in the place of two
    equal(await told.next(), {"topic": "t/4", "reason": "handler_busy", "dropped": 4})
    may_go_on.set()
    await until(lambda: len(heard) == 2)
    equal(heard, [b"0", b"5" * 1000])


async def test_a_handler_that_raises_is_told_and_the_next_message_is_handled():
    told = Told()
    heard = []

    def plain(message):
        raise ValueError("wrong")

    async def coroutine(message):
        await asyncio.sleep_ms(0)
        heard.append(message.topic)
        raise errors.error("not_supported", "this")

    add(told.inbox, "plain", 0, plain)
    add(told.inbox, "coroutine", 0, coroutine)
    deliver(told.inbox, b"plain", b"")
    deliver(told.inbox, b"coroutine", b"")
    deliver(told.inbox, b"coroutine", b"")
    data = await told.next()
    equal((data["task"], data["code"]), ("handler of plain", "task_failed"))
    equal("wrong" in data["message"], True)
    equal([(await told.next())["task"], (await told.next())["task"]], ["handler of coroutine"] * 2)
    equal(heard, ["coroutine"] * 2)


async def test_a_handler_that_never_ends_is_cancelled_and_told():
    told = Told()
    heard = []

    async def stuck(message):
        await asyncio.sleep(1000)

    add(told.inbox, "stuck", 0, stuck)
    add(told.inbox, "next", 0, lambda message: heard.append(message.topic))
    deliver(told.inbox, b"stuck", b"")
    told.inbox.handlers.timeout_s = 1
    deliver(told.inbox, b"next", b"")
    for _ in range(12):
        told.inbox.check()
        await asyncio.sleep_ms(100)
    equal((await told.next())["code"], "task_stuck")
    equal(heard, ["next"])


async def test_a_handler_may_wait_for_a_message_that_arrives_after_it_began():
    inbox = Told().inbox
    steps = []

    async def handler(message):
        steps.append((await inbox.messages.get()).payload)

    add(inbox, "question", 0, handler)
    add(inbox, "answer", 0, None)
    deliver(inbox, b"question", b"")
    equal(steps, [])
    deliver(inbox, b"answer", b"42")
    await until(lambda: steps)
    equal(steps, [b"42"])


async def test_without_a_handler_messages_wait_in_the_ring_as_copies():
    inbox = Told().inbox
    add(inbox, "t", 0, None)
    deliver(inbox, b"t", b"one")
    deliver(inbox, b"unasked/for", b"two")
    equal(inbox.messages.any(), 2)
    first, second = inbox.messages.get_nowait(), await inbox.messages.get()
    equal([(m.topic, m.payload) for m in (first, second)], [("t", b"one"), ("unasked/for", b"two")])
    equal(inbox.messages.get_nowait(), None)


async def test_the_ring_is_bounded_in_number_the_oldest_give_way_and_are_told():
    told = Told(limit=3)
    for number in range(5):
        deliver(told.inbox, b"t/%d" % number, b"%d" % number)
    equal(told.inbox.messages.dropped, 2)
    await told.next()
    equal(await told.next(), {"topic": "t/1", "reason": "ring_full", "dropped": 2})
    equal([told.inbox.messages.get_nowait().payload for _ in range(3)], [b"2", b"3", b"4"])


async def test_the_ring_is_bounded_in_bytes():
    told = Told(limit=100, size=1000)  # holds twice the largest message
    for number in range(5):
        deliver(told.inbox, b"t", b"%d" % number + b"x" * 599)
    equal(told.inbox.messages.any(), 3)
    equal(told.inbox.messages.dropped, 2)


async def test_whoever_waits_for_a_message_is_woken():
    inbox = Told().inbox
    waiting = asyncio.create_task(inbox.messages.get())
    await asyncio.sleep_ms(10)
    equal(waiting.done(), False)
    deliver(inbox, b"t", b"x")
    equal((await waiting).payload, b"x")


async def test_what_a_kept_session_brought_early_goes_to_the_handler_that_comes_late():
    inbox = Told().inbox
    heard = []
    deliver(inbox, b"command", b"1")
    deliver(inbox, b"other", b"2")
    deliver(inbox, b"command", b"3")
    add(inbox, "command", 1, lambda message: heard.append(bytes(message.payload)))
    equal(heard, [b"1", b"3"])
    equal((inbox.messages.any(), inbox.messages.get_nowait().topic), (1, "other"))


async def test_overlapping_filters_reach_each_handler_once():
    inbox = Told().inbox
    heard = []

    def both(message):
        heard.append("both")

    add(inbox, "a/#", 0, both)
    add(inbox, "a/b", 0, both)
    add(inbox, "+/b", 0, lambda message: heard.append("other"))
    deliver(inbox, b"a/b", b"")
    equal(heard, ["both", "other"])
    remove(inbox, "+/b")
    deliver(inbox, b"a/b", b"")
    equal(heard, ["both", "other", "both"])


async def test_a_topic_that_is_no_text_is_dropped_and_told():
    told = Told()
    deliver(told.inbox, b"\xff\xfe", b"")
    equal((await told.next())["reason"], "bad_topic")
    equal(told.inbox.messages.any(), 0)


async def test_the_application_s_misuse_is_an_error():
    equal(raises(errors.BugError, lambda: add(Told().inbox, "a/#/b", 0, None)).code, "limit")


async def test_a_handler_that_will_not_be_cancelled_leaves_the_next_one_its_limit():
    told = Told()

    async def stubborn(message):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            pass

    async def stuck(message):
        await asyncio.sleep(1000)

    add(told.inbox, "stubborn", 0, stubborn)
    add(told.inbox, "stuck", 0, stuck)
    deliver(told.inbox, b"stubborn", b"")
    told.inbox.handlers.timeout_s = 0
    deliver(told.inbox, b"stuck", b"")
    for _ in range(4):
        told.inbox.check()
        await asyncio.sleep_ms(10)
    failure = await told.next()
    equal((failure["task"], failure["code"]), ("handler of stuck", "task_stuck"))


async def test_a_message_whose_handler_found_no_memory_to_begin_keeps_none():
    def no_task(work):
        raise MemoryError

    async def handler(message):
        heard.append(message.topic)

    told, heard = Told(), []
    add(told.inbox, "t", 0, handler)
    deliver(told.inbox, b"t", b"")
    handlers = told.inbox.handlers
    real, handlers._start = handlers._start, no_task
    deliver(told.inbox, b"t", b"large")
    equal((handlers._message.payload, (await told.next())["reason"]), (None, "no_memory"))
    handlers._start = real
    deliver(told.inbox, b"t", b"")
    equal(heard, ["t", "t"])
