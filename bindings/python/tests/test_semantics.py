"""What the API page leaves open, decided: each sentence that Python can see, by its number."""

import errno
import importlib.util
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tslog import (
    TSLog,
    TSLogClosed,
    TSLogDamaged,
    TSLogDropped,
    TSLogError,
    TSLogExhausted,
    TSLogFull,
    TSLogLocked,
    TSLogLost,
    TSLogMismatch,
    TSLogNotALog,
    TSLogNotFound,
    TSLogObjectsUnsupported,
    TSLogObjectTooBig,
    TSReader,
)


def fill(log, count):
    first = log.stats().seqn + 1
    for i in range(first, first + count):
        assert log.store(i) == i
    return log


def number_log(folder, **options):
    return TSLog(folder, **{"formats": ["Q"], "commit_delta": 1, **options})


def damage(path, offset):
    """Flips a bit."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def bytes_of_the_layout():
    """The layout in plain Python, as the module for MicroPython has it."""
    path = Path(__file__).parents[2] / "micropython" / "tslog" / "_bytes.py"
    spec = importlib.util.spec_from_file_location("layout", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(code, *arguments, **options):
    """A program in another process."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run(command, check=False, **options)


# 1, 2, 3: numbers and commits


def test_1_numbers_start_at_one_and_cursor_zero_means_nothing_read(folder):
    log = number_log(folder)
    assert (log.stats().seqn, log.reader(0).cursor) == (0, 0)
    assert (log.store(9), log.store(9)) == (1, 2)
    reader = log.reader(0)
    reader.next()
    assert reader.cursor == 1


def test_1_behind_the_last_number_there_is_an_error_and_the_log_can_still_be_read(folder):
    last = (1 << 56) - 1
    number_log(folder).close()
    # Two records below the end, in a bucket as it would be there.
    layout = bytes_of_the_layout()
    header = layout.Header.decode((folder / "header-0").read_bytes())
    bucket = layout.bucket_header(header.seed, 0, last - 2, [last - 3])
    seed = layout.bucket_seed(header.seed, 0)
    frame = layout.frame(seed, layout.RECORDS, 1, last - 2, (7).to_bytes(8, "little"))
    (folder / "bucket-0000000000").write_bytes(bucket + frame)
    place = layout.place(header.seed, 0, 0, 0, last - 3)
    (folder / "reader-0").write_bytes(place.ljust(8192, b"\0"))
    log = number_log(folder)
    assert (log.stats().seqn, log.store(8)) == (last - 2, last - 1)
    numbers = []
    with pytest.raises(TSLogExhausted) as caught:
        while True:
            numbers.append(log.store(9))
    assert isinstance(caught.value, OverflowError)
    assert numbers in ([], [last])
    assert list(log.reader(0)) == [(7,), (8,), (9,)][: 2 + len(numbers)]


def test_2_a_record_is_visible_when_the_commit_that_covers_it_is_durable_and_never_before(folder):
    log = number_log(folder, commit_delta=4)
    reader = log.reader(0)
    for round in range(5):
        for waiting in range(3):
            log.store(round)
            assert reader.lag() == 0, waiting
            assert reader.next() is None
        log.store(round)
        assert reader.lag() == 4
        assert len(list(reader)) == 4


def test_2_within_one_commit_all_records_are_there_after_a_cut_or_none(folder):
    log = fill(number_log(folder, commit_delta=4), 4)
    path = folder / "bucket-0000000000"
    begin = len(path.read_bytes().rstrip(b"\0"))
    fill(log, 4)
    whole = path.read_bytes().rstrip(b"\0")
    del log
    seen = set()
    for cut in range(begin, len(whole) + 1):
        path.write_bytes(whole[:cut])
        copy = folder.with_name(f"cut-{cut}")
        shutil.copytree(folder, copy)
        there = number_log(copy)
        values = [value for (value,) in there.reader(0)]
        assert values in (list(range(1, 5)), list(range(1, 9))), cut
        assert there.stats().seqn == len(values)
        seen.add(len(values))
    # The last record ends with zeros, which a file has behind its end as well.
    assert seen == {4, 8}


def test_3_an_explicit_commit_resets_the_count(folder):
    log = number_log(folder, commit_delta=4)
    fill(log, 3)
    log.commit()
    fill(log, 3)
    assert log.uncommitted() == 3
    fill(log, 1)
    assert log.uncommitted() == 0


def test_3_with_a_commit_delta_of_one_each_store_returns_durable(folder):
    log = number_log(folder, commit_delta=1)
    fill(log, 3)
    del log
    assert number_log(folder).stats().seqn == 3


@pytest.mark.parametrize("wrong", [0, -1, 1 << 40])
def test_3_a_commit_delta_below_one_is_refused(folder, wrong):
    with pytest.raises(ValueError, match="commit_delta must be an integer from 1"):
        number_log(folder, commit_delta=wrong)
    assert not folder.exists()


def test_3_a_commit_with_nothing_new_returns_the_last_number(folder):
    log = number_log(folder)
    assert (log.commit(), fill(log, 3).commit(), log.commit()) == (0, 3, 3)


# 4, 5, 6: crashes, close, refused arguments


def test_4_after_a_crash_the_log_is_as_of_the_last_commit_and_its_numbers_go_on(folder):
    fill(number_log(folder, commit_delta=10), 25)
    log = number_log(folder, commit_delta=10)
    assert log.stats().seqn == 20
    assert not log.report.clean
    assert log.store(777) == 21
    log.commit()
    values = [value for (value,) in log.reader(0)]
    assert values == [*range(1, 21), 777]


def test_5_close_commits_is_idempotent_and_releases_the_log(folder):
    log = fill(number_log(folder, commit_delta=10), 5)
    log.close()
    log.close()
    assert log.closed
    with pytest.raises(TSLogClosed) as caught:
        log.store(1)
    assert isinstance(caught.value, ValueError)
    with number_log(folder) as again:
        assert again.stats().seqn == 5
        assert again.report.clean


def test_5_dropping_a_log_without_close_does_not_commit(folder):
    log = fill(number_log(folder, commit_delta=10), 5)
    del log
    assert number_log(folder).stats().seqn == 0


def test_5_leaving_a_with_block_closes_even_after_an_error(folder):
    with pytest.raises(ZeroDivisionError), number_log(folder, commit_delta=10) as log:
        fill(log, 5)
        raise ZeroDivisionError
    assert log.closed
    assert number_log(folder).stats().seqn == 5


def test_6_a_refused_store_uses_no_number_and_leaves_nothing_torn(folder):
    log = TSLog(folder, formats=["QBf"], commit_delta=1)
    log.store(1, 2, 3)
    wrong = [
        (),
        (1, 2),
        (1, 2, 3, 4),
        (1, 2, 3, 4, 5, 6, 7, 8),
        (-1, 2, 3),
        (1, 256, 3),
        (1, 2, "3"),
        (1, 2.0, 3),
        (1, None, 3),
        (None, 2, 3),
        (1, 2, 1e300),
        (1, 2, 10**400),
        (10**30, 2, 3),
        (object(), 2, 3),
    ]
    for arguments in wrong:
        with pytest.raises(TSLogError) as caught:
            log.store(*arguments)
        assert isinstance(caught.value, TypeError | ValueError), arguments
        assert log.stats().seqn == 1
    assert log.store(4, 5, 6) == 2
    assert list(log.reader(0)) == [(1, 2, 3.0), (4, 5, 6.0)]


def test_6_no_refused_call_changes_a_byte_of_the_folder(folder):
    names = {"one": ["Q"], "two": ["<H", "<I"], "raw": [], "object": []}
    for name, formats in names.items():
        serializer = json if name == "object" else None
        log = TSLog(folder / name, formats=formats, record_size=8, serializer=serializer)
        calls = [
            lambda: log.store("1"),
            lambda: log.store_with_tag(2, 1),
            lambda: log.store_with_tag(0, 1 << 70),
            lambda: log.store_with_tag(0, 1, 2),
            lambda: log.store_with_tag(None, 1),
            lambda: log.store_record(bytes(9)),
            lambda: log.store_record(7),
            lambda: log.store_object("much too long"),
            lambda: log.reader(1),
            lambda: log.reader("0"),
            lambda: log.reader(0).seek(2),
            lambda: log.reader(0).batch(0),
            lambda: log.reader(0).next(wait=-1),
        ]
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for number, call in enumerate(calls):
            with pytest.raises(TSLogError) as caught:
                call()
            assert isinstance(caught.value, TypeError | ValueError), (name, number)
            assert (log.stats(), log.uncommitted()) == ((0, 0, 0), 0), (name, number)
        after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert before == after


# 7, 8, 9: buckets and retention


def test_7_a_bucket_is_created_by_the_first_store_after_the_last_one_is_full(folder):
    log = number_log(folder, bucket_size=10)
    assert (list(folder.glob("bucket-*")), log.stats().bucket) == ([], 0)
    fill(log, 10)
    assert len(list(folder.glob("bucket-*"))) == 1
    fill(log, 1)
    assert (len(list(folder.glob("bucket-*"))), log.stats().bucket) == (2, 1)


def test_7_indexes_rise_by_one_and_are_never_used_again(folder):
    met = []
    for round in range(12):
        log = number_log(folder, bucket_size=4, commit_delta=3)
        reader = log.reader(0)
        for _ in range(5):
            fill(log, 2)
            met += [log.stats().bucket] * (not met or met[-1] != log.stats().bucket)
            assert met == sorted(set(met))
        list(reader)
        reader.commit()
        if round % 2:
            log.close()
        del log, reader
    # A bucket with an abandoned tail is left before it is full; a bucket without a commit never was.
    assert all(later - earlier == 1 for earlier, later in itertools.pairwise(met))


def test_8_the_current_bucket_is_never_deleted_and_buckets_go_only_when_one_is_created(folder):
    log = fill(number_log(folder, bucket_size=10), 30)
    reader = log.reader(0)
    list(reader)
    reader.commit()
    log.commit()
    assert len(list(folder.glob("bucket-*"))) == 3
    buckets = lambda: [int(path.name[7:]) for path in sorted(folder.glob("bucket-*"))]
    fill(log, 1)
    # The one that was the newest till now goes when the next one is created.
    assert buckets() == [2, 3]
    list(reader)
    reader.commit()
    log.close()
    log = number_log(folder, bucket_size=10)
    assert log.stats() == (31, 3, 0)
    fill(log, 10)
    assert buckets() == [3, 4]


def test_8_a_deletion_that_fails_is_no_error_and_is_tried_again_at_the_next_roll(folder):
    log = fill(number_log(folder, bucket_size=10), 20)
    reader = log.reader(0)
    for _ in range(10):
        reader.next()
    reader.commit()
    # A file with two names is not the log's own, so that it cannot be deleted for now.
    oldest = folder / "bucket-0000000000"
    os.link(oldest, folder / "backup")
    fill(log, 1)
    assert oldest.exists()
    (folder / "backup").unlink()
    fill(log, 10)
    assert not oldest.exists()
    assert reader.next() == (11,)


def test_8_what_a_deletion_left_over_is_removed_at_open(folder):
    log = fill(number_log(folder, bucket_size=10), 20)
    oldest = folder / "bucket-0000000000"
    kept = oldest.read_bytes()
    reader = log.reader(0)
    for _ in range(15):
        reader.next()
    reader.commit()
    fill(log, 1)
    assert not oldest.exists()
    log.close()
    oldest.write_bytes(kept)
    log = number_log(folder, bucket_size=10)
    assert not oldest.exists()
    assert [value for (value,) in log.reader(0)] == [16, 17, 18, 19, 20, 21]


def test_8_the_cursor_of_a_reader_that_was_never_opened_holds_buckets_back(folder):
    log = fill(number_log(folder, bucket_size=10, nreaders=2), 35)
    reader = log.reader(0)
    list(reader)
    reader.commit()
    fill(log, 10)
    assert log.reader(1).next() == (1,)


def test_8_what_was_read_and_not_committed_is_kept(folder):
    log = fill(number_log(folder, bucket_size=10), 35)
    list(log.reader(0))
    fill(log, 30)
    assert log.reader(0).next() == (1,)


def test_9_a_full_log_refuses_uses_no_number_and_works_again_once_it_is_drained(folder):
    log = number_log(folder, bucket_size=10, max_buckets=3)
    fill(log, 30)
    for _ in range(3):
        with pytest.raises(TSLogFull) as caught:
            log.store(31)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(folder)
    assert log.stats().seqn == 30
    reader = log.reader(0)
    assert [reader.next() for _ in range(10)] == [(i,) for i in range(1, 11)]
    reader.commit()
    assert log.store(31) == 31
    assert len(list(reader)) == 21


def test_9_drop_oldest_gives_up_the_oldest_bucket_and_tells_each_reader_once_what_it_lost(folder):
    log = number_log(folder, bucket_size=10, max_buckets=3, policy="drop_oldest", nreaders=2)
    fill(log, 35)
    for n in range(2):
        reader = log.reader(n)
        with pytest.raises(TSLogDropped) as caught:
            reader.next()
        assert (caught.value.first, caught.value.last) == (1, 10)
        assert "1 to 10" in str(caught.value)
        assert [value for (value,) in reader] == list(range(11, 36))
    with pytest.raises(ValueError, match="policy must be 'error' or 'drop_oldest'"):
        number_log(folder, policy="drop")


def test_9_an_open_reader_is_told_of_a_drop_once_and_goes_on_behind_it(folder):
    log = number_log(folder, bucket_size=10, max_buckets=2, policy="drop_oldest")
    fill(log, 15)
    reader = log.reader(0)
    assert reader.next() == (1,)
    fill(log, 30)
    lost, values = [], [1]
    while True:
        try:
            for (value,) in reader:
                values.append(value)
            break
        except TSLogDropped as dropped:
            lost += range(dropped.first, dropped.last + 1)
    assert sorted(lost + values) == list(range(1, 46))
    assert lost
    assert reader.commit() == 45


def test_9_a_reader_can_commit_in_a_full_log(folder):
    log = fill(number_log(folder, bucket_size=5, max_buckets=2, nreaders=2), 10)
    with pytest.raises(TSLogFull):
        log.store(11)
    for n in range(2):
        reader = log.reader(n)
        assert len(list(reader)) == 10
        assert reader.commit() == 10
    assert log.store(11) == 11


# 10 to 14: readers


@pytest.mark.parametrize("wrong", [-1, 2, 4, 1 << 65])
def test_10_a_reader_outside_of_the_declared_ones_raises(folder, wrong):
    with pytest.raises(ValueError, match="n must be an integer from 0 to 1"):
        number_log(folder, nreaders=2).reader(wrong)


def test_10_a_second_handle_starts_at_the_committed_cursor_and_the_older_one_raises(folder):
    # Five records in one frame, so that the older handle has the next ones in memory.
    log = fill(number_log(folder, commit_delta=5), 5)
    old = log.reader(0)
    old.next()
    old.commit()
    old.next()
    new = log.reader(0)
    for call in (old.next, old.peek, old.commit, old.next_record, lambda: old.batch(3)):
        with pytest.raises(TSLogClosed):
            call()
    assert new.next() == (2,)


def test_11_close_of_a_reader_does_not_commit_and_a_cursor_never_moves_back_by_itself(folder):
    log = fill(number_log(folder), 5)
    reader = log.reader(0)
    reader.next()
    reader.commit()
    list(reader)
    reader.close()
    assert log.reader(0).next() == (2,)
    with log.reader(0) as reader:
        list(reader)
    assert log.reader(0).next() == (2,)


def test_11_an_explicit_seek_may_move_a_cursor_back(folder):
    log = fill(number_log(folder), 5)
    reader = log.reader(0)
    list(reader)
    reader.commit()
    reader.seek(2)
    assert reader.next() == (2,)
    assert reader.commit() == 2
    assert log.reader(0).next() == (3,)
    for wrong in (0, 7):
        with pytest.raises(ValueError, match="seqn|number"):
            log.reader(0).seek(wrong)


def test_12_lag_counts_from_the_least_cursor_in_memory_of_all_declared_readers(folder):
    log = fill(number_log(folder, nreaders=2, commit_delta=2), 9)
    assert log.stats().lag == 9
    readers = [log.reader(n) for n in range(2)]
    for count, reader in zip((4, 6), readers, strict=True):
        for _ in range(count):
            reader.next()
    assert log.stats().lag == 5
    readers[0].batch(4)
    assert log.stats().lag == 3
    readers[1].commit()
    readers[1].close()
    assert log.reader(1).cursor == 6


def test_13_a_damaged_record_gives_one_error_with_the_exact_range_and_reading_goes_on(folder):
    fill(number_log(folder, commit_delta=5), 20).close()
    # A frame of five records has 48 bytes behind 32 bytes of header: the second is hit.
    damage(folder / "bucket-0000000000", 32 + 48 + 20)
    log = number_log(folder)
    reader = log.reader(0)
    assert [reader.next() for _ in range(5)] == [(i,) for i in range(1, 6)]
    with pytest.raises(TSLogDamaged) as caught:
        reader.next()
    assert (caught.value.first, caught.value.last) == (6, 10)
    assert [value for (value,) in reader] == list(range(11, 21))
    assert reader.commit() == 20


def test_13_a_batch_ends_in_front_of_damage_and_the_next_one_names_it(folder):
    fill(number_log(folder, commit_delta=5), 20).close()
    damage(folder / "bucket-0000000000", 32 + 48 + 20)
    reader = number_log(folder).reader(0)
    batch = reader.batch(100)
    assert (batch.first, batch.last, len(batch)) == (1, 5, 5)
    with pytest.raises(TSLogDamaged) as caught:
        reader.batch(100)
    assert (caught.value.first, caught.value.last) == (6, 10)
    batch = reader.batch(100)
    assert (batch.first, batch.last) == (11, 20)
    assert (len(reader.batch(5)), reader.batch(5).first) == (0, 21)


def test_13_a_cursor_beyond_the_log_is_clamped_and_the_loss_is_reported(folder):
    log = fill(number_log(folder, bucket_size=10), 10)
    kept = (folder / "bucket-0000000000").read_bytes()
    fill(log, 15)
    reader = log.reader(0)
    list(reader)
    reader.commit()
    log.close()
    for path in folder.glob("bucket-*"):
        path.unlink()
    (folder / "bucket-0000000000").write_bytes(kept)
    log = number_log(folder, bucket_size=10)
    assert log.report.lost == (11, 25)
    assert log.store(7) == 26
    reader = log.reader(0)
    assert reader.cursor == 25
    assert list(reader) == [(7,)]


def test_13_a_cursor_before_the_log_gives_one_error_with_what_is_gone(folder):
    log = fill(number_log(folder, bucket_size=10), 35)
    reader = log.reader(0)
    for _ in range(5):
        reader.next()
    reader.commit()
    log.close()
    for index in (0, 1):
        (folder / f"bucket-000000000{index}").unlink()
    log = number_log(folder, bucket_size=10)
    reader = log.reader(0)
    with pytest.raises(TSLogLost) as caught:
        reader.next()
    assert (caught.value.first, caught.value.last) == (6, 20)
    assert [value for (value,) in reader] == list(range(21, 36))


@pytest.mark.parametrize("seed", range(8))
def test_13_whatever_is_damaged_the_log_opens_and_each_number_is_read_or_named_once(folder, seed):
    draw = random.Random(seed)
    payloads = {}
    for round in range(40):
        there = folder.with_name(f"{round}")
        with TSLog(there, formats=["Q8s"], bucket_size=7, commit_delta=draw.randint(1, 9)) as log:
            for number in range(1, draw.randint(2, 60)):
                payloads[number] = random.Random(number).randbytes(8)
                log.store(number, payloads[number])
            last = log.stats().seqn
        for path in draw.choices(sorted(there.glob("bucket-*")), k=draw.randint(1, 3)):
            data = bytearray(path.read_bytes())
            for _ in range(draw.randint(1, 4)):
                data[draw.randrange(len(data.rstrip(b"\0")))] ^= 1 << draw.randrange(8)
            path.write_bytes(data[: draw.randrange(len(data))] if draw.random() < 0.2 else data)
        log = TSLog(there, bucket_size=7)
        reader, met = log.reader(0), []
        while True:
            try:
                record = reader.next()
            except TSLogLost as lost:
                met += range(lost.first, lost.last + 1)
                continue
            if record is None:
                break
            assert record[1] == payloads[record[0]]
            met.append(record[0])
        assert met == list(range(1, log.stats().seqn + 1)), round
        assert met == list(range(1, len(met) + 1))
        assert len(met) <= last
        assert log.store(1, b"") == len(met) + 1


def test_14_after_a_crash_a_reader_sees_again_what_it_read_since_its_commit(folder):
    log = fill(number_log(folder), 10)
    reader = log.reader(0)
    for _ in range(4):
        reader.next()
    reader.commit()
    for _ in range(3):
        reader.next()
    del reader, log
    assert [value for (value,) in number_log(folder).reader(0)] == list(range(5, 11))


def test_14_a_committed_record_is_never_missed_and_comes_in_order_whenever_the_reader_ends(folder):
    draw = random.Random(14)
    seen, acked, stored = [], 0, 0
    while stored < 500:
        log = number_log(folder, commit_delta=draw.randint(1, 5), bucket_size=16)
        assert log.stats().seqn <= stored
        stored = log.stats().seqn
        reader = log.reader(0)
        assert reader.cursor == acked
        for _ in range(draw.randint(1, 60)):
            stored = log.store(stored + 1)
        for _ in range(draw.randint(0, 70)):
            record = reader.next()
            if record is None:
                break
            seen.append(record[0])
            if draw.random() < 0.1:
                acked = reader.commit()
                assert acked == record[0]
        del log, reader
    assert set(range(1, acked + 1)) <= set(seen)
    # In order, but for the steps back to what was acknowledged.
    assert all(b == a + 1 or b <= a for a, b in itertools.pairwise(seen))


# 15 to 19: formats, raw records, reopening


def test_15_the_header_keeps_the_resolved_layout(folder):
    with TSLog(folder, formats=["bQ", "!3H 2x4s"]) as log:
        assert log.formats == ["<b7xQ", ">3Hxx4s"]
    with TSLog(folder, formats=["<b7xQ", ">HHH2x4s"]) as log:
        assert log.formats == ["<b7xQ", ">3Hxx4s"]


@pytest.mark.parametrize("wrong", ["z", "3", "<n", "Q f\x00", "99999999999Q"])
def test_15_a_format_that_struct_does_not_know_is_refused(folder, wrong):
    with pytest.raises(ValueError, match="bad format at character"):
        TSLog(folder, formats=[wrong])
    assert not folder.exists()


@pytest.mark.parametrize("wrong", ["Qff", b"Qff", 5, [5], [b"Qff"]])
def test_15_formats_must_be_a_list_of_texts(folder, wrong):
    with pytest.raises(TypeError, match=r"formats must be a list of texts such as \['Qff'\]"):
        TSLog(folder, formats=wrong)


def test_16_with_formats_record_size_is_the_largest_and_the_tag(folder):
    assert TSLog(folder, formats=["B", "Q"], record_size=500).record_size == 9
    assert TSLog(folder.with_name("one"), formats=["Q"], record_size=500).record_size == 8


def test_16_there_are_at_most_255_formats(folder):
    log = TSLog(folder, formats=["B"] * 255, commit_delta=1)
    log.store_with_tag(254, 7)
    assert log.reader(0).next() == (254, (7,))
    with pytest.raises(ValueError, match="at most 255 formats, got 256"):
        TSLog(folder.with_name("more"), formats=["B"] * 256)


def test_17_longer_data_raises_and_nothing_is_cut(folder):
    log = TSLog(folder, record_size=4)
    with pytest.raises(ValueError, match="at most 4 bytes, got 5"):
        log.store_record(b"12345")
    with pytest.raises(TypeError, match="data must be bytes, got 'text'"):
        log.store_record("text")
    assert log.stats().seqn == 0


def test_17_next_on_a_log_without_formats_raises_and_does_not_move_the_cursor(folder):
    log = TSLog(folder, record_size=4, commit_delta=1)
    log.store_record(b"ab")
    reader = log.reader(0)
    for call in (reader.next, reader.peek, lambda: next(reader)):
        with pytest.raises(TypeError, match="formats or a serializer"):
            call()
    assert reader.next_record() == b"ab\0\0"


def test_17_in_a_log_with_several_formats_the_raw_view_includes_the_tag(folder):
    log = TSLog(folder, formats=["<H", "<I"], commit_delta=1)
    log.store_with_tag(1, 0x01020304)
    log.store_with_tag(0, 0x0506)
    reader = log.reader(0)
    assert reader.next_record() == b"\x01\x04\x03\x02\x01"
    assert reader.next_record() == b"\x00\x06\x05\0\0"


def test_17_a_record_with_a_tag_that_no_format_has_is_named_and_reading_goes_on(folder):
    log = TSLog(folder, formats=["<H", "<I"], commit_delta=1)
    log.store_record(b"\x09abcd")
    log.store_with_tag(0, 1)
    reader = log.reader(0)
    with pytest.raises(ValueError, match="expected a tag from 0 to 1, got 9"):
        reader.next()
    assert reader.next() == (0, (1,))


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"formats": ["I"]}, "format 0 '<I' was asked for.*with '<Q'"),
        ({"formats": ["Q", "Q"]}, "2 was asked for.*with 1"),
        ({"formats": []}, "0 was asked for.*with 1"),
        ({"formats": ["Q"], "bucket_size": 99}, "99 was asked for.*with 50"),
    ],
)
def test_18_reopening_with_another_shape_names_both_values_and_destroys_nothing(
    folder, options, values
):
    fill(number_log(folder, bucket_size=50), 10).close()
    with pytest.raises(TSLogMismatch, match=values) as caught:
        TSLog(folder, **options)
    assert isinstance(caught.value, ValueError)
    assert len(list(number_log(folder).reader(0))) == 10


def test_18_another_record_size_of_raw_records_is_refused(folder):
    TSLog(folder, record_size=16).close()
    with pytest.raises(TSLogMismatch, match="record_size 32 was asked for.*with 16"):
        TSLog(folder, record_size=32)


def test_18_commit_delta_and_nreaders_may_change(folder):
    log = fill(number_log(folder, nreaders=1, bucket_size=10), 35)
    reader = log.reader(0)
    list(reader)
    reader.commit()
    log.close()
    log = number_log(folder, nreaders=3, commit_delta=7, bucket_size=10)
    assert log.reader(0).next() is None
    assert [log.reader(n).next() for n in (1, 2)] == [(1,), (1,)]
    log.close()
    log = number_log(folder, nreaders=1, bucket_size=10)
    fill(log, 10)
    assert len(list(folder.glob("bucket-*"))) == 2


def test_18_opening_without_saying_the_shape_takes_it_from_the_header(folder):
    options = {"bucket_size": 50, "nreaders": 3, "fields": "level:m"}
    with fill(number_log(folder, **options), 5) as log:
        reader = log.reader(2)
        reader.next()
        reader.commit()
    with TSLog(folder, nreaders=3) as log:
        assert (log.formats, log.fields, log.bucket_size) == (["<Q"], ["level:m"], 50)
    with TSLog.open(folder) as log:
        assert (log.formats, log.nreaders, log.folder) == (["<Q"], 3, folder)
        assert log.reader(2).next() == (2,)


def test_18_open_makes_nothing(folder):
    with pytest.raises(TSLogNotFound) as caught:
        TSLog.open(folder)
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.errno == errno.ENOENT
    assert not folder.exists()


def test_19_recreate_restarts_at_one_with_cursors_at_zero_and_keeps_foreign_files(folder):
    log = fill(number_log(folder, bucket_size=10), 35)
    reader = log.reader(0)
    list(reader)
    reader.commit()
    log.close()
    (folder / "notes.txt").write_text("mine")
    (folder / "bucket-x").write_text("mine too")
    log = number_log(folder, bucket_size=10, recreate=True)
    assert log.stats() == (0, 0, 0)
    reader = log.reader(0)
    assert (reader.next(), reader.commit()) == (None, 0)
    fill(log, 25)
    assert [value for (value,) in reader] == list(range(1, 26))
    assert reader.commit() == 25
    log.close()
    for _ in range(3):
        log = number_log(folder, bucket_size=10, recreate=True)
        assert fill(log, 3).reader(0).next() == (1,)
        log.close()
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "bucket-x").read_text() == "mine too"


def test_19_recreate_is_refused_while_another_handle_has_the_log(folder):
    log = fill(number_log(folder), 5)
    with pytest.raises(TSLogLocked):
        number_log(folder, recreate=True)
    assert len(list(log.reader(0))) == 5


def test_19_a_missing_folder_is_created_and_its_parents_too(folder):
    with number_log(folder / "a" / "b") as log:
        log.store(1)
    assert (folder / "a" / "b").is_dir()


def test_19_what_is_not_a_log_is_refused_and_left_alone(folder):
    folder.mkdir()
    for name in ("header-0", "header-1"):
        (folder / name).write_bytes(b"something else" * 100)
    with pytest.raises(TSLogNotALog):
        number_log(folder)
    assert (folder / "header-0").read_bytes().startswith(b"something else")


# 20, 21: threads and processes


def test_20_several_threads_store_through_one_handle_while_readers_read(folder):
    log = TSLog(folder, formats=["BQ"], commit_delta=5, bucket_size=100, nreaders=2)
    count, threads = 2000, 4
    seen = [[] for _ in range(2)]

    def write(who):
        numbers = [log.store(who, i) for i in range(count)]
        assert numbers == sorted(numbers)

    def read(n):
        reader = log.reader(n)
        while len(seen[n]) < count * threads:
            seen[n].append(reader.next(wait=1))
            if len(seen[n]) % 50 == 0:
                reader.commit()
                assert log.stats().lag >= 0

    workers = [threading.Thread(target=write, args=(who,)) for who in range(threads)]
    readers = [threading.Thread(target=read, args=(n,)) for n in range(2)]
    for thread in workers + readers:
        thread.start()
    for thread in workers:
        thread.join(60)
    assert log.commit() == count * threads
    for thread in readers:
        thread.join(60)
    assert seen[0] == seen[1]
    for who in range(threads):
        assert [i for other, i in seen[0] if other == who] == list(range(count))


def test_20_threads_that_share_one_reader_get_each_record_once(folder):
    log = fill(number_log(folder, commit_delta=10), 5000)
    reader, parts = log.reader(0), [[] for _ in range(4)]
    threads = [threading.Thread(target=part.extend, args=(reader,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(value for part in parts for (value,) in part) == list(range(1, 5001))


def test_20_all_methods_may_be_called_from_several_threads_at_once(folder):
    log = TSLog(folder, formats=["QQ"], commit_delta=7, bucket_size=50, nreaders=2)
    readers = [log.reader(n) for n in range(2)]
    failed = []

    def act(seed):
        draw = random.Random(seed)
        for _ in range(1500):
            reader = draw.choice(readers)
            calls = [
                lambda: log.store(seed, seed),
                lambda: log.store_record(bytes(16)),
                log.commit,
                log.stats,
                log.uncommitted,
                lambda: log.report,
                reader.next,
                reader.peek,
                reader.next_record,
                lambda: reader.batch(5),
                reader.commit,
                reader.uncommitted,
                reader.lag,
                lambda: reader.cursor,
                lambda: reader.seek(1),
            ]
            if draw.random() < 0.01:
                n = draw.randrange(2)
                calls = [lambda: readers.__setitem__(n, log.reader(n))]
            try:
                draw.choice(calls)()
            except TSLogClosed:
                pass  # Another thread has taken the reader over.
            except Exception as error:
                failed.append(error)
                raise

    threads = [threading.Thread(target=act, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed
    last = log.commit()
    log.close()
    for n in range(2):
        reader = TSReader.open(folder, n)
        begin = reader.cursor
        assert len(list(reader)) == last - begin


def test_20_other_threads_run_while_a_reader_waits(folder):
    log = number_log(folder)
    reader = log.reader(0)
    got = []
    thread = threading.Thread(target=lambda: got.append(reader.next(wait=1)))
    thread.start()
    log.store(42)
    thread.join(60)
    assert got == [(42,)]


def test_21_a_second_writer_gets_a_locked_error_that_names_the_holder(folder):
    log = fill(number_log(folder), 1)
    with pytest.raises(TSLogLocked) as caught:
        number_log(folder)
    assert caught.value.pid == os.getpid()
    assert str(os.getpid()) in str(caught.value)
    assert isinstance(caught.value, BlockingIOError)
    code = "import sys, tslog; tslog.TSLog(sys.argv[1], formats=['Q'])"
    other = run(code, folder)
    assert f"locked by process {os.getpid()}" in other.stderr
    log.close()
    assert run(code, folder).stderr == ""


def test_21_a_reader_in_another_process_sees_durable_records_only_and_has_its_own_lock(folder):
    log = fill(number_log(folder, commit_delta=4, nreaders=2), 10)
    code = """
import sys, tslog
with tslog.TSReader.open(sys.argv[1], 1) as reader:
    print(*[value for (value,) in reader], flush=True)
    reader.commit()
    sys.stdin.readline()
    print(reader.next(wait=1), flush=True)
"""
    command = [sys.executable, "-c", code, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline().split() == [str(i) for i in range(1, 9)]
        with pytest.raises(TSLogLocked):
            log.reader(1)
        with pytest.raises(TSLogLocked):
            TSReader.open(folder, 1)
        assert log.reader(0).next() == (1,)
        other.stdin.write("\n")
        other.stdin.flush()
        fill(log, 2)
        assert other.stdout.readline() == "(9,)\n"
        assert other.wait(60) == 0
    assert log.reader(1).next() == (9,)


# Later additions


def test_objects_need_a_serializer_and_come_back_exactly_as_stored(folder):
    objects = [{"a": [1, 2.5, None]}, "text", "", 0, [], {"n\u00e4me": "\u20ac"}]
    log = TSLog(folder, serializer=json, commit_delta=1)
    assert [log.store_object(each) for each in objects] == [1, 2, 3, 4, 5, 6]
    assert list(log.reader(0)) == objects
    log.close()
    log = TSLog(folder, serializer=json)
    reader = log.reader(0)
    assert reader.peek() == objects[0]
    assert reader.next(wait=5) == objects[0]
    assert reader.next_record().rstrip(b"\0") == b'"text"'


class Bytes:
    """A serializer of bytes that end as they like."""

    @staticmethod
    def dumps(value):
        return value

    @staticmethod
    def loads(data):
        assert isinstance(data, bytes)
        return data


class Text:
    """A serializer of text that takes no bytes."""

    @staticmethod
    def dumps(value):
        return ",".join(value)

    @staticmethod
    def loads(text):
        return text.split(",")


def test_objects_of_bytes_come_back_with_their_zeros(folder):
    objects = [b"", b"\0", b"\1", b"\0\1\0", b"a\0", b"abcd\1", b"abcdefgh", b"\0\0\0\0\0\0\0"]
    log = TSLog(folder, record_size=8, serializer=Bytes, commit_delta=1)
    for each in objects:
        log.store_object(each)
    assert list(log.reader(0)) == objects


def test_a_serializer_of_text_gets_text_in_a_later_session_too(folder):
    with TSLog(folder, serializer=Text, commit_delta=1) as log:
        log.store_object(["a", "b"])
    assert TSLog(folder, serializer=Text).reader(0).next() == ["a", "b"]


def test_store_object_raises_the_two_documented_errors(folder):
    log = TSLog(folder, record_size=8, serializer=json)
    with pytest.raises(TSLogObjectTooBig, match="at most 8 bytes .record_size., got 9") as caught:
        log.store_object("1234567")
    assert isinstance(caught.value, ValueError)
    assert log.store_object("123456") == 1
    with pytest.raises(TypeError, match="not JSON serializable"):
        log.store_object(object())
    assert log.stats().seqn == 1
    for other in ({"record_size": 8}, {"formats": ["Q"]}):
        plain = TSLog(folder.with_name(f"plain{len(other)}{list(other)[0]}"), **other)
        with pytest.raises(TSLogObjectsUnsupported, match="serializer") as caught:
            plain.store_object(1)
        assert isinstance(caught.value, TypeError)
    with pytest.raises(ValueError, match="expected formats or a serializer, got both"):
        TSLog(folder.with_name("both"), formats=["Q"], serializer=json)
    with pytest.raises(TypeError, match="expected a serializer with dumps and loads"):
        TSLog(folder.with_name("none"), serializer=object())


def test_wait_looks_again_until_there_is_a_record(folder):
    log = number_log(folder)
    reader = log.reader(0)
    calls = [reader.peek, reader.next, lambda wait: reader.next_record(True, wait)]
    for call in calls:
        timer = threading.Timer(0.05, log.store, (7,))
        timer.start()
        assert call(wait=10) is not None
        timer.join()
    for wrong in (-1, 1.5, "1", True, False, None):
        with pytest.raises(TSLogError, match="wait must be an integer"):
            reader.next(wait=wrong)


def test_a_wait_ends_with_ctrl_c_and_with_the_close_of_the_log(folder):
    code = """
import signal, sys, threading, tslog
reader = tslog.TSLog(sys.argv[1], formats=["Q"]).reader(0)
try:
    print("ready", flush=True)
    reader.next(wait=1000000)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "ready\n"
        other.send_signal(2)
        assert other.stdout.readline() == "interrupted\n"
    log = number_log(folder)
    reader = log.reader(0)
    timer = threading.Timer(0.05, log.close)
    timer.start()
    with pytest.raises(TSLogClosed):
        reader.next(wait=1)
    timer.join()


def test_peek_and_advance_false_leave_the_cursor_where_it_is(folder):
    log = fill(number_log(folder), 3)
    reader = log.reader(0)
    assert reader.peek() == reader.peek() == (1,)
    assert reader.next_record(advance=False) == reader.next_record(False) == b"\1" + bytes(7)
    assert (reader.cursor, reader.uncommitted(), reader.commit()) == (0, 0, 0)
    assert reader.next() == (1,)


def test_uncommitted_counts_what_is_stored_or_read_and_not_committed(folder):
    log = fill(number_log(folder, commit_delta=10), 5)
    assert log.uncommitted() == 5
    log.commit()
    assert log.uncommitted() == 0
    reader = log.reader(0)
    reader.next()
    reader.next()
    assert reader.uncommitted() == 2
    reader.commit()
    assert reader.uncommitted() == 0
