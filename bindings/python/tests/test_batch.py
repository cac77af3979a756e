"""Batches as buffers, arrays and tables."""

import builtins
import ctypes

import numpy
import pandas
import polars
import pyarrow
import pytest
from test_semantics import run
from tslog import TSLog

FIELDS = "time:s,temperature:degC,humidity:%"


@pytest.fixture
def log(folder):
    with TSLog(folder, formats=["Qff"], fields=FIELDS, commit_delta=7) as log:
        for i in range(1, 101):
            log.store(i * 10, i / 2, -i)
        log.commit()
        yield log


def test_a_batch_is_a_structured_array_on_its_own_bytes(log):
    batch = log.reader(0).batch(1000)
    array = batch.to_numpy()
    assert array.dtype.names == ("time", "temperature", "humidity")
    assert numpy.shares_memory(array, numpy.frombuffer(batch, numpy.uint8))
    assert not array.flags.writeable
    assert array.tolist() == [(i * 10, i / 2, -i) for i in range(1, 101)]
    same = numpy.asarray(batch)
    assert numpy.shares_memory(array, same)
    assert same.dtype.names == array.dtype.names
    assert (same == array).all()
    assert bytes(batch) == array.tobytes()


def test_a_batch_keeps_its_bytes_while_arrays_use_them(log):
    array = log.reader(0).batch(1000).to_numpy()
    log.close()
    assert array["time"].sum() == 50500


def test_a_batch_cannot_be_written_to(log):
    assert memoryview(log.reader(0).batch(5)).readonly
    with pytest.raises(TypeError, match="not writable"):
        ctypes.c_char.from_buffer(log.reader(0).batch(5))


def test_batches_follow_each_other_and_the_last_one_is_empty(log):
    reader = log.reader(0)
    parts = [reader.batch(30) for _ in range(5)]
    assert [(part.first, part.last, len(part)) for part in parts] == [
        (1, 30, 30),
        (31, 60, 30),
        (61, 90, 30),
        (91, 100, 10),
        (101, 100, 0),
    ]
    assert len(parts[4].to_numpy()) == 0
    assert reader.commit() == 100
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="n must be an integer from 1"):
            reader.batch(wrong)


def test_a_batch_that_memory_has_no_room_for_is_refused_and_moves_nothing(folder):
    with TSLog(folder, record_size=1 << 16, bucket_size=64) as log:
        for i in range(1024):
            log.store_record(bytes([i % 251]))
        log.commit()
    code = """
import errno, resource, sys, tslog
reader = tslog.TSReader.open(sys.argv[1], 0)
assert reader.next_record()[0] == 0
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (32 << 20), resource.RLIM_INFINITY))
for n in (1023, 1024, 1 << 63):
    try:
        print(reader.batch(n))
    except tslog.TSLogOSError as error:
        print(errno.errorcode[error.errno], error.filename == sys.argv[1], reader.cursor)
batch = reader.batch(100)
assert bytes(memoryview(batch)[:: 1 << 16]) == bytes(range(1, 101))
print(batch.first, batch.last)
"""
    ran = run(code, folder)
    assert (ran.stdout, ran.stderr) == ("ENOMEM True 1\n" * 3 + "2 101\n", "")


def test_arrow_has_numbers_fields_and_units(log):
    table = log.reader(0).batch(1000).to_arrow()
    assert isinstance(table, pyarrow.Table)
    assert table.column_names == ["seqn", "time", "temperature", "humidity"]
    assert [str(kind) for kind in table.schema.types] == ["uint64", "uint64", "float", "float"]
    assert table.schema.field("temperature").metadata == {b"unit": b"degC"}
    assert table.slice(1, 1).to_pylist() == [
        {"seqn": 2, "time": 20, "temperature": 1.0, "humidity": -2.0}
    ]


def test_pandas_has_numbers_as_its_index_and_units_in_attrs(log):
    frame = log.reader(0).batch(1000).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert (frame.index.name, frame.index[0], frame.index[-1]) == ("seqn", 1, 100)
    assert frame.attrs["units"] == {"time": "s", "temperature": "degC", "humidity": "%"}
    assert frame.loc[100].tolist() == [1000.0, 50.0, -100.0]


def test_polars_has_numbers_and_fields(log):
    frame = log.reader(0).batch(2).to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame.rows() == [(1, 10, 0.5, -1.0), (2, 20, 1.0, -2.0)]


def test_fields_without_names_are_f0_f1_and_every_kind_of_value_comes_through(folder):
    log = TSLog(folder, formats=[">bHi?c4s3pefd"], commit_delta=1)
    log.store(-1, 2, -3, True, b"x", b"abcd", b"yz", 0.5, 0.25, 0.125)
    batch = log.reader(0).batch(1)
    row = batch.to_numpy()[0].tolist()
    assert row[:6] == (-1, 2, -3, True, b"x", b"abcd")
    assert row[7:] == (0.5, 0.25, 0.125)
    record = batch.to_arrow().to_pylist()[0]
    assert list(record) == ["seqn", *(f"f{i}" for i in range(10))]
    assert (record["f1"], record["f5"], record["f6"]) == (2, b"abcd", b"\x02yz")
    assert batch.to_polars().row(0)[2] == 2
    assert batch.to_pandas()["f9"].tolist() == [0.125]
    assert numpy.asarray(batch)["f2"].tolist() == [-3]


def test_with_several_formats_a_tag_selects_records_and_their_numbers(folder):
    log = TSLog(folder, formats=["<Hf", "<B"], fields=["a,b", "c"], commit_delta=1)
    log.store_with_tag(0, 1, 0.5)
    log.store_with_tag(1, 2)
    log.store_with_tag(0, 3, 1.5)
    batch = log.reader(0).batch(10)
    assert batch.to_numpy(0).tolist() == [(1, 1, 0.5), (3, 3, 1.5)]
    assert batch.to_numpy(tag=1).tolist() == [(2, 2)]
    assert batch.to_arrow(1).to_pylist() == [{"seqn": 2, "c": 2}]
    assert batch.to_pandas(0)["b"].to_dict() == {1: 0.5, 3: 1.5}
    assert batch.to_polars(0).rows() == [(1, 1, 0.5), (3, 3, 1.5)]
    with pytest.raises(TypeError, match="expected a tag, for the log has 2 formats"):
        batch.to_numpy()
    with pytest.raises(ValueError, match="tag must be from 0 to 1, got 2"):
        batch.to_numpy(2)


def test_raw_records_are_an_array_of_bytes(folder):
    log = TSLog(folder, record_size=3, commit_delta=1)
    log.store_record(b"ab")
    batch = log.reader(0).batch(10)
    assert bytes(batch) == b"ab\0"
    assert batch.to_numpy().tolist() == [b"ab\0"]
    assert batch.to_arrow().to_pylist() == [{"seqn": 1, "record": b"ab\0"}]


@pytest.mark.parametrize("name", ["numpy", "pyarrow", "pandas", "polars"])
def test_a_library_that_is_missing_is_named_with_the_command_that_installs_it(
    log, monkeypatch, name
):
    method = {"pyarrow": "to_arrow"}.get(name, f"to_{name}")
    real = builtins.__import__

    def missing(wanted, *arguments, **options):
        if wanted.split(".")[0] == name:
            raise ImportError(wanted)
        return real(wanted, *arguments, **options)

    monkeypatch.setitem(__import__("sys").modules, name, None)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=f"needs {name}, which is not installed: pip install"):
        getattr(log.reader(0).batch(1), method)()
