"""A damaged folder gives the same with MicroPython as with the package: records, losses, numbers."""

import ast
import contextlib
import random
import shutil
import subprocess
from pathlib import Path

from survey import survey
from tslog import TSLog, TSLogLost

SURVEY = Path(__file__).with_name("survey.py")
CASES = 25


def make(folder, draw):
    """A log of several sessions, some of which ended with the power."""
    size = draw.choice([3, 7, 20])
    drops = {"policy": "drop_oldest", "max_buckets": 3} if draw.random() < 0.2 else {}
    for _ in range(draw.randint(1, 4)):
        log = TSLog(
            folder,
            formats=["QH"],
            bucket_size=size,
            commit_delta=draw.choice([1, 2, 5, 11]),
            nreaders=2,
            **drops,
        )
        for _ in range(draw.randint(0, 25)):
            number = log.stats().seqn + 1
            log.store(number, number % 65536)
        for n in range(2):
            if draw.random() < 0.3:
                reader = log.reader(n)
                for _ in range(draw.randint(0, 20)):
                    with contextlib.suppress(TSLogLost):
                        reader.next()
                reader.commit()
                del reader
        if draw.random() < 0.5:
            log.close()
        del log  # A reader that is left would keep it open.


def hurt(path, draw):
    """Changes the bytes of one file."""
    data = bytearray(path.read_bytes())
    if not data:
        return
    # What lies far behind the last frame is zeros, and not where damage tells anything.
    used = len(bytes(data).rstrip(b"\0")) or 1
    at = draw.randrange(min(len(data), used + 8))
    kind = draw.choice(["bit", "bit", "bytes", "zeros", "ones", "cut", "insert", "swap"])
    end = min(len(data), at + draw.randint(1, 40))
    if kind == "bit":
        data[at] ^= 1 << draw.randrange(8)
    elif kind == "bytes":
        data[at:end] = draw.randbytes(end - at)
    elif kind == "zeros":
        data[at:end] = bytes(end - at)
    elif kind == "ones":
        data[at:end] = b"\xff" * (end - at)
    elif kind == "cut":
        del data[at:]
    elif kind == "insert":
        data[at:at] = draw.randbytes(draw.randint(1, 20))
    else:
        other = draw.randrange(min(len(data), used + 8))
        length = min(draw.randint(1, 60), len(data) - max(at, other))
        data[at : at + length], data[other : other + length] = (
            data[other : other + length],
            data[at : at + length],
        )
    path.write_bytes(data)


def damage(folder, draw):
    """Hurts buckets and cursors, one copy of the header, or takes a bucket away."""
    buckets = sorted(folder.glob("bucket-*"))
    for _ in range(draw.randint(1, 3)):
        what = draw.random()
        if buckets and what < 0.65:
            hurt(draw.choice(buckets), draw)
        elif buckets and what < 0.75:
            gone = draw.choice(buckets)
            buckets.remove(gone)
            gone.unlink()
        elif buckets and what < 0.8:
            one, other = draw.choice(buckets), draw.choice(buckets)
            one.write_bytes(other.read_bytes())
        elif what < 0.9:
            hurt(folder / f"reader-{draw.randrange(2)}", draw)
        else:
            hurt(folder / f"header-{draw.randrange(2)}", draw)


def check(result):
    """No wrong record, nothing twice, and each number read or named as lost."""
    stats, begun, rest = result
    for seen, more in zip(begun, rest, strict=True):
        number = None
        for event in seen + more:
            first, end = event[:2] if isinstance(event, tuple) else (event, event)
            assert number is None or first == number + 1, result
            assert first <= end
            number = end
        assert number == stats[0] + 6, result


def with_micropython(folders):
    """The surveys of these folders."""
    command = [shutil.which("micropython"), "-X", "heapsize=64m", str(SURVEY)]
    pipes = {"capture_output": True, "text": True, "timeout": 120}
    asked = repr([str(folder) for folder in folders])
    ran = subprocess.run(command, input=asked, check=False, **pipes)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return ast.literal_eval(ran.stdout)


def test_a_damaged_log_gives_the_same_with_both_and_each_number_is_read_or_named(folder, seed):
    folders = []
    for case in range(CASES):
        draw = random.Random(f"{seed} {case}")
        ours, theirs = folder / f"{case}-package", folder / f"{case}-micropython"
        make(ours, draw)
        damage(ours, draw)
        shutil.copytree(ours, theirs)
        folders.append((ours, theirs))
    surveys = with_micropython(theirs for _, theirs in folders)
    for (ours, theirs), got in zip(folders, surveys, strict=True):
        expected = survey(TSLog, ours)
        assert got == expected, (ours.name, expected, got)
        if not isinstance(got, str):
            check(got)
            # The package goes on with what MicroPython wrote as with its own.
            assert survey(TSLog, theirs)[0] == survey(TSLog, ours)[0]


def test_a_rotten_length_that_reaches_beyond_a_file_costs_its_own_commit_alone(folder):
    with TSLog(folder, formats=["QH"], bucket_size=64, commit_delta=4) as log:
        for number in range(1, 101):
            log.store(number, number)
    bucket = folder / "bucket-0000000000"
    data = bytearray(bucket.read_bytes())
    # The fifth of the frames of 48 bytes says that it has 1476 records and not 4, which its short
    # check does not notice.
    data[32 + 4 * 48] ^= 0xC0
    data[32 + 4 * 48 + 1] ^= 0x05
    bucket.write_bytes(data)
    ((_stats, begun, _rest),) = with_micropython([folder])
    assert begun[0] == [*range(1, 17), (17, 20, "TSLogDamaged"), *range(21, 101)]
