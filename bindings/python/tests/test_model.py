"""Random calls against a log of a dozen lines in plain Python."""

import shutil
import tempfile
from pathlib import Path

import pytest
from conftest import MEMORY
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tslog import TSLog, TSLogClosed

READERS = st.integers(0, 1)


class LogMachine(RuleBasedStateMachine):
    """The model: a list of records, how many are durable, and two cursors for each reader."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=MEMORY))
        self.records, self.durable = [], 0
        self.cursor, self.acked = [0, 0], [0, 0]

    @initialize(bucket=st.integers(1, 20), delta=st.integers(1, 9))
    def open(self, bucket, delta):
        self.options = {"bucket_size": bucket, "nreaders": 2, "formats": ["QH"]}
        self.start(delta)

    def start(self, delta, recreate=False):
        self.delta = delta
        self.log = TSLog(
            self.root / "log", **self.options, commit_delta=delta, recreate=recreate
        )
        self.readers = [self.log.reader(n) for n in range(2)]

    @rule(value=st.integers(0, 65535), count=st.integers(1, 12))
    def store(self, value, count):
        for _ in range(count):
            seqn = self.log.store(len(self.records), value)
            self.records.append((len(self.records), value))
            assert seqn == len(self.records)
            if len(self.records) - self.durable >= self.delta:
                self.durable = len(self.records)

    @rule()
    def commit(self):
        self.durable = len(self.records)
        assert self.log.commit() == self.durable

    @rule(n=READERS, count=st.integers(1, 30), peek=st.booleans())
    def read(self, n, count, peek):
        for _ in range(count):
            at = self.cursor[n]
            expected = self.records[at] if at < self.durable else None
            if peek:
                assert self.readers[n].peek() == expected
            assert self.readers[n].next() == expected
            self.cursor[n] += expected is not None

    @rule(n=READERS, count=st.integers(1, 30))
    def batch(self, n, count):
        at = self.cursor[n]
        batch = self.readers[n].batch(count)
        expected = self.records[at : min(at + count, self.durable)]
        assert (batch.first, len(batch)) == (at + 1, len(expected))
        assert [tuple(row) for row in batch.to_numpy().tolist()] == expected
        self.cursor[n] += len(expected)

    @rule(n=READERS)
    def acknowledge(self, n):
        self.acked[n] = self.cursor[n]
        assert self.readers[n].commit() == self.cursor[n]

    @rule(n=READERS)
    def take_over(self, n):
        old, self.readers[n] = self.readers[n], self.log.reader(n)
        self.cursor[n] = self.acked[n]
        with pytest.raises(TSLogClosed):
            old.next()

    @rule(delta=st.integers(1, 9))
    def close(self, delta):
        self.log.close()
        self.durable = len(self.records)
        self.cursor = list(self.acked)
        self.start(delta)

    @rule(delta=st.integers(1, 9))
    def crash(self, delta):
        del self.log, self.readers
        del self.records[self.durable :]
        self.cursor = list(self.acked)
        self.start(delta)

    @rule(delta=st.integers(1, 9), orderly=st.booleans())
    def recreate(self, delta, orderly):
        if orderly:
            self.log.close()
        del self.log, self.readers
        self.records, self.durable, self.cursor, self.acked = [], 0, [0, 0], [0, 0]
        self.start(delta, recreate=True)

    @invariant()
    def numbers_agree(self):
        if not hasattr(self, "log"):
            return
        stored = len(self.records)
        bucket = self.log.stats().bucket
        assert self.log.stats() == (stored, bucket, stored - min(self.cursor))
        assert self.log.uncommitted() == stored - self.durable
        for n, reader in enumerate(self.readers):
            assert reader.cursor == self.cursor[n]
            assert reader.uncommitted() == max(0, self.cursor[n] - self.acked[n])
            assert reader.lag() == self.durable - self.cursor[n]

    def teardown(self):
        shutil.rmtree(self.root)


# A run of the machine is many calls.
examples = settings().max_examples // 4
LogMachine.TestCase.settings = settings(max_examples=examples, stateful_step_count=40, deadline=None)
TestTheLogAgreesWithTheModel = LogMachine.TestCase
