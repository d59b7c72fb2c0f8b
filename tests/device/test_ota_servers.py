"""An image from servers that say what they have in ways of their own, as HTTP allows it, and as it does not."""

import errors
from download_desk import asked, check, code_of, fetch, update, url
from harness import equal, raises

COMPANIONS = ["image_servers"]
TIMEOUT_S = 20


async def test_a_server_may_say_by_chunks_or_at_the_end_how_long_it_is():
    for path in ("chunked", "chunked_at_once", "without_length"):
        await check((await fetch(path))[0])
    made = update()
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    await made.fetch(url("chunked"), lambda: None)
    await check(made)


async def test_a_length_that_nobody_says_is_needed():
    for path in ("chunked", "without_length"):
        failure = await raises(errors.CloudError, update(size=None).fetch(url(path), lambda: None))
        equal((failure.code, "neither chunked nor compressed" in failure.message), ("download_refused", True))


async def test_chunks_that_are_none_bring_nothing():
    for path in ("chunked_badly", "chunked_without_end", "without_length_cut"):
        equal(await code_of(path), "download_failed")


async def test_lines_may_end_without_a_carriage_return():
    await check((await fetch("bare_line_ends"))[0])


async def test_a_range_that_begins_before_what_was_asked_for_is_taken():
    made = update()
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    await raises(errors.RetryError, made.fetch(url("whole_sectors"), lambda: None))
    made.go_on(made.at - 4096)
    equal(made.at % 8192, 4096)
    await raises(errors.RetryError, made.fetch(url("whole_sectors"), lambda: None))
    equal(made.at, 32768)
    await made.fetch(url("image"), lambda: None)
    await check(made)


async def test_a_file_that_has_become_a_shorter_one_is_told_by_its_length():
    made = update()
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    failure = await raises(errors.CloudError, made.fetch(url("shorter_now"), lambda: None))
    equal((failure.code, "5000 bytes instead of 50000" in failure.message), ("download_refused", True))


async def test_a_server_that_takes_no_range_is_asked_for_the_whole():
    made = update()
    await raises(errors.RetryError, made.fetch(url("cut"), lambda: None))
    asked()
    await made.fetch(url("no_such_range"), lambda: None)
    await check(made)
    equal([start for _, start in asked()], [8192, 0])


async def test_a_server_may_say_when_it_is_to_be_asked_again():
    for path, wait_s in (("later", 120), ("much_later", 0), ("busy", 0)):
        failure = await raises(errors.RetryError, update().fetch(url(path), lambda: None))
        equal((failure.code, failure.wait_s), ("download_failed", wait_s))
