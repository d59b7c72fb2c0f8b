"""The second area of Python's heap: as large as what the network leaves, or left to the port."""

import gc

import simulation

import board
import flash_board
import heap_area
from fakes import Group
from harness import equal, raises


def test_on_a_chip_without_psram_it_is_made_early_and_something_stays_in_it():
    simulation.board.idf_heap = (0, 142000)
    gc.collect()
    before = gc.mem_alloc()
    keeper = heap_area.make()
    gc.collect()
    equal(len(keeper), 16)  # more than one block: an area with one block in use counts as empty
    equal(gc.mem_alloc() - before < 2000, True)  # nothing else of it is left


async def test_what_was_too_little_for_the_network_is_more_at_the_next_starts():
    await flash_board.new_board()
    simulation.board.idf_heap = (0, 142000)
    asked = []
    hold, heap_area._hold = heap_area._hold, asked.append
    try:
        for _ in range(6):
            heap_area.make()
            board.leave_more_to_network()
    finally:
        heap_area._hold = hold
    equal([size - asked[0] for size in asked], [0, 4096, 8192, 12288, 16384, 16384])


async def test_a_heap_that_has_grown_since_the_start_does_not_get_less_at_the_next_ones():
    await flash_board.new_board()
    heap_area.make()
    board.share -= 20000
    board.leave_more_to_network()
    equal(raises(OSError, lambda: board.storage().get_i32("network")).errno, -4354)  # ESP_ERR_NVS_NOT_FOUND
    board.share += 20000
    board.leave_more_to_network()
    equal(board.storage().get_i32("network"), 4096)


def test_the_network_of_a_newer_micropython_takes_more():
    simulation.board.idf_heap = (0, 142000)
    hold, system, asked = heap_area._hold, heap_area.sys, []
    heap_area._hold = asked.append
    try:
        for version in ((1, 24, 1, ""), (1, 25, 0, ""), (2, 0, 0, "")):
            heap_area.sys = Group(implementation=("micropython", version))
            heap_area.make()
    finally:
        heap_area._hold, heap_area.sys = hold, system
    equal([size - asked[0] for size in asked], [0, 6144, 6144])


def test_with_little_memory_python_gets_what_it_cannot_do_without():
    simulation.board.idf_heap = (0, 100000)  # in one piece: three quarters
    asked = []
    hold, heap_area._hold = heap_area._hold, asked.append
    try:
        heap_area.make()
    finally:
        heap_area._hold = hold
    equal(asked, [75000 - 24576])


def test_where_there_is_memory_for_all_it_is_the_ports_affair():
    simulation.board.idf_heap = (0, 8000000)
    equal(heap_area.make(), None)


def held_for_room(free, largest):
    """How much of ESP-IDF's memory is held for the moment in which room for a job is made; None: none is made."""
    asked = []
    hold, heap_area._hold = heap_area._hold, asked.append
    heap, board.heap = board.heap, lambda: {"gc_free": largest + 10240, "idf_free": free, "idf_largest": largest}
    try:
        heap_area.make_room()
    finally:
        heap_area._hold, board.heap = hold, heap
    return asked[0] if asked else None


def test_room_for_a_job_leaves_the_network_what_it_receives_with():
    equal(held_for_room(24000, 17000), 17000 - 8192)
    equal(held_for_room(19000, 13000), 13000 - (19000 - 13312))
    equal(held_for_room(24000, 11000), 4096 + 640)  # no thread has a smaller stack
    equal(held_for_room(14000, 13000), 13000 - 4096)  # beside a chain of RSA certificates
    equal(held_for_room(13700, 7900), 4096 + 640)
    equal(held_for_room(13770, 7680), 4096 + 640)
    equal(held_for_room(12500, 11000), None)  # it has little enough


def test_room_for_a_job_is_there_already():
    simulation.board.idf_heap = (8000, 16000)
    equal(board.make_room(), None)  # the interpreter's own heap is large


def test_where_no_thread_can_be_made_the_port_does_as_it_would():
    simulation.board.idf_heap = (0, 142000)
    thread = heap_area._thread
    heap_area._thread = NoThread
    try:
        equal(heap_area.make(), None)
    finally:
        heap_area._thread = thread


class NoThread:
    """The port's module where no thread can be made."""

    @classmethod
    def allocate_lock(cls):
        return cls

    @staticmethod
    def acquire():
        return True

    @staticmethod
    def stack_size(size):
        return size

    @staticmethod
    def start_new_thread(function, arguments):
        raise OSError("can't create thread")
