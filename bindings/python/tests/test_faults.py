"""A file system that fails, or that lets one wait.

Each story runs in a Python of its own, whose calls of the system go through faults.c.
"""

import ctypes
import errno
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import tslog
from tslog import TSLog, TSReader

SOURCE = Path(__file__).with_name("faults.c")
STORIES = {}


def story(function):
    """Makes a test of a function."""
    STORIES[function.__name__] = function
    return function


def pytest_generate_tests(metafunc):
    metafunc.parametrize("name", STORIES)


def library():
    """faults.c, compiled; cc is there, for Rust links with it."""
    name = Path(tempfile.gettempdir()) / f"tslog-faults-{os.getuid()}-{os.getpid()}.so"
    if not name.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]
        subprocess.run([*command, str(name), str(SOURCE)], check=True)
    return name


def test_of_the_file_system(folder, name):
    faults = library()
    try:
        environment = {**os.environ, "LD_PRELOAD": str(faults)}
        command = [sys.executable, str(Path(__file__)), name, str(folder)]
        pipes = {"capture_output": True, "text": True, "timeout": 120}
        ran = subprocess.run(command, env=environment, check=False, **pipes)
    finally:
        faults.unlink()
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr


def raises(kinds, call, *arguments):
    """The error of a call, which must be of all these kinds."""
    try:
        call(*arguments)
    except Exception as error:
        assert all(isinstance(error, kind) for kind in kinds), repr(error)
        return error
    raise AssertionError(f"expected {kinds}")


def until(condition):
    """Waits for a condition, at most a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.001)


def held(faults, call):
    """A thread in a call, once that waits for the medium. With the interpreter's lock held around
    the wait, this would never return."""
    faults.faults_hold_syncs(1)
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    until(faults.faults_held)
    return thread


def let_go(faults, thread):
    """Lets the call end."""
    faults.faults_hold_syncs(0)
    thread.join(60)
    assert not thread.is_alive()


def numbers(reader):
    """All that a reader of a log of numbers gives."""
    return [value for (value,) in reader]


@story
def a_sync_that_fails_is_an_os_error_with_its_errno_and_nothing_is_acknowledged(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=4)
    for i in range(1, 5):
        log.store(i)
    log.store(5)
    faults.faults_fail_syncs(errno.EIO)
    error = raises([tslog.TSLogOSError, tslog.TSLogError, OSError], log.commit)
    assert (error.errno, error.filename) == (errno.EIO, str(folder))
    faults.faults_fail_syncs(0)
    for call in (log.commit, lambda: log.store(6)):
        error = raises([tslog.TSLogPoisoned, RuntimeError], call)
        assert "open" in str(error), error
    assert numbers(log.reader(0)) == [1, 2, 3, 4]
    raises([tslog.TSLogPoisoned], log.close)
    log = TSLog(folder)
    # The commit reached the medium or it did not; its number is not known to anybody.
    assert numbers(log.reader(0)) in ([1, 2, 3, 4], [1, 2, 3, 4, 5])


@story
def close_releases_the_log_even_where_its_commit_fails_and_raises_the_error(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=4)
    log.store(1)
    faults.faults_fail_syncs(errno.EIO)
    assert raises([tslog.TSLogOSError], log.close).errno == errno.EIO
    faults.faults_fail_syncs(0)
    assert log.closed
    log.close()
    raises([tslog.TSLogClosed], log.store, 2)
    with TSLog(folder) as again:
        assert again.store(2) in (1, 2)


@story
def the_error_of_a_block_is_not_hidden_by_the_one_of_its_close(faults, folder):
    try:
        with TSLog(folder, formats=["Q"]) as log:
            log.store(1)
            faults.faults_fail_syncs(errno.EIO)
            raise KeyError("mine")
    except tslog.TSLogOSError as error:
        assert isinstance(error.__context__, KeyError)


@story
def a_full_disk_is_a_full_log_with_enospc_and_works_again_without_a_reopen(faults, folder):
    log = TSLog(folder, formats=["Q"], bucket_size=10, commit_delta=1)
    for i in range(1, 21):
        log.store(i)
    reader = log.reader(0)
    for i in range(1, 16):
        assert reader.next() == (i,)
    for code in (errno.ENOSPC, errno.EDQUOT):
        faults.faults_fail_growth(code)
        error = raises([tslog.TSLogFull, OSError], log.store, 21)
        assert (error.errno, error.filename) == (errno.ENOSPC, str(folder))
        assert (log.stats().seqn, log.uncommitted()) == (20, 0)
        # A reader's commit needs no new space.
        assert reader.commit() == reader.cursor
        assert reader.next() is not None
    faults.faults_fail_growth(0)
    assert log.store(21) == 21
    assert numbers(reader) == [18, 19, 20, 21]
    log.close()
    assert numbers(TSReader.open(folder, 0)) == [17, 18, 19, 20, 21]


@story
def other_threads_run_while_a_call_waits_for_the_medium(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=3)
    reader = log.reader(0)
    log.store(1)
    let_go(faults, held(faults, log.commit))
    log.store(2)
    log.store(3)
    let_go(faults, held(faults, lambda: log.store(4)))
    assert log.uncommitted() == 0
    reader.next()
    let_go(faults, held(faults, reader.commit))
    assert reader.uncommitted() == 0
    log.store(5)
    let_go(faults, held(faults, log.close))
    opened = []
    let_go(faults, held(faults, lambda: opened.append(TSLog(folder))))
    assert numbers(opened[0].reader(0)) == [2, 3, 4, 5]


@story
def a_reader_never_waits_for_the_sync_of_the_writer(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=100, nreaders=2)
    for i in range(1, 11):
        log.store(i)
    log.commit()
    readers = [log.reader(n) for n in range(2)]
    log.store(11)
    thread = held(faults, log.commit)
    # What is on its way to the medium is not durable, and so it is not seen.
    assert readers[0].next() == (1,)
    assert numbers(readers[0]) == list(range(2, 11))
    assert len(readers[1].batch(100)) == 10
    assert (readers[0].lag(), log.stats().lag, log.uncommitted()) == (0, 1, 1)
    let_go(faults, thread)
    assert readers[0].next() == (11,)


@story
def a_reader_in_another_process_does_not_see_what_is_not_durable(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=100)
    log.store(1)
    log.commit()
    log.store(2)
    thread = held(faults, log.commit)
    code = "import sys, tslog; print(*tslog.TSReader.open(sys.argv[1], 0))"
    command = [sys.executable, "-c", code, str(folder)]
    plain = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    shown = subprocess.run(command, env=plain, capture_output=True, text=True, check=True).stdout
    # It may see the second record only because it has synced the file itself.
    assert shown in ("(1,)\n", "(1,) (2,)\n")
    let_go(faults, thread)


@story
def threads_store_while_another_one_commits(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1000)
    log.store(1)
    thread = held(faults, log.commit)
    assert [log.store(i) for i in range(2, 50)] == list(range(2, 50))
    assert (log.stats().seqn, log.uncommitted()) == (49, 49)
    let_go(faults, thread)
    assert log.uncommitted() == 48
    assert log.commit() == 49


@story
def threads_that_commit_each_record_share_a_sync(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1)
    log.store(1)
    first = held(faults, lambda: log.store(2))
    others = [threading.Thread(target=log.store, args=(i,), daemon=True) for i in range(3, 11)]
    for thread in others:
        thread.start()
    until(lambda: log.stats().seqn == 10)
    assert log.uncommitted() == 9
    faults.faults_calls()
    let_go(faults, first)
    for thread in others:
        thread.join(60)
    assert log.uncommitted() == 0
    # One write and one sync for all eight.
    assert faults.faults_calls() == 2


@story
def with_background_commit_store_waits_for_no_sync_and_commit_is_the_barrier(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=4, background_commit=True)
    for i in range(1, 5):
        log.store(i)
    assert log.commit() == 4
    faults.faults_hold_syncs(1)
    for i in range(5, 50):
        log.store(i)
    until(faults.faults_held)
    assert numbers(log.reader(0)) == [1, 2, 3, 4]
    faults.faults_hold_syncs(0)
    assert (log.commit(), log.uncommitted()) == (49, 0)


@story
def what_goes_wrong_in_the_background_is_raised_by_the_next_call(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_interval_ms=1)
    faults.faults_fail_syncs(errno.EIO)
    log.store(1)
    until(lambda: faults.faults_calls() == 0 and failed_at_last(log))
    faults.faults_fail_syncs(0)
    raises([tslog.TSLogPoisoned], log.commit)


def failed_at_last(log):
    """Whether the next call raised the error of the sync."""
    try:
        log.store(2)
    except tslog.TSLogOSError as error:
        return error.errno == errno.EIO
    return False


@story
def a_commit_with_nothing_new_asks_nothing_of_the_medium(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=4)
    assert (log.commit(), log.store(1), log.commit()) == (0, 1, 1)
    reader = log.reader(0)
    reader.next()
    reader.commit()
    faults.faults_calls()
    assert (log.commit(), reader.commit(), log.commit()) == (1, 1, 1)
    assert faults.faults_calls() == 0


@story
def a_commit_of_a_reader_that_fails_is_an_os_error_and_can_be_tried_again(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1)
    for i in range(1, 4):
        log.store(i)
    reader = log.reader(0)
    reader.next()
    reader.commit()
    reader.next()
    faults.faults_fail_syncs(errno.EIO)
    error = raises([tslog.TSLogOSError], reader.commit)
    assert error.errno == errno.EIO
    faults.faults_fail_syncs(0)
    again = log.reader(0)
    assert again.cursor in (1, 2)
    assert numbers(again)[-1] == 3
    assert again.commit() == 3
    log.close()
    assert TSLog(folder).reader(0).next() is None


@story
def a_read_that_fails_is_an_os_error_and_loses_nothing(faults, folder):
    with TSLog(folder, formats=["Q"], commit_delta=1) as log:
        for i in range(1, 4):
            log.store(i)
    log = TSLog(folder)
    reader = log.reader(0)
    faults.faults_fail_reads(errno.EIO)
    for call in (reader.next, reader.peek, reader.next_record, lambda: reader.batch(9)):
        error = raises([tslog.TSLogOSError], call)
        assert (error.errno, error.filename) == (errno.EIO, str(folder))
        assert "Input/output error" in str(error)
    assert raises([OSError], TSLog.open, folder.parent / "b").errno == errno.ENOENT
    faults.faults_fail_reads(0)
    assert numbers(reader) == [1, 2, 3]
    log.close()
    faults.faults_fail_reads(errno.EIO)
    assert raises([tslog.TSLogOSError], TSLog, folder).errno == errno.EIO
    faults.faults_fail_reads(0)
    assert TSLog(folder).stats().seqn == 3


@story
def a_batch_that_a_failing_read_ends_moves_nothing_and_comes_whole_at_the_next_try(faults, folder):
    log = TSLog(folder, formats=["Q"], commit_delta=1000, nreaders=2)
    for i in range(1, 20_001):
        log.store(i)
    for reader in (log.reader(0), TSReader.open(folder, 1)):
        failed = 0
        for reads in range(100):
            reader.seek(1)
            assert reader.next() == (1,)
            faults.faults_fail_reads_after(reads, errno.EIO)
            try:
                batch = reader.batch(20_000)
            except tslog.TSLogOSError as error:
                assert (error.errno, reader.cursor) == (errno.EIO, 1)
                failed += 1
                faults.faults_fail_reads(0)
                batch = reader.batch(20_000)
            faults.faults_fail_reads(0)
            assert (batch.first, batch.last) == (2, 20_000)
            assert struct.unpack("<19999Q", batch) == tuple(range(2, 20_001))
        assert 2 < failed < 100, failed


if __name__ == "__main__":
    STORIES[sys.argv[1]](ctypes.CDLL(None), Path(sys.argv[2]))
