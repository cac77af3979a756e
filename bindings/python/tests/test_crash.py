"""A writing process is killed at random points; nothing that was committed is lost."""

import os
import random
import signal
import struct
import subprocess
import sys

from tslog import TSLog

ROUNDS = 300
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


def test_kill_9_of_a_writing_process_loses_nothing_that_was_committed(folder):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    committed = cursor = 0
    grown = 0
    for round in range(ROUNDS):
        command = [sys.executable, "-S", "-c", WRITER, str(folder), str(seed + round)]
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
        opened = None
        for at in range(0, len(said) - 8, 9):
            kind, number = struct.unpack_from("<cQ", said, at)
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
    assert grown > ROUNDS
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
