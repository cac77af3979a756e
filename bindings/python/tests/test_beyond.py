"""What Python users expect of a package, beyond the documented API."""

import asyncio
import builtins
import copy
import errno
import gc
import inspect
import multiprocessing
import os
import pickle
import re
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tslog
from test_semantics import fill, number_log, run
from tslog import (
    Log,
    TSLog,
    TSLogClosed,
    TSLogError,
    TSLogForked,
    TSLogLost,
    TSLogMismatch,
    TSLogNotFound,
    TSReader,
)

README = Path(__file__).parents[1] / "README.md"


def test_a_folder_may_be_text_or_a_path_and_nothing_else(folder, monkeypatch):
    number_log(folder).close()
    for path in (folder, str(folder), f"{folder}/"):
        with TSLog(path) as log:
            assert isinstance(log.folder, Path)
            assert log.folder == folder
    monkeypatch.chdir(folder.parent)
    assert TSLog.open("log").folder == Path("log")
    for wrong in (5, None, b"bytes", ["log"]):
        with pytest.raises(TypeError, match="folder"):
            TSLog(wrong)
        with pytest.raises(TypeError, match="folder"):
            TSLog.open(wrong)
        with pytest.raises(TypeError, match="folder"):
            TSReader.open(wrong)
    for wrong in ("", "a\0b"):
        with pytest.raises((ValueError, OSError)):
            TSLog(wrong)


def test_log_open_takes_everything_from_the_header(folder):
    formats, fields = ["<Hf", ">I"], ["time:s,level:m", "count"]
    TSLog(folder, formats, bucket_size=7, nreaders=3, fields=fields).close()
    with Log.open(folder) as log:
        assert (log.formats, log.fields) == (formats, fields)
        assert (log.record_size, log.bucket_size, log.nreaders) == (7, 7, 3)


def test_every_argument_can_be_given_by_its_name(folder):
    log = TSLog(folder, formats=["B", "H"], nreaders=2, commit_delta=1)
    log.store_with_tag(1, 2)
    reader = log.reader(n=1)
    assert reader.peek(wait=1) == reader.next(wait=1) == (1, (2,))
    reader.seek(seqn=1)
    assert reader.next_record(advance=False, wait=1) == b"\1\2\0"
    assert len(reader.batch(n=1)) == 1
    assert reader.batch(n=1).to_numpy(tag=0).tolist() == []
    log.close()
    with TSReader.open(folder=folder, n=0, serializer=None) as reader:
        assert reader.next() == (1, (2,))
    words = {"commit_delta": 1, "nreaders": 2, "serializer": None, "policy": "error"}
    words |= {"max_buckets": 9, "commit_interval_ms": 0, "background_commit": False}
    with TSLog.open(folder=folder, **words) as log:
        assert log.store_record(data=b"\0\1") == 2
    for call in (lambda: TSLog(folder, format=["Q"]), lambda: log.commit(5), lambda: log.reader()):
        with pytest.raises(TypeError):
            call()


def test_a_class_of_a_user_opens_logs_of_its_own_class(folder):
    class Readings(TSLog):
        """A log that knows more."""

        def mean(self):
            return sum(value for (value,) in self.reader(0)) / self.stats().seqn

    with Readings(folder, formats=["Q"]) as log:
        fill(log, 3)
    with Readings.open(folder) as log:
        assert type(log) is Readings
        assert log.mean() == 2


def test_iteration_takes_what_is_committed_and_goes_on_later_and_behind_a_loss(folder):
    log = fill(number_log(folder, bucket_size=10, max_buckets=2, policy="drop_oldest"), 5)
    reader = log.reader(0)
    assert iter(reader) is reader
    assert [value for (value,) in reader] == [1, 2, 3, 4, 5]
    assert list(reader) == []
    fill(log, 25)
    with pytest.raises(TSLogLost) as lost:
        list(reader)
    assert (lost.value.first, lost.value.last) == (6, 10)
    assert [value for (value,) in reader] == list(range(11, 31))


def test_a_buffer_serves_without_numpy(folder):
    log = TSLog(folder, formats=["<Qf"], commit_delta=1)
    for i in range(3):
        log.store(i, i / 2)
    batch = log.reader(0).batch(10)
    assert list(struct.iter_unpack("<Qf", batch)) == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert memoryview(batch).cast("B").nbytes == 36
    assert bytes(batch)[:12] == struct.pack("<Qf", 0, 0.0)


def test_the_errors_are_those_of_the_readme_and_derive_from_what_it_says():
    table = re.findall(r"^\| (`TSLog\w+`.*?) \| (.*?) \|", README.read_text(), re.MULTILINE)
    named = {}
    for classes, bases in table:
        names = re.findall(r"`(\w+)`", classes)
        kinds = re.findall(r"`([A-Z]\w+[a-z]\w*)`", bases)
        # Two classes in a line derive both from the one they share, or each from its own.
        share = kinds * len(names) if len(kinds) == 1 else kinds
        named.update(zip(names, share, strict=True))
    errors = {
        name
        for name in tslog.__all__
        if isinstance(getattr(tslog, name), type) and issubclass(getattr(tslog, name), Exception)
    }
    assert errors == {*named, "TSLogError", "TSLogLost"}
    for name, base in named.items():
        error = getattr(tslog, name)
        kind = getattr(tslog, base, None) or getattr(builtins, base)
        assert issubclass(error, TSLogError) and issubclass(error, kind), (name, base)
        assert error.__module__ == "tslog"


def test_errors_can_be_sent_to_another_process_and_keep_what_they_say(folder):
    log = number_log(folder)
    caught = []
    for call in (
        lambda: number_log(folder),
        lambda: TSLog.open(folder / "none"),
        lambda: TSLog(folder.with_name("other"), formats=["z"]),
        lambda: TSReader(log, 0, "Qii"),
        lambda: log.store("1"),
    ):
        with pytest.raises(TSLogError) as error:
            call()
        caught.append(error.value)
    caught += [tslog.TSLogDamaged("damaged: 3 to 4", 3, 4), tslog.TSLogDropped("gone", 1, 2)]
    for error in caught:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.args) == (type(error), str(error), error.args)
        for name in ("first", "last", "errno", "filename", "pid"):
            assert getattr(again, name, None) == getattr(error, name, None), name


def test_messages_say_what_was_expected_what_came_and_what_to_do(folder):
    log = TSLog(folder, formats=["Qff"])
    for call, text in (
        (lambda: log.store(1, 2), "3 values.*2"),
        (lambda: log.store(-1, 0, 0), r"values\[0\] must be an integer from 0 to .*, got -1"),
        (lambda: log.store(1, "warm", 0), r"values\[1\] must be a number from .*, got 'warm' \(str\)"),
        (lambda: log.store_with_tag(0, 1), "two formats or more, and this one has 1: use store"),
        (lambda: log.store_object(1), "serializer=json"),
        (lambda: log.reader(1), "n must be 0, got 1"),
        (lambda: log.reader(0).seek(0), "seqn must be an integer from 1 up, got 0"),
        (lambda: TSReader.open(folder, 0), "reader 0 is in use, here or in another process"),
        (lambda: TSReader.open(folder, 1), "no reader 1: open the log with nreaders=2"),
        (lambda: TSReader.open(folder / "no", 1), "there is no log here"),
        (lambda: TSLog(folder.with_name("b"), formats=["Qx!"]), "bad format at character 3"),
        (lambda: TSLog(folder.with_name("b"), commit_delta=0), "commit_delta .*from 1 .*got 0"),
        (lambda: TSLog(folder.with_name("b"), bucket_size="9"), "bucket_size .*got '9' .str"),
    ):
        with pytest.raises(TSLogError, match=text):
            call()


def test_what_is_printed_of_logs_readers_and_batches_names_them(folder):
    log = fill(number_log(folder), 2)
    reader = log.reader(0)
    assert repr(log) == f"<TSLog in '{folder}'>"
    assert repr(reader) == f"<TSReader 0 of '{folder}'>"
    assert repr(reader.batch(9)) == "<TSBatch of 2 records from number 1>"
    log.close()
    assert repr(log) == f"<closed TSLog in '{folder}'>"


def test_a_wait_for_asyncio_can_be_cancelled_ends_with_the_log_and_lets_other_tasks_run(folder):
    log = number_log(folder)
    reader = log.reader(0)

    async def main():
        waiting = asyncio.create_task(reader.wait(every=1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert reader.cursor == 0
        waiting = asyncio.create_task(reader.wait(every=1))
        await asyncio.sleep(0)
        log.close()
        with pytest.raises(TSLogClosed):
            await waiting

    asyncio.run(main())
    assert inspect.iscoroutine(coroutine := reader.wait())
    coroutine.close()
    for wrong in (0, -1, "1"):
        with pytest.raises((TypeError, ValueError), match="every must be an integer from 1"):
            reader.wait(every=wrong)


def test_what_is_forgotten_gives_its_memory_and_its_files_back(folder):
    files = lambda: len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        number_log(folder).reader(0)
    gc.collect()
    before = files()
    for _ in range(20):
        log = fill(number_log(folder), 3)
        log.reader(0).batch(2)
        log.close()
    del log
    assert files() == before


def test_the_lock_goes_to_the_next_one_when_a_log_is_forgotten(folder):
    log = number_log(folder)
    reader = log.reader(0)
    del log
    # A reader keeps its log.
    with pytest.raises(tslog.TSLogLocked):
        number_log(folder)
    assert reader.next() is None
    del reader
    number_log(folder).close()


def test_what_is_collected_while_a_record_is_made_may_read_too(folder):
    code = """
import gc, sys, tslog

class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        seen.append(reader.next())

# Python keeps tuples of few values for the next ones; to make one of many may collect garbage.
log = tslog.TSLog(sys.argv[1], formats=["30Q"], commit_delta=1000)
for i in range(1000):
    log.store(*range(i, i + 30))
reader = log.reader(0)
seen = []
gc.set_threshold(1)
while record := reader.next():
    seen.append(record)
    Cycle()
gc.disable()
records = {record for record in seen if record}
print(records == {tuple(range(i, i + 30)) for i in range(1000)})
"""
    assert run(code, folder).stdout == "True\n"


def test_a_record_waits_for_its_commit_no_longer_than_the_interval(folder):
    with TSLog(folder, formats=["Q"], commit_delta=1000, commit_interval_ms=5) as log:
        reader = log.reader(0)
        for i in range(3):
            log.store(i)
            assert reader.next(wait=1) == (i,)
    for wrong in (-1, "1", 1 << 40):
        with pytest.raises((TypeError, ValueError), match="commit_interval_ms must be an integer"):
            TSLog.open(folder, commit_interval_ms=wrong)


def test_a_log_with_a_thread_that_is_dropped_commits_nothing_and_frees_its_folder(folder):
    log = number_log(folder, commit_delta=100, commit_interval_ms=1000000, background_commit=True)
    log.store(1)
    del log
    assert number_log(folder).stats().seqn == 0


def test_a_child_of_a_log_with_a_thread_ends_in_order(folder):
    code = """
import os, sys, tslog, warnings
warnings.simplefilter("ignore")
log = tslog.TSLog(sys.argv[1], formats=["Q"], commit_interval_ms=1, background_commit=True)
log.store(1)
pid = os.fork()
if pid == 0:
    del log
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
log.store(2)
assert log.commit() == 2
"""
    assert run(code, folder).stderr == ""


def test_a_child_that_was_forked_and_ended_leaves_the_log_and_its_lock_to_its_parent(folder):
    code = """
import os, sys, tslog, threading, warnings
warnings.simplefilter("ignore")
log = tslog.TSLog(sys.argv[1], formats=["Q"], commit_delta=3)
log.store(1)
done = threading.Event()
def work():
    while not done.is_set():
        log.store(1)
thread = threading.Thread(target=work)
thread.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        # Whatever another thread held at the fork, a child must never wait for it.
        str(log), log.closed, log.folder, log.formats, log.report
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
done.set()
thread.join()
try:
    tslog.TSLog(sys.argv[1])
except tslog.TSLogLocked:
    pass
else:
    raise AssertionError("the child has let go of the lock of its parent")
last = log.commit()
assert [value for (value,) in log.reader(0)] == [1] * last
"""
    assert run(code, folder).stderr == ""


def test_a_process_of_multiprocessing_opens_the_log_anew_and_gets_none_as_an_argument(folder):
    log = fill(number_log(folder, nreaders=2), 5)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=count, args=(str(folder), queue))
    process.start()
    assert queue.get(timeout=60) == 5
    process.join(60)
    with pytest.raises(TypeError, match="call TSLog.open"):
        context.Process(target=count, args=(log, None)).start()


def count(folder, queue):
    """What another process reads."""
    with TSReader.open(folder, 1) as reader:
        queue.put(len(list(reader)))


def test_a_wait_for_asyncio_ends_when_there_is_a_record(folder):
    log = number_log(folder)
    reader = log.reader(0)

    async def main():
        waiting = asyncio.create_task(reader.wait(every=1))
        await asyncio.sleep(0)
        assert not waiting.done()
        log.store(5)
        return await asyncio.wait_for(waiting, 60), reader.next()

    assert asyncio.run(main()) == (1, (5,))


def test_a_log_is_refused_in_a_forked_child_and_goes_on_in_the_parent(folder):
    code = """
import os, sys, tslog, warnings
warnings.simplefilter("ignore")
log = tslog.TSLog(sys.argv[1], formats=["Q"], commit_delta=1)
reader = log.reader(0)
log.store(1)
pid = os.fork()
if pid == 0:
    for call in (lambda: log.store(2), log.commit, log.stats, log.close, reader.next, reader.commit):
        try:
            call()
        except tslog.TSLogForked as error:
            assert "open the log or a reader anew in the child" in str(error)
        else:
            os._exit(1)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert log.store(3) == 2
assert [value for (value,) in reader] == [1, 3]
"""
    assert run(code, folder).stderr == ""


def test_logs_readers_and_batches_cannot_be_pickled_or_copied(folder):
    log = fill(number_log(folder), 1)
    reader = log.reader(0)
    for thing in (log, reader, reader.batch(1)):
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="expected something to be copied or pickled, got"):
                act(thing)


def test_errors_of_the_file_system_are_os_errors_with_their_errno(folder):
    folder.write_text("a file")
    with pytest.raises(OSError, match=r"^\[Errno 20\] Not a directory: '.*/log'$") as caught:
        number_log(folder)
    assert isinstance(caught.value, TSLogError)
    assert caught.value.errno == errno.ENOTDIR


def test_the_command_tslog_is_installed_and_reads_the_log(folder):
    with TSLog(folder, formats=["Qf"], fields="time:s,level:m") as log:
        log.store(7, 0.5)
    command = os.path.join(os.path.dirname(sys.executable), "tslog")
    words = [command, "cat", str(folder), "--csv"]
    shown = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout.splitlines()[-1].split(",")[-1]) == (0, "0.5"), shown
