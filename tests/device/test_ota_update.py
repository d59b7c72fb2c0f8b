"""An image on its way into a slot: over good and bad servers, redirects and interruptions, onto good and bad flash."""

import simulation

import errors
from download_desk import SIZE, SLOT, Timeouts, asked, check, code_of, fetch, in_tries, slot, update, url
from harness import equal, raises

COMPANIONS = ["image_servers"]
TIMEOUT_S = 20


class Impatient(Timeouts):
    stall_s = 0.3


async def test_an_image_is_downloaded_and_written():
    made, marks = await fetch("image")
    await check(made)
    equal(marks, [4096 * n for n in range(1, 13)] + [SIZE])
    buffer = bytearray(4096)
    made.partition.readblocks(12, buffer)
    equal(bytes(buffer[SIZE - 12 * 4096 :]), b"\xff" * (13 * 4096 - SIZE))


async def test_a_head_that_comes_in_pieces():
    await check((await fetch("drips"))[0])


async def test_a_head_larger_than_a_sector():
    await check((await fetch("busy_head"))[0])
    made = update()
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    await made.fetch(url("busy_head"), lambda: None)
    await check(made)


async def test_redirects_are_followed():
    asked()
    await check((await fetch("moved"))[0])
    await check((await fetch("moved_here"))[0])
    equal([path for path, _ in asked()], ["/moved", "/image?signature=1", "/moved_here", "/image"])


async def test_redirects_that_lead_astray_are_not():
    equal(await code_of("circle"), "download_refused")
    equal(await code_of("downgrade"), "download_refused")
    equal(await code_of("stranger"), "server_cert_untrusted")
    equal(await code_of("other_name"), "server_cert_wrong_name")


async def test_it_goes_on_where_the_connection_was_cut():
    equal(await in_tries("cut"), [0, 8192, 16384, 24576, 32768, 40960])
    equal(await in_tries("chunked_cut"), [0, 8192, 16384, 24576, 32768, 40960])
    equal(await in_tries("no_total"), [0, 8192, 16384, 24576, 32768, 40960])


async def test_a_connection_that_brings_less_than_a_sector_brings_nothing():
    made = update()
    for _ in range(2):
        await raises(errors.RetryError, made.fetch(url("dead_end"), lambda: None))
        equal(made.at, 0)


async def test_a_server_without_ranges_begins_anew():
    made = update()
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    equal(made.at, 8192)
    writes = simulation.board.flash.writes
    await made.fetch(url("without_ranges"), lambda: None)
    await check(made)
    sectors = (SIZE + 4095) // 4096 - 2  # what was there is left as it is
    equal(simulation.board.flash.writes - writes, 2 * sectors)  # erased, and written


async def test_a_part_of_the_range_is_taken_and_the_rest_asked_for():
    made = update()
    for at in (8192, 16384, 24576):
        await raises(errors.RetryError, made.fetch(url("part"), lambda: None))
        equal(made.at, at)


async def test_a_server_that_stalls():
    for path in ("stalls", "silent"):
        made = update(timeouts=Impatient)
        failure = await raises(errors.RetryError, made.fetch(url(path), lambda: None))
        equal(failure.message.find("nothing came") > 0, True)
    made = update()
    await raises(errors.RetryError, made.fetch(url("stalls"), lambda: None))
    equal(made.at, 8192)


async def test_refusals_of_the_server():
    equal(await code_of("expired"), "link_expired")
    equal(await code_of("missing"), "download_refused")
    equal(await code_of("busy"), "download_failed")


async def test_answers_that_are_not_the_image():
    for path in ("longer", "shorter", "large_head", "garbage", "compressed", "compressed_on_the_way", "shorter_now"):
        equal(await code_of(path), "download_refused")


async def test_an_empty_file_is_no_image_whatever_the_slot_holds():
    failure = await raises(errors.CloudError, update(size=None).fetch(url("empty"), lambda: None))
    equal(failure.code, "download_refused")


async def test_another_range_than_was_asked_for():
    made = update()
    await raises(errors.RetryError, made.fetch(url("other_range"), lambda: None))
    failure = await raises(errors.CloudError, made.fetch(url("other_range"), lambda: None))
    equal(failure.code, "download_refused")
    equal(made.at, 8192)


async def test_a_port_that_nobody_listens_on():
    made = update()
    failure = await raises(errors.RetryError, made.fetch("https://images.test:1/image", lambda: None))
    equal(failure.code, "refused")


async def test_an_image_that_does_not_fit_is_refused_before_anything_is_erased():
    partition = slot()
    writes = simulation.board.flash.writes
    raises(errors.PersonError, lambda: update(SLOT + 1, partition))
    update(SLOT, partition)
    equal(simulation.board.flash.writes, writes)


async def test_what_is_there_already_is_not_written_again():
    partition = slot()
    await fetch("image", partition=partition)
    writes = simulation.board.flash.writes
    made, _ = await fetch("image", partition=partition)
    equal(simulation.board.flash.writes, writes)
    await check(made)


async def test_a_later_start_goes_on_with_what_was_written():
    partition = slot()
    made = update(partition=partition)
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    again = update(partition=partition)
    again.go_on(made.at + 100)
    asked()
    await again.fetch(url("image"), lambda: None)
    equal(asked(), [("/image", 8192)])
    await check(again)


async def test_a_later_start_that_finds_all_of_it_asks_for_nothing():
    partition = slot()
    made = update(partition=partition)
    await made.fetch(url("image"), lambda: None)
    whole = update(size=SIZE // 4096 * 4096, partition=partition)
    whole.go_on(whole.size)
    asked()
    await whole.fetch(url("image"), lambda: None)
    equal((asked(), whole.at), ([], whole.size))


async def test_flash_that_does_not_keep_what_is_written():
    class Worn:
        """Loses a bit of the third sector."""

        def __init__(self, partition):
            self._partition = partition
            self.ioctl = partition.ioctl
            self.readblocks = partition.readblocks

        def writeblocks(self, block, data):
            data = bytearray(data)
            if block == 2:
                data[100] ^= 4
            self._partition.writeblocks(block, data)

    made = update(partition=Worn(slot()))
    failure = await raises(errors.StorageError, made.fetch(url("image"), lambda: None))
    equal((failure.code, made.at), ("flash_failed", 8192))


async def test_a_flash_that_refuses_is_told_as_flash_failed():
    class Refusing:
        def __init__(self, partition):
            self.ioctl = partition.ioctl
            self.readblocks = partition.readblocks

        def writeblocks(self, block, data):
            raise OSError(-261, "ESP_ERR_NOT_FOUND")

    failure = await raises(errors.StorageError, update(partition=Refusing(slot())).fetch(url("image"), lambda: None))
    equal(failure.code, "flash_failed")
