"""Tests of the module, for MicroPython and CPython alike: run.py FOLDER [NAME ...]."""

import json
import os
import struct
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from tslog import (  # noqa: E402
    TSLog,
    TSLogClosed,
    TSLogDamaged,
    TSLogError,
    TSLogFull,
    TSLogMismatch,
    TSLogObjectsUnsupported,
    TSLogObjectTooBig,
    TSLogTypeError,
    TSLogValueError,
    tslog,
)

ROOT = sys.argv[1]
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def raises(kind, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except kind as error:
        return error
    raise AssertionError("expected %s" % kind.__name__)


def fill(log, count):
    first = log.stats().seqn + 1
    for i in range(first, first + count):
        assert log.store(i) == i
    return log


def numbers(reader):
    return [value for (value,) in reader]


def files(folder, start):
    return sorted(name for name in os.listdir(folder) if name.startswith(start))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def copy(source, target):
    os.mkdir(target)
    for name in os.listdir(source):
        write(target + "/" + name, read(source + "/" + name))


@test
def records_come_back_in_order_and_only_after_their_commit(folder):
    log = tslog.TSLog(folder, ["Q"], bucket_size=7, commit_delta=5)
    reader = log.reader(0)
    for i in range(1, 50):
        assert log.store(i) == i
        assert log.uncommitted() == i % 5
        assert log.stats() == (i, (i - 1) // 7, i - reader._cursor)
        if i % 5:
            assert reader.next() is None
        else:
            assert numbers(reader) == list(range(i - 4, i + 1))


@test
def dropping_a_log_commits_nothing_and_numbers_go_on_behind_the_last_commit(folder):
    fill(TSLog(folder, ["Q"], bucket_size=7, commit_delta=10), 25)
    log = TSLog(folder, commit_delta=10)
    assert log.stats().seqn == 20
    assert fill(log, 20).stats().seqn == 40
    assert numbers(log.reader(0)) == list(range(1, 41))


@test
def close_commits_and_goes_on_in_the_same_bucket(folder):
    log = fill(TSLog(folder, ["Q"]), 5)
    log.close()
    log.close()
    raises(TSLogClosed, log.store, 1)
    raises(TSLogClosed, log.stats)
    log = fill(TSLog(folder), 5)
    log.commit()
    assert numbers(log.reader(0)) == list(range(1, 11))
    assert len(files(folder, "bucket-")) == 1


@test
def cursors_survive_and_buckets_go_once_all_readers_have_committed(folder):
    log = fill(TSLog(folder, ["Q"], bucket_size=10, commit_delta=1, nreaders=2), 35)
    readers = [log.reader(n) for n in range(2)]
    assert numbers(readers[0]) == list(range(1, 36))
    assert (readers[0].commit(), readers[0].uncommitted()) == (35, 0)
    fill(log, 10)
    assert len(files(folder, "bucket-")) == 5
    for _ in range(21):
        readers[1].next()
    assert (readers[1].uncommitted(), readers[1].commit()) == (21, 21)
    fill(log, 10)
    assert files(folder, "bucket-")[0] == "bucket-0000000002"
    log = TSLog(folder, nreaders=2)
    assert [log.reader(n).next() for n in range(2)] == [(36,), (22,)]
    old, new = log.reader(0), log.reader(0)
    raises(TSLogClosed, old.next)
    assert new.peek() == new.next() == (36,)
    assert log.stats().lag == 55 - 22
    raises(TSLogValueError, log.reader, 2)


@test
def recreate_begins_at_one_with_cursors_at_zero_and_keeps_foreign_files(folder):
    log = fill(TSLog(folder, ["Q"], bucket_size=5, commit_delta=1), 20)
    reader = log.reader(0)
    numbers(reader)
    reader.commit()
    log.close()
    write(folder + "/notes.txt", b"mine")
    log = TSLog(folder, ["Qff"], recreate=True, commit_delta=1)
    assert log.stats() == (0, 0, 0)
    assert log.reader(0).next() is None
    assert log.store(1, 2, 3) == 1
    assert log.reader(0).next() == (1, 2.0, 3.0)
    assert read(folder + "/notes.txt") == b"mine"


@test
def another_shape_is_refused_and_destroys_nothing(folder):
    fill(TSLog(folder, ["Q"], bucket_size=5), 20).close()
    raises(TSLogMismatch, TSLog, folder, ["I"])
    raises(TSLogMismatch, TSLog, folder, [])
    raises(TSLogMismatch, TSLog, folder, ["Q"], bucket_size=6)
    assert TSLog(folder).stats().seqn == 20


@test
def arguments_are_checked_before_anything_changes(folder):
    log = TSLog(folder, ["<BhfQ"], commit_delta=1)
    wrong = [(), (1, 2, 3), (1, 2, 3, 4, 5), (256, 0, 0, 0), (-1, 0, 0, 0), (0, 40000, 0, 0)]
    wrong += [("1", 0, 0, 0), (1.5, 0, 0, 0), (0, 0, "x", 0), (0, 0, 0, -1), (0, 0, 1e300, 0)]
    for arguments in wrong:
        error = raises(TSLogError, log.store, *arguments)
        assert isinstance(error, (TSLogTypeError, TSLogValueError))
    assert log.stats().seqn == 0
    assert log.store(255, -32768, 0.5, (1 << 64) - 1) == 1
    assert log.reader(0).next() == (255, -32768, 0.5, (1 << 64) - 1)
    raises(TSLogTypeError, log.store_with_tag, 0, 1)
    raises(TSLogTypeError, log.store_record, "text")
    raises(TSLogValueError, log.store_record, bytes(16))
    for options in ({"commit_delta": 0}, {"nreaders": 5}, {"formats": ["z"]}, {"record_size": 0}):
        raises(TSLogValueError, TSLog, folder + "x", **options)


@test
def tags_select_formats_and_raw_records_are_filled_up_with_zeros(folder):
    log = TSLog(folder, ["<Hff", "<Hiii"], commit_delta=1)
    log.store_with_tag(0, 100, 1.0, 2.0)
    log.store_with_tag(1, 100, 1, 2, 3)
    reader = log.reader(0)
    assert reader.next() == (0, (100, 1.0, 2.0))
    assert reader.next_record(advance=False) == b"\x01" + struct.pack("<Hiii", 100, 1, 2, 3)
    assert reader.next() == (1, (100, 1, 2, 3))
    raises(TSLogTypeError, log.store, 1, 2, 3)
    log = TSLog(folder + "raw", record_size=4, commit_delta=1)
    log.store_record(b"ab")
    assert log.reader(0).next_record() == b"ab\0\0"
    raises(TSLogTypeError, log.reader(0).next)


class Bytes:
    """A serializer of bytes that end as they like."""

    @staticmethod
    def dumps(value):
        return value

    @staticmethod
    def loads(data):
        return data


@test
def objects_need_a_serializer_and_come_back_exactly_as_stored(folder):
    objects = [{"a": [1, 2.5, None]}, "text", "", 0, [], {"n\u00e4me": "\u20ac"}]
    log = TSLog(folder, serializer=json, commit_delta=1)
    assert [log.store_object(each) for each in objects] == [1, 2, 3, 4, 5, 6]
    assert list(log.reader(0)) == objects
    reader = TSLog(folder, serializer=json).reader(0)
    assert reader.peek() == reader.next() == objects[0]
    raises(TSLogObjectsUnsupported, TSLog(folder).store_object, 1)
    log = TSLog(folder + "bytes", record_size=4, serializer=Bytes, commit_delta=1)
    objects = [b"", b"\0", b"\1", b"\0\1\0", b"a\0", b"abcd", b"abc\1"]
    for each in objects[:-1]:
        log.store_object(each)
    assert list(log.reader(0)) == objects[:-1]
    for wrong in (objects[-1], b"abcde"):
        raises(TSLogObjectTooBig, log.store_object, wrong)
    raises(TSLogValueError, TSLog, folder + "both", ["Q"], serializer=json)


@test
def a_full_log_refuses_until_it_is_drained(folder):
    log = fill(TSLog(folder, ["Q"], bucket_size=5, commit_delta=1, max_buckets=3), 15)
    raises(TSLogFull, log.store, 16)
    assert log.stats().seqn == 15
    reader = log.reader(0)
    for _ in range(5):
        reader.next()
    reader.commit()
    fill(log, 5)
    raises(TSLogFull, log.store, 21)
    assert numbers(reader) == list(range(6, 21))


@test
def a_write_cut_at_any_byte_leaves_the_last_commit_and_a_log_that_goes_on(folder):
    for size, delta, commits in ((4, 3, 5), (100, 4, 3), (2, 5, 2)):
        base = folder + "-%d" % size
        log = fill(TSLog(base, ["Q"], bucket_size=size, commit_delta=delta), delta * commits)
        before = {name: len(read(base + "/" + name)) for name in files(base, "bucket-")}
        fill(log, delta)
        last = files(base, "bucket-")[-1]
        whole = read(base + "/" + last)
        for cut in range(before.get(last, 0), len(whole) + 1):
            there = "%s-%d" % (base, cut)
            copy(base, there)
            # A cut may leave anything in what was written: here half of it is garbage.
            data = whole[:cut] + b"\x5a" * ((len(whole) - cut) // 2)
            write(there + "/" + last, data)
            log = TSLog(there, commit_delta=2)
            # A file has zeros behind its end, and so may a record.
            is_whole = data + bytes(len(whole) - len(data)) == whole
            stored = delta * (commits + is_whole)
            assert log.stats().seqn == stored, (size, cut, log.stats())
            assert numbers(log.reader(0)) == list(range(1, stored + 1))
            fill(log, 6).commit()
            assert numbers(log.reader(0)) == list(range(1, stored + 7))
            log = TSLog(there)
            assert numbers(log.reader(0)) == list(range(1, stored + 7))


@test
def a_damaged_frame_costs_exactly_its_records(folder):
    fill(TSLog(folder, ["Q"], commit_delta=5, bucket_size=15), 40).close()
    for bit in range(32 + 48, 32 + 2 * 48):
        there = folder + "-%d" % bit
        copy(folder, there)
        path = there + "/bucket-0000000001"
        data = bytearray(read(path))
        data[bit] ^= 0x10
        write(path, data)
        reader = TSLog(there).reader(0)
        for i in range(1, 21):
            assert reader.next() == (i,)
        error = raises(TSLogDamaged, reader.next)
        assert (error.first, error.last) == (21, 25), (bit, error)
        assert numbers(reader) == list(range(26, 41))


@test
def a_frame_whose_count_looks_blank_is_found_behind_damage(folder):
    fill(TSLog(folder, ["Q"], commit_delta=256, bucket_size=1024), 768)
    # 256 is 00 01, and 00 is how a file reads behind its last frame.
    path = folder + "/bucket-0000000000"
    data = bytearray(read(path))
    data[32] ^= 1
    write(path, data)
    reader = TSLog(folder).reader(0)
    error = raises(TSLogDamaged, reader.next)
    assert (error.first, error.last) == (1, 256), error
    assert numbers(reader) == list(range(257, 769))


@test
def a_header_copy_or_a_cursor_place_that_is_torn_does_no_harm(folder):
    log = fill(TSLog(folder, ["Q"], commit_delta=1), 5)
    reader = log.reader(0)
    reader.next()
    reader.commit()
    reader.next()
    reader.commit()
    log.close()
    write(folder + "/header-0", read(folder + "/header-0")[:30])
    places = bytearray(read(folder + "/reader-0"))
    places[20] ^= 1
    write(folder + "/reader-0", places)
    # The second commit went to the first place; the cursor before it is what is left.
    assert TSLog(folder).reader(0).next() == (2,)


@test
def a_format_resolves_to_the_text_of_the_header(folder):
    from tslog._format import Format

    for text, resolved, size in (
        ("<Qff", "<Qff", 16),
        ("!3H 2x 4s", ">3Hxx4s", 12),
        ("<2f0q 0x1f", "<3f", 12),
        ("<2s2s", "<2s2s", 4),
        ("<1s0s p", "<s0sp", 2),
        ("=lLbB", "<iIbB", 10),
        (">c?e d", ">c?ed", 12),
        ("bQ", "<b7xQ", 16),
    ):
        format = Format(text)
        assert (format.text, format.size) == (resolved, size), text
    for text in ("z", "3", "<n", "3 Q"):
        raises(ValueError, Format, text)


@test
def checksums_are_those_of_the_layout(folder):
    from tslog import _bytes

    assert _bytes.crc32c(0, b"123456789") == 0xE3069283
    assert _bytes.crc32c(_bytes.crc32c(0, b"1234"), b"56789") == 0xE3069283
    assert [_bytes.mix(number) for number in (0, 1, 1 << 40)] == [0, 0x514E28B7, 0x11ED5D9B]


def main(names):
    failed = 0
    for number, function in enumerate(TESTS):
        if names and function.__name__ not in names:
            continue
        try:
            function("%s/%d" % (ROOT, number))
        except Exception as error:
            failed += 1
            print("FAILED", function.__name__)
            if hasattr(sys, "print_exception"):
                sys.print_exception(error)
            else:
                import traceback

                traceback.print_exc()
    print("%d tests, %d failed" % (len(TESTS), failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[2:])
