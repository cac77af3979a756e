#!/usr/bin/env python3
"""Measures what a record costs in Python, beside what it costs without a log.

    figures.py [--quick] [--disk FOLDER]

Prints a line `name value unit` for each figure; a ratio says how many times faster the log is than
what its name says. Both sides of a ratio run in turns. In memory, a round is half a millisecond and
the ratio is that of the fastest rounds, which nothing else on the machine has touched; on a disk it
is the median of the ratios of neighbouring rounds, for a disk has no such thing as a quiet moment.

The package is built and measured in the environment of check.py.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path

import check

if Path(sys.prefix) != check.VENV:
    try:
        check.build()
    except check.Failure as failure:
        sys.exit(f"{failure}\nRun again: bindings/python/figures.py")
    os.execv(check.PYTHON, [str(check.PYTHON), *sys.argv])

from tslog import TSLog  # noqa: E402 - it is there only now

FORMAT = "Qff"
SIZE = struct.calcsize(FORMAT)


def timed(loop, *arguments):
    """Seconds that a loop took."""
    start = time.perf_counter()
    loop(*arguments)
    return time.perf_counter() - start


# The loops are written as users write them, on both sides.


def store_log(log, count):
    """A program that stores."""
    for i in range(count):
        log.store(i, 20.5, 40.25)


def store_file(file, count):
    """The same with a file."""
    for i in range(count):
        file.write(struct.pack("Qff", i, 20.5, 40.25))


def next_log(reader, count):
    """A program that reads."""
    for _ in range(count):
        reader.next()


def next_file(file, count):
    """The same with a file."""
    for _ in range(count):
        struct.unpack("Qff", file.read(16))


def durable_file(handle, count):
    """Writes in place into a preallocated file, durable every 16 records."""
    for i in range(count):
        os.pwrite(handle, struct.pack("Qff", i, 20.5, 40.25), i * SIZE)
        if i % 16 == 15:
            os.fdatasync(handle)


def durable_sqlite(database, count):
    """The same with a database, 16 records a transaction."""
    for i in range(count):
        if i % 16 == 0:
            database.execute("BEGIN")
        database.execute("INSERT INTO records VALUES (?, ?, ?)", (i, 20.5, 40.25))
        if i % 16 == 15:
            database.execute("COMMIT")


def memory_rounds(folder, rounds, count):
    """Seconds of each round of storing and of reading, in the log and in a file, in memory.

    All rounds go into one log and one file, so that a round is a part of a long run.
    """
    total = rounds * count
    seconds = {name: [] for name in ("store", "write", "next", "unpack")}
    log = TSLog(folder / "log", [FORMAT], bucket_size=total, commit_delta=total, recreate=True)
    with log, open(folder / "file", "wb") as file:
        for _ in range(rounds):
            seconds["store"].append(timed(store_log, log, count))
            seconds["write"].append(timed(store_file, file, count))
        log.commit()
        file.flush()
        reader = log.reader(0)
        with open(folder / "file", "rb") as source:
            for _ in range(rounds):
                seconds["next"].append(timed(next_log, reader, count))
                seconds["unpack"].append(timed(next_file, source, count))
    return seconds


def durable_log_seconds(folder, count):
    """Seconds of storing durably in the log. Its last record is one that commits."""
    with TSLog(folder / "log", [FORMAT], commit_delta=16, recreate=True) as log:
        return timed(store_log, log, count)


def durable_file_seconds(folder, count):
    """Seconds of storing durably in a file."""
    path = folder / "file"
    path.write_bytes(bytes(count * SIZE))
    handle = os.open(path, os.O_WRONLY)
    os.fsync(handle)
    seconds = timed(durable_file, handle, count)
    os.close(handle)
    return seconds


def durable_sqlite_seconds(folder, count):
    """Seconds of storing durably in a database."""
    base = folder / "base"
    base.unlink(missing_ok=True)
    database = sqlite3.connect(base, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE records (time INTEGER, a REAL, b REAL)")
    seconds = timed(durable_sqlite, database, count)
    database.close()
    return seconds


def durable_round(folder, count, turn):
    """Seconds of storing durably, in the log, in a file and in a database, on a real disk.

    Each goes first in its turn, for what one leaves behind in the disk's queue slows the next.
    """
    measures = [durable_log_seconds, durable_file_seconds, durable_sqlite_seconds]
    turn %= len(measures)
    order = measures[turn:] + measures[:turn]
    seconds = {measure: measure(folder, count) for measure in order}
    return [seconds[measure] for measure in measures]


def numpy_seconds(folder, count):
    """Seconds of the processor's time until `count` records are a NumPy array, checksums verified.

    They lie in memory, so that nothing waits; other programs would be measured too, by the clock.
    """
    with TSLog(folder / "million", [FORMAT], bucket_size=65536, recreate=True) as log:
        store_log(log, count)
        log.commit()

        def read():
            start = time.thread_time()
            array = log.reader(0).batch(count).to_numpy()
            if len(array) != count or int(array["f0"][-1]) != count - 1:
                sys.exit(f"expected {count} records, got {len(array)}")
            return time.thread_time() - start

        return min(read() for _ in range(15))


def report(name, value, unit):
    """One line."""
    print(f"{name} {value:.3f} {unit}", flush=True)


def compare(name, ours, theirs):
    """How many times faster the log is, in memory."""
    report(name, min(theirs) / min(ours), "times")


def compare_neighbours(name, ours, theirs):
    """How many times faster the log is, on a disk."""
    report(name, statistics.median(b / a for a, b in zip(ours, theirs, strict=True)), "times")


def main():
    """Measures and prints all of it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="few rounds, for a look")
    arguments.add_argument("--disk", type=Path, default=check.BUILD, help="a folder on a real disk")
    arguments = arguments.parse_args()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder = Path(name)
        rounds, records = (300 if arguments.quick else 1500), 5000
        seconds = memory_rounds(folder, rounds, records)
        for name, unit in (("store", "write"), ("next", "unpack")):
            report(f"python_{name}_ns", min(seconds[name]) / records * 1e9, "ns")
            report(f"python_struct_{unit}_ns", min(seconds[unit]) / records * 1e9, "ns")
        compare("python_store_vs_file", seconds["store"], seconds["write"])
        compare("python_next_vs_file", seconds["next"], seconds["unpack"])
        shutil.rmtree(folder / "log")
        report("python_numpy_million_ms", numpy_seconds(folder, 1_000_000) * 1e3, "ms")
    with tempfile.TemporaryDirectory(dir=arguments.disk) as name:
        folder = Path(name)
        rounds, records = (9, 2048) if arguments.quick else (30, 4096)
        logged, written, inserted = zip(
            *(durable_round(folder, records, turn) for turn in range(rounds)), strict=True
        )
        report("python_durable_store_us", min(logged) / records * 1e6, "us")
        compare_neighbours("python_durable_vs_file", logged, written)
        compare_neighbours("python_durable_vs_sqlite", logged, inserted)


if __name__ == "__main__":
    main()
