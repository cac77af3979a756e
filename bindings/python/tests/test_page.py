"""Every sentence of the documented API, in its order, as a test named after it."""

import inspect
import struct
import threading

import pytest
import tslog as package
from tslog import TSLog, TSLogError, TSReader, tslog


def store_some(log, count, first=1):
    for i in range(first, first + count):
        assert log.store(i, i / 2, -i) == i


def test_programs_say_from_tslog_import_tslog_or_import_the_class(folder):
    assert tslog.TSLog is TSLog is package.TSLog is package.Log
    with tslog.TSLog(str(folder), formats=["Qff"]) as log:
        assert isinstance(log, TSLog)


def test_a_separate_thread_can_read_while_another_one_stores(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=7, bucket_size=50)
    reader, count, got = log.reader(0), 5000, []

    def read():
        while len(got) < count:
            values = reader.next(wait=1)
            got.append(values[0])
            if len(got) % 10 == 0:
                reader.commit()

    thread = threading.Thread(target=read)
    thread.start()
    for i in range(count):
        log.store(i)
    log.commit()
    thread.join(60)
    assert got == list(range(count))


def test_sequence_numbers_increase_by_one_and_full_buckets_are_followed_by_new_ones(folder):
    log = TSLog(folder, formats=["Q"], bucket_size=10)
    for i in range(1, 36):
        assert log.store(i) == i
        assert log.stats().bucket == (i - 1) // 10


def test_all_records_up_to_a_commit_are_stored_and_readers_restart_from_their_commit(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=100)
    for i in range(10):
        log.store(i)
    assert log.commit() == 10
    reader = log.reader(0)
    assert [reader.next() for _ in range(4)] == [(0,), (1,), (2,), (3,)]
    assert reader.commit() == 4
    assert reader.next() == (4,)
    log.store(10)
    del reader, log  # What was not committed goes with the power.
    log = TSLog(folder, formats=["Q"], commit_delta=100)
    assert log.stats() == (10, 0, 6)
    assert log.reader(0).next() == (4,)


def test_buckets_that_all_readers_have_consumed_go_when_a_new_one_is_created(folder):
    log = TSLog(folder, formats=["Q"], bucket_size=10, nreaders=2, commit_delta=1)
    for i in range(25):
        log.store(i)
    readers = [log.reader(n) for n in range(2)]
    for reader in readers:
        assert len(list(reader)) == 25
    readers[0].commit()

    def buckets():
        return sorted(int(path.name[7:]) for path in folder.glob("bucket-*"))

    for i in range(25, 31):
        log.store(i)
    assert buckets() == [0, 1, 2, 3]
    readers[1].commit()
    assert buckets() == [0, 1, 2, 3]
    for i in range(31, 41):
        log.store(i)
    assert buckets() == [2, 3, 4]


def test_the_parameters_have_the_documented_names_order_and_defaults():
    parameters = list(inspect.signature(TSLog).parameters.values())
    assert [(p.name, p.default) for p in parameters[:7]] == [
        ("folder", inspect.Parameter.empty),
        ("formats", []),
        ("record_size", 128),
        ("bucket_size", 1024),
        ("commit_delta", 16),
        ("nreaders", 1),
        ("recreate", False),
    ]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[7:])


def test_parameters_can_be_given_by_position_and_by_name(folder):
    with TSLog(folder, ["Qff"], 1, 64, 4, 2, False) as log:
        assert (log.formats, log.bucket_size, log.nreaders) == (["<Qff"], 64, 2)
        store_some(log, 4)
        assert log.uncommitted() == 0
    options = {"record_size": 8, "bucket_size": 5, "commit_delta": 3, "nreaders": 4}
    with TSLog(folder=folder, formats=[], recreate=True, **options) as log:
        assert (log.formats, log.record_size, log.bucket_size) == ([], 8, 5)
        assert log.store_record(data=b"a") == 1
        assert log.reader(n=3).next_record(advance=True, wait=0) is None


def test_the_defaults_are_records_of_128_bytes_1024_a_bucket_a_commit_each_16_and_one_reader(folder):
    log = TSLog(folder)
    assert (log.record_size, log.bucket_size, log.nreaders, log.formats) == (128, 1024, 1, [])
    for i in range(1, 33):
        log.store_record(b"x")
        assert log.uncommitted() == i % 16


@pytest.mark.parametrize("text", ["Qff", "bQ", "<bQ", "10s2x?", "!3H", "l", "@nN"])
def test_formats_are_converted_to_a_record_size_by_struct(folder, text):
    assert TSLog(folder, formats=[text]).record_size == struct.calcsize(text)


def test_commit_delta_is_the_number_of_records_after_which_a_snapshot_is_taken(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=5)
    reader = log.reader(0)
    for i in range(4):
        log.store(i)
        assert reader.next() is None
    log.store(4)
    assert reader.next() == (0,)


def test_at_most_four_readers_can_be_created(folder):
    log = TSLog(folder, formats=["Q"], nreaders=4, commit_delta=1)
    log.store(7)
    assert [log.reader(n).next() for n in range(4)] == [(7,)] * 4
    log.close()
    for wrong in (0, 5, -1):
        with pytest.raises(ValueError, match="nreaders must be an integer from 1 to 4"):
            TSLog(folder, formats=["Q"], nreaders=wrong)


def test_recreate_begins_an_empty_log_or_truncates_an_existing_one(folder):
    with TSLog(folder, formats=["Q"], recreate=True) as log:
        assert log.store(1) == 1
    with TSLog(folder, formats=["Q"]) as log:
        assert log.stats().seqn == 1
    with TSLog(folder, formats=["Qff"], recreate=True) as log:
        assert log.stats() == (0, 0, 0)
        assert log.reader(0).next() is None
        assert log.store(1, 2, 3) == 1


def test_store_follows_the_first_format_and_returns_the_number(folder):
    log = TSLog(folder, formats=["Qff"], commit_delta=1)
    assert [log.store(9, 0.5, -0.5), log.store(10, 1, 2)] == [1, 2]
    reader = log.reader(0)
    assert (reader.next(), reader.next()) == ((9, 0.5, -0.5), (10, 1.0, 2.0))


@pytest.mark.parametrize("formats", [[], ["Qff", "Qiii"]])
def test_store_raises_if_the_formats_are_zero_or_more_than_one(folder, formats):
    log = TSLog(folder, formats=formats)
    with pytest.raises(TSLogError, match="needs a log with one format") as caught:
        log.store(1, 2, 3)
    assert isinstance(caught.value, TypeError)
    assert log.stats().seqn == 0


def test_store_with_tag_selects_the_format_and_returns_the_number(folder):
    log = TSLog(folder, formats=["Qff", "Qiii"], commit_delta=1)
    assert log.store_with_tag(0, 100, 1.0, 2.0) == 1
    assert log.store_with_tag(1, 100, 1, 2, 3) == 2
    reader = log.reader(0)
    assert reader.next() == (0, (100, 1.0, 2.0))
    assert reader.next() == (1, (100, 1, 2, 3))


def test_a_tag_is_a_non_negative_integer_that_selects_a_format(folder):
    log = TSLog(folder, formats=["B", "H"])
    for wrong in (-1, 2, 1 << 70):
        with pytest.raises(ValueError, match="tag must be an integer from 0 to 1"):
            log.store_with_tag(wrong, 1)
    with pytest.raises(TypeError, match="tag must be an integer from 0 to 1"):
        log.store_with_tag("0", 1)
    assert log.stats().seqn == 0


@pytest.mark.parametrize("formats", [[], ["Qff"]])
def test_store_with_tag_raises_if_there_are_fewer_than_two_formats(folder, formats):
    with pytest.raises(TSLogError, match="two formats or more"):
        TSLog(folder, formats=formats).store_with_tag(0, 1, 2, 3)


def test_store_record_stores_up_to_record_size_and_returns_the_number(folder):
    log = TSLog(folder, record_size=4, commit_delta=1)
    for number, data in enumerate([b"abcd", bytearray(b"ab"), memoryview(b"xyz"), b""], 1):
        assert log.store_record(data) == number
    reader = log.reader(0)
    records = [reader.next_record() for _ in range(4)]
    assert records == [b"abcd", b"ab\0\0", b"xyz\0", b"\0\0\0\0"]


def test_commit_saves_everything_and_returns_the_last_number(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1000)
    assert log.commit() == 0
    for i in range(20):
        log.store(i)
    assert (log.uncommitted(), log.commit(), log.uncommitted()) == (20, 20, 0)
    assert log.commit() == 20


def test_stats_is_a_tuple_of_number_bucket_and_lag(folder):
    log = TSLog(folder, formats=["Q"], bucket_size=10, nreaders=2, commit_delta=1)
    stats = log.stats()
    assert stats == (0, 0, 0)
    assert isinstance(stats, tuple)
    for i in range(25):
        log.store(i)
    reader = log.reader(1)
    for _ in range(5):
        reader.next()
    seqn, bucket, lag = log.stats()
    assert (seqn, bucket, lag) == (25, 2, 25)
    other = log.reader(0)
    for _ in range(7):
        other.next()
    stats = log.stats()
    assert (stats[0], stats[1], stats[2]) == (stats.seqn, stats.bucket, stats.lag) == (25, 2, 20)


def test_reader_gives_a_tsreader_of_that_number(folder):
    log = TSLog(folder, formats=["Q"], nreaders=4)
    for n in range(4):
        reader = log.reader(n)
        assert isinstance(reader, TSReader)
        assert reader.n == n


def test_close_closes_the_log(folder):
    log = TSLog(folder, formats=["Q"])
    reader = log.reader(0)
    log.store(1)
    assert log.close() is None
    calls = [
        lambda: log.store(1),
        lambda: log.store_record(b""),
        log.commit,
        log.stats,
        log.uncommitted,
        lambda: log.reader(0),
        reader.next,
        reader.commit,
    ]
    for call in calls:
        with pytest.raises(package.TSLogClosed):
            call()
    assert TSLog(folder, formats=["Q"]).stats().seqn == 1


def test_a_reader_can_be_made_by_its_class_with_the_documented_parameters(folder):
    log = TSLog(folder, formats=["Qff"], commit_delta=1)
    log.store(1, 2, 3)
    assert list(inspect.signature(TSReader).parameters) == ["tslog", "n", "format"]
    assert TSReader(log, 0).next() == (1, 2.0, 3.0)
    assert TSReader(tslog=log, n=0, format="Qff").next() == (1, 2.0, 3.0)
    with pytest.raises(package.TSLogMismatch, match="'Qii'"):
        TSReader(log, 0, "Qii")


def test_next_returns_none_until_the_writer_commits(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1000)
    reader = log.reader(0)
    log.store(5)
    assert reader.next() is None
    log.commit()
    assert reader.next() == (5,)
    assert reader.next() is None


def test_next_record_returns_a_bytearray_or_none(folder):
    log = TSLog(folder, record_size=3, commit_delta=1)
    reader = log.reader(0)
    assert reader.next_record() is None
    log.store_record(b"ab")
    record = reader.next_record()
    assert type(record) is bytearray
    assert record == b"ab\0"


def test_commit_of_a_reader_saves_the_last_number_read_as_its_cursor(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1, nreaders=2)
    for i in range(10):
        log.store(i)
    first, second = log.reader(0), log.reader(1)
    for _ in range(3):
        first.next()
    assert first.commit() == 3
    for _ in range(5):
        second.next()
    assert second.commit() == 5
    assert second.commit() == 5
    assert log.reader(0).next() == (3,)
    assert log.reader(1).next() == (5,)
    log.close()
    log = TSLog(folder, formats=["Q"], nreaders=2)
    assert [log.reader(n).next() for n in range(2)] == [(3,), (5,)]


def test_close_closes_the_reader(folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1)
    log.store(1)
    reader = log.reader(0)
    assert reader.close() is None
    assert reader.close() is None
    calls = [reader.next, reader.peek, reader.next_record, reader.commit, reader.lag]
    calls += [lambda: reader.batch(1), lambda: reader.seek(1), reader.uncommitted]
    for call in calls:
        with pytest.raises(package.TSLogClosed):
            call()
