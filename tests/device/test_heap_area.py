"""The second area of Python's heap: as large as what the network leaves, or left to the port."""

import gc

import simulation

import heap_area
from harness import equal


def test_on_a_chip_without_psram_it_is_made_early_and_something_stays_in_it():
    simulation.board.idf_heap = (0, 142000)
    gc.collect()
    before = gc.mem_alloc()
    keeper = heap_area.make()
    gc.collect()
    equal(len(keeper), 16)  # more than one block: an area with one block in use counts as empty
    equal(gc.mem_alloc() - before < 2000, True)  # nothing else of it is left


def test_where_there_is_memory_for_all_it_is_the_ports_affair():
    simulation.board.idf_heap = (0, 8000000)
    equal(heap_area.make(), None)


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
