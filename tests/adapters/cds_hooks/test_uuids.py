"""UUIDs of cards: whoever could guess or meet one twice would answer another reader's card."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from b12fhir.adapters.cds_hooks.uuids import fresh_uuid

# More than are made at once, so that some come of a second draw.
SEVERAL = 200


def test_each_is_a_uuid_of_version_4_as_it_is_written():
    for text in (fresh_uuid() for _ in range(SEVERAL)):
        read = UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, RFC_4122)


def test_all_four_forms_of_the_variant_occur():
    # Two bits of chance: that 200 miss one of four forms has a chance of 4 * 0.75 ** 200, nothing.
    assert {fresh_uuid()[19] for _ in range(SEVERAL)} == set("89ab")


def test_no_thread_gets_what_another_one_got():
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: fresh_uuid(), range(8 * SEVERAL)))
    assert len(set(given)) == len(given)


def test_a_forked_process_gets_none_that_its_parent_gives_out():
    fresh_uuid()  # now the parent has some left, which a fork would copy
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - in the other process
        os.write(writing, fresh_uuid().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        theirs = told.read()
    assert UUID(theirs).version == 4
    assert theirs not in {fresh_uuid() for _ in range(SEVERAL)}
