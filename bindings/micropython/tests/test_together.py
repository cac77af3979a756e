"""What MicroPython writes, the package and the command read, and the other way round."""

import ast
import json
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tslog import TSLog

TOOL = Path(__file__).with_name("tool.py")
BIN = Path(sys.executable).parent


def micropython(what, *arguments):
    command = [shutil.which("micropython"), str(TOOL), what]
    pipes = {"input": repr(arguments), "capture_output": True, "text": True}
    ran = subprocess.run(command, timeout=120, check=False, **pipes)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return ran.stdout


def doubles(records):
    """Floats as their bytes, as the tool takes them."""
    double = lambda value: ("float", struct.pack("<d", value)) if type(value) is float else value
    return [tuple(double(value) for value in record) for record in records]


def read(folder, limit=None, commit=False):
    return ast.literal_eval(micropython("read", str(folder), limit, commit))


def tslog(*arguments):
    command = [str(BIN / "tslog"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def records(text, count, seed):
    """Random records that a format gives back as they are."""
    draw = random.Random(seed)
    data = [draw.randbytes(struct.calcsize(text)) for _ in range(count)]
    # Of floats only what is a number equals itself.
    unpacked = [struct.unpack(text, each) for each in data]
    return [tuple(0.5 if value != value else value for value in each) for each in unpacked]


FORMATS = ["Qff", "<bBhHiIqQ", ">HfdI", "!3H2x4s", "bQ", "<?5s", "=lL", "<e"]


@pytest.mark.parametrize("text", FORMATS)
@pytest.mark.parametrize("close", [True, False])
def test_the_package_reads_what_micropython_wrote_and_writes_on(folder, text, close):
    stored = records(text, 57, text)
    micropython("write", str(folder), [text], doubles(stored), 10, 4, close)
    durable = stored if close else stored[:56]
    checked = tslog("verify", folder)
    assert checked.returncode == 0, checked
    with TSLog(folder, formats=[text], bucket_size=10) as log:
        assert log.report.clean == close
        reader = log.reader(0)
        assert list(reader) == durable
        assert reader.commit() == len(durable)
        assert log.store(*stored[0]) == len(durable) + 1
    assert read(folder) == doubles(stored[:1])


@pytest.mark.parametrize("text", FORMATS)
@pytest.mark.parametrize("close", [True, False])
def test_micropython_reads_what_the_package_wrote_and_its_commit_counts(folder, text, close):
    stored = records(text, 57, text)
    log = TSLog(folder, formats=[text], bucket_size=10, commit_delta=4)
    for record in stored:
        log.store(*record)
    if close:
        log.close()
    del log
    durable = stored if close else stored[:56]
    assert read(folder, 23, True) == doubles(durable[:23])
    with TSLog(folder) as log:
        assert list(log.reader(0)) == durable[23:]


def test_both_write_in_turns_with_crashes_between_and_nothing_committed_is_lost(folder, seed):
    draw = random.Random(seed)
    kept, size = [], draw.choice([3, 10, 40])
    for turn in range(8):
        delta, count, close = draw.randint(1, 9), draw.randint(1, 40), draw.random() < 0.5
        new = [(draw.getrandbits(64),) for _ in range(count)]
        if turn % 2:
            micropython("write", str(folder), ["Q"], new, size, delta, close)
        else:
            log = TSLog(folder, formats=["Q"], bucket_size=size, commit_delta=delta)
            for record in new:
                log.store(*record)
            if close:
                log.close()
            del log
        kept += new if close else new[: count - count % delta]
        assert tslog("verify", folder).returncode == 0
    assert read(folder) == kept
    with TSLog(folder) as log:
        assert list(log.reader(0)) == kept


def test_objects_of_one_are_objects_of_the_other(folder):
    objects = [{"a": [1, 2.5, None]}, "text", "", 0, [], {"n": "\u20ac"}]
    micropython("objects", str(folder), objects)
    with TSLog(folder, serializer=json, commit_delta=1) as log:
        assert list(log.reader(0)) == objects
        for each in objects:
            log.store_object(each)
    assert ast.literal_eval(micropython("objects", str(folder), [])) == objects * 2
