"""A writing process is killed at random points; nothing that was committed is lost."""

import os
import random
import signal
import struct
import subprocess
import sys

import tslog
from tslog import TSLog

# It tells what it has done, a letter and a number at a time, each in one write.
WRITER = """
import os, random, struct, sys, tslog

folder, seed = sys.argv[1], int(sys.argv[2])
draw = random.Random(seed)
log = tslog.TSLog(
    folder, formats=["Q12s"], bucket_size=40, nreaders=2, commit_delta=draw.randint(1, 20)
)
reader = log.reader(0)
seqn = log.stats().seqn
say = lambda *words: os.write(1, struct.pack("<cQ", *words))
say(b"o", seqn)
while True:
    seqn = log.store(seqn + 1, random.Random(seqn + 1).randbytes(12))
    if log.uncommitted() == 0:
        say(b"c", seqn)
    if draw.random() < 0.05:
        say(b"c", log.commit())
    if draw.random() < 0.1:
        while (record := reader.next()) is not None and draw.random() < 0.95:
            pass
        say(b"r", reader.commit())
"""

# Each log that it makes anew says in its records which one it is.
RECREATOR = """
import os, struct, sys, tslog

folder, life = sys.argv[1], int(sys.argv[2])
say = lambda *words: os.write(1, struct.pack("<cQ", *words))
while True:
    life += 1
    say(b"b", life)
    with tslog.TSLog(folder, formats=["QQ"], bucket_size=5, recreate=True, commit_delta=4) as log:
        say(b"e", life)
        for i in range(1, 13):
            log.store(life, i)
            if i % 4 == 0:
                say(b"c", i)
        reader = log.reader(0)
        for _ in range(6):
            reader.next()
        say(b"r", reader.commit())
"""


def killed(code, folder, number, draw):
    """Runs a program, kills it when it has said enough, and gives all that it said."""
    command = [sys.executable, "-S", "-c", code, str(folder), str(number)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    said = b""
    wanted = draw.randint(1, 120) * 9
    while len(said) < wanted and (part := os.read(writer.stdout.fileno(), wanted - len(said))):
        said += part
    writer.send_signal(signal.SIGKILL)
    with writer.stdout as rest:
        said += rest.read()
    assert writer.wait(60) == -signal.SIGKILL
    return [struct.unpack_from("<cQ", said, at) for at in range(0, len(said) - 8, 9)]


def test_kill_9_of_a_writing_process_loses_nothing_that_was_committed(folder, kills, seed):
    draw = random.Random(seed)
    committed = cursor = grown = 0
    for round in range(kills):
        opened = None
        for kind, number in killed(WRITER, folder, seed + round, draw):
            if kind == b"o":
                opened = number
                assert number >= committed, f"round {round}"
            elif kind == b"c":
                assert number >= committed, f"round {round}"
                grown += number - committed
                committed = number
            else:
                cursor = max(cursor, number)
        assert opened is not None
        if round % 10 == 9:
            check(folder, committed, cursor)
    assert grown > kills
    check(folder, committed, cursor)


def check(folder, committed, cursor):
    """Reads all that reader 1 holds, and what reader 0 has not acknowledged."""
    with TSLog(folder, nreaders=2) as log:
        assert log.stats().seqn >= committed
        for n, least in ((0, cursor), (1, 0)):
            reader = log.reader(n)
            first = reader.cursor
            assert first >= least
            numbers = []
            for number, payload in reader:
                numbers.append(number)
                assert payload == random.Random(number).randbytes(12)
            assert numbers == list(range(first + 1, log.stats().seqn + 1))
        # What was read so far need not be read again, so that the log stays small.
        reader.commit()


def test_kill_9_while_a_log_is_made_anew_leaves_the_whole_old_log_or_an_empty_new_one(
    folder, kills, seed
):
    draw = random.Random(seed)
    begun = made = committed = cursor = 0
    for round in range(kills // 3):
        for kind, number in killed(RECREATOR, folder, begun, draw):
            if kind == b"b":
                begun = number
            elif kind == b"e":
                made, committed, cursor = number, 0, 0
            elif kind == b"c":
                committed = number
            else:
                cursor = number
        try:
            log = TSLog.open(folder)
        except tslog.TSLogNotFound:
            assert made == 0, f"round {round}"
            continue
        with log:
            last, reader = log.stats().seqn, log.reader(0)
            first = reader.cursor
            records = list(reader)
        assert [number for _, number in records] == list(range(first + 1, last + 1))
        if last == 0:
            assert begun > made or committed == 0, f"round {round}"
            made = begun
        else:
            assert {life for life, _ in records} == {made}, f"round {round}"
            assert (last >= committed, first >= cursor) == (True, True), f"round {round}"
        committed, cursor = last, first
    assert made > kills
