"""`from tslog import tslog`, and then `tslog.TSLog(...)`.

The log of docs/layout.md in pure Python: what this module writes, the other tools read, and the
other way round. Methods may be called from several threads. Only one program at a time may have a
log open: MicroPython has no locks on files.

A commit is one write and one `flush`, which makes a file durable on MicroPython; that a new file's
name is durable then as well is up to the file system, as it is with littlefs.
"""

import _thread
import os
import sys
import time
from collections import namedtuple

from tslog import _bytes as b
from tslog._format import Format

_CPYTHON = sys.implementation.name == "cpython"
_ENOENT = 2
_CHUNK = 512

TSStats = namedtuple("TSStats", ("seqn", "bucket", "lag"))


class TSLogError(Exception):
    """The base of all errors of a log."""


class TSLogClosed(TSLogError):
    """The log or the reader is closed, or a newer handle took the reader over."""


class TSLogDamaged(TSLogError):
    """Committed records are gone: the numbers from `first` to `last`. The reader stands behind."""

    def __init__(self, first, last):
        super().__init__("damaged on the medium: %d to %d" % (first, last))
        self.first = first
        self.last = last


class TSLogFull(TSLogError):
    """There is no room, and the readers still need every bucket. Nothing was stored."""


class TSLogMismatch(TSLogError):
    """The log was made with other formats, another `record_size` or `bucket_size`."""


class TSLogNotALog(TSLogError):
    """What is in the folder is not a log, or one of a later version."""


class TSLogPoisoned(TSLogError):
    """A write failed earlier, so what the medium holds is not known: open the log again."""


class TSLogTypeError(TSLogError):
    """An argument has the wrong type, or there are too many or too few. Nothing has changed."""


class TSLogValueError(TSLogError):
    """An argument is out of its range. Nothing has changed."""


def _integer(name, value, low, high):
    if not isinstance(value, int):
        raise TSLogTypeError("%s must be an integer, got %r" % (name, value))
    if not low <= value <= high:
        message = "%s must be an integer from %d to %d, got %d"
        raise TSLogValueError(message % (name, low, high, value))
    return value


def _open(path, mode):
    # A buffer of CPython's would show old bytes of a file that is written.
    return open(path, mode, buffering=0) if _CPYTHON else open(path, mode)


def _sync(file):
    file.flush()
    if _CPYTHON:
        os.fsync(file.fileno())


def _exists(path):
    try:
        os.stat(path)
    except OSError as error:
        if error.args[0] != _ENOENT:
            raise
        return False
    return True


def _make_folders(path):
    at = path.find("/", 1)
    while at > 0:
        if not _exists(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)
    if not _exists(path):
        os.mkdir(path)


class _Bucket:
    """A bucket as it is read."""

    def __init__(self, log, index):
        self.index = index
        self.record_size = log._header.record_size
        self.seed = b.bucket_seed(log._header.seed, index)
        self.file = _open(log._path("bucket-%010d" % index), "rb")
        self.first = b.bucket_first(log._header.seed, index, self.read(0, b.BUCKET))

    def read(self, offset, size):
        self.file.seek(offset)
        return self.file.read(size)

    def close(self):
        self.file.close()

    def frame(self, offset, number):
        """Count, kind, payload and end of the frame at `offset`, if it is sound and of `number`."""
        found = self._summed(offset)
        if found and found[4] == b.mix(number):
            return found[:4]
        return None

    def _summed(self, offset):
        data = self.read(offset, b.FRAME)
        head = b.frame_head(data, self.record_size)
        if head is None:
            return None
        count, kind, size = head
        payload = self.read(offset + b.FRAME, size)
        if len(payload) < size:
            return None
        computed = b.crc32c(b.crc32c(self.seed, data[:4]), payload)
        stored = int.from_bytes(data[4:8], "little")
        return count, kind, payload, offset + b.FRAME + size, computed ^ stored

    def find(self, offset, low, high):
        """The next sound frame behind `offset` whose number is from `low` to `high`: both."""
        # A blank tail is long and holds nothing.
        size = self.file.seek(0, 2)
        end = size
        while end > offset:
            start = max(offset, end - _CHUNK)
            if any(self.read(start, end - start)):
                break
            end = start
        mixed = None
        for at in range(offset, end):
            found = self._summed(at)
            if found is None:
                continue
            if mixed is None:
                mixed = {b.mix(number): number for number in range(low, high + 1)}
            if found[4] in mixed:
                return at, mixed[found[4]]
        return None

    def walk(self, number, bucket_size):
        """Walks all frames from `number` on.

        Returns the last number that a frame ends a commit with or `None`, where the frames end,
        whether the log was closed there, and how many sound frames there are.
        """
        offset, committed, closed, frames = b.BUCKET, None, False, 0
        high = number + bucket_size
        while True:
            found = self.frame(offset, number)
            if found is None:
                resumed = self.find(offset + 1, number, high)
                if resumed is None:
                    return committed, offset, closed, frames
                offset, number = resumed
                continue
            count, kind, _payload, offset = found
            frames += 1
            number += count
            closed = kind == b.CLOSE
            if kind == b.RECORDS or (kind == b.CLOSE and number > 1):
                committed = number - 1


class TSLog:
    """A crash-safe log of fixed-length records in a folder; parameters are those of the API page.

    `max_buckets` is the most buckets there may be, 0 for no cap: where they are all needed, `store`
    raises `TSLogFull`.
    """

    def __init__(
        self,
        folder,
        formats=None,
        record_size=None,
        bucket_size=None,
        commit_delta=16,
        nreaders=1,
        recreate=False,
        max_buckets=0,
    ):
        self._folder = str(folder)
        self._delta = _integer("commit_delta", commit_delta, 1, 65535)
        self._nreaders = _integer("nreaders", nreaders, 1, 4)
        self._max_buckets = _integer("max_buckets", max_buckets, 0, 1 << 31)
        wanted = self._wanted(formats, record_size, bucket_size)
        self._lock = _thread.allocate_lock()
        self._state = None
        self._file = None
        _make_folders(self._folder)
        header = self._find_header()
        if header is None or recreate:
            header = self._create(header, wanted)
        else:
            self._compare(header, wanted)
        self._header = header
        self._formats = [Format(text) for text, _fields in header.formats]
        self._recover()
        self._open_cursors()

    @staticmethod
    def _wanted(formats, record_size, bucket_size):
        if isinstance(formats, (str, bytes)):
            raise TSLogTypeError("formats must be a list such as ['Qff'], got %r" % formats)
        try:
            parsed = None if formats is None else [Format(text) for text in formats]
        except ValueError as error:
            raise TSLogValueError(str(error))
        if parsed:
            if len(parsed) > 255:
                raise TSLogValueError("a log has at most 255 formats, got %d" % len(parsed))
            record_size = max(format.size for format in parsed) + (len(parsed) > 1)
        if record_size is not None:
            _integer("record_size", record_size, 1, 1 << 28)
        if bucket_size is not None:
            _integer("bucket_size", bucket_size, 1, 1 << 31)
        return parsed, record_size, bucket_size

    # The folder

    def _path(self, name):
        return self._folder + "/" + name

    def _read_copy(self, copy):
        path = self._path("header-%d" % copy)
        if not _exists(path):
            return None
        file = _open(path, "rb")
        try:
            return b.Header.decode(file.read())
        finally:
            file.close()

    def _find_header(self):
        second = None
        for copy in range(2):
            found = self._read_copy(copy)
            if isinstance(found, b.Header):
                return found
            second = second or found
        if second is not None:
            raise TSLogNotALog("the log has layout version %d, later than this module" % second)
        if _exists(self._path("header-1")) or self._indexes():
            raise TSLogNotALog("what is in %s is not a log" % self._folder)
        return None

    def _indexes(self):
        """The indexes of all buckets in the folder, from the lowest."""
        names = [name for name in os.listdir(self._folder) if name[:7] == "bucket-"]
        digits = [name[7:] for name in names]
        return sorted(int(text) for text in digits if len(text) == 10 and text.isdigit())

    def _create(self, old, wanted):
        parsed, record_size, bucket_size = wanted
        formats = [(format.text, "") for format in parsed or ()]
        generation = old.generation + 1 if old else 1
        header = b.Header(generation, os.urandom(16), record_size or 128, bucket_size or 1024, formats)
        # Power goes while copy A is written: copy B still is the old log, or there is none.
        for copy in range(2):
            self._write_new("header-%d" % copy, header.encode())
        for index in self._indexes():
            os.remove(self._path("bucket-%010d" % index))
        for n in range(4):
            if _exists(self._path("reader-%d" % n)):
                os.remove(self._path("reader-%d" % n))
        return header

    def _write_new(self, name, data):
        file = _open(self._path(name), "wb")
        file.write(data)
        _sync(file)
        file.close()

    @staticmethod
    def _compare(header, wanted):
        parsed, record_size, bucket_size = wanted
        pairs = [("bucket_size", bucket_size, header.bucket_size)]
        if parsed is not None:
            texts = [format.text for format in parsed]
            pairs.append(("formats", texts, [text for text, _fields in header.formats]))
        if parsed or not header.formats:
            pairs.append(("record_size", record_size, header.record_size))
        for name, asked, made in pairs:
            if asked is not None and asked != made:
                message = "%s %s was asked for, and the log was made with %s"
                raise TSLogMismatch(message % (name, asked, made))

    def _recover(self):
        """Finds the newest bucket that ends a commit. What lies behind it was never committed."""
        indexes = self._indexes()
        self._first = {}
        self._void = []
        self._committed = 0
        self._index = None
        self._offset = 0
        closed = False
        while indexes and self._index is None:
            bucket = _Bucket(self, indexes[-1])
            first = bucket.first or self._first_behind(indexes[:-1])
            walked = bucket.walk(first, self._header.bucket_size)
            bucket.close()
            committed, end, is_closed, frames = walked
            # Header and first frame are one write: if that was cut, there is no bucket.
            if committed is None or (bucket.first is None and frames < 2):
                self._void.append(indexes.pop())
                if not indexes and bucket.first:
                    self._committed = bucket.first - 1
                continue
            self._index, self._committed = bucket.index, committed
            self._offset, closed = end, is_closed
            self._first[bucket.index] = first
        self._indexes_kept = indexes
        self._stored = self._committed
        self._abandoned = not closed
        self._pending = bytearray()
        self._count = 0
        self._parts = False

    def _first_behind(self, indexes):
        """The first number of the bucket behind these, by walking the last of them."""
        if not indexes:
            return 1
        bucket = _Bucket(self, indexes[-1])
        first = bucket.first or self._first_behind(indexes[:-1])
        committed = bucket.walk(first, self._header.bucket_size)[0]
        bucket.close()
        return (committed or first - 1) + 1

    def _first_of(self, index):
        """The first number of a bucket, `None` if its header is not sound."""
        if index not in self._first:
            bucket = _Bucket(self, index)
            self._first[index] = bucket.first
            bucket.close()
        return self._first[index]

    def _first_after(self, index):
        """The first number behind a bucket."""
        for following in self._indexes_kept:
            if following > index and self._first_of(following):
                return self._first_of(following)
        return self._committed + 1

    # Cursors

    def _open_cursors(self):
        oldest = 0
        if self._indexes_kept:
            oldest = (self._first_of(self._indexes_kept[0]) or 1) - 1
        self._counters, self._acked, self._handles = [], [], [None] * self._nreaders
        for n in range(4):
            name = "reader-%d" % n
            there = _exists(self._path(name))
            if n >= self._nreaders:
                if there:
                    os.remove(self._path(name))
                continue
            if not there:
                self._write_new(name, bytes(2 * b.PLACE_STRIDE))
            file = _open(self._path(name), "rb")
            newest = None
            for at in (0, b.PLACE_STRIDE):
                file.seek(at)
                found = b.read_place(self._header.seed, n, file.read(b.PLACE))
                if found and (newest is None or found[0] > newest[0]):
                    newest = found
            file.close()
            counter, cursor = newest or (0, oldest)
            self._counters.append(counter)
            self._acked.append(min(cursor, self._committed))

    def _acknowledge(self, n, cursor, index):
        counter = (self._counters[n] + 1) & 0xFFFFFFFF
        file = _open(self._path("reader-%d" % n), "r+b")
        file.seek(b.PLACE_STRIDE * (counter % 2))
        file.write(b.place(self._header.seed, n, counter, index, cursor))
        _sync(file)
        file.close()
        self._counters[n] = counter
        self._acked[n] = cursor

    # Storing

    def _check(self):
        if self._state:
            raise self._state

    def _closed(self):
        return TSLogClosed("this handle is closed, or a newer one took its place")

    def _failed(self, error):
        """After a failed write nothing more is known of the medium."""
        self._state = TSLogPoisoned("a write failed earlier (%r): open the log again" % error)
        raise error

    def _frame(self, kind, payload, count):
        number = self._stored + 1 - count
        data = b.frame(b.bucket_seed(self._header.seed, self._index), kind, count, number, payload)
        if self._offset == 0:
            head = b.bucket_header(self._header.seed, self._index, self._first[self._index], self._acked)
            data = head + data
        try:
            self._file.seek(self._offset)
            self._file.write(data)
            _sync(self._file)
        except OSError as error:
            self._failed(error)
        self._offset += len(data)

    def _write_pending(self, kind):
        self._frame(kind, self._pending, self._count)
        self._pending = bytearray()
        self._count = 0

    def _roll(self):
        """Begins the next bucket, gives up what all readers have acknowledged."""
        kept = self._indexes_kept
        least = min(self._acked)
        while len(kept) > 1 and self._first_after(kept[0]) - 1 <= least:
            os.remove(self._path("bucket-%010d" % kept[0]))
            self._first.pop(kept.pop(0), None)
        if self._max_buckets and len(kept) >= self._max_buckets:
            raise TSLogFull("the log is full, and its readers still need every bucket")
        try:
            if self._count:
                self._write_pending(b.PART)
            while self._void:
                # Newest first, so that what is left never looks newer than what is kept.
                os.remove(self._path("bucket-%010d" % self._void[0]))
                self._void.pop(0)
            if self._file:
                self._file.close()
            self._index = 0 if self._index is None else self._index + 1
            self._file = _open(self._path("bucket-%010d" % self._index), "w+b")
        except OSError as error:
            self._failed(error)
        self._first[self._index] = self._stored + 1
        kept.append(self._index)
        self._offset, self._abandoned = 0, False

    def _put(self, record):
        with self._lock:
            self._check()
            if self._index is None or self._abandoned:
                self._roll()
            elif self._stored + 1 - self._first[self._index] >= self._header.bucket_size:
                self._roll()
            elif self._file is None:
                self._file = _open(self._path("bucket-%010d" % self._index), "r+b")
            self._pending += record
            self._count += 1
            self._stored += 1
            if self._stored - self._committed >= self._delta:
                self._commit()
            return self._stored

    def _commit(self):
        if self._stored > self._committed:
            self._write_pending(b.RECORDS)
            self._committed = self._stored
        return self._stored

    def store(self, *args):
        """Stores the arguments by the one format of the log; returns the number of the record."""
        if len(self._formats) != 1:
            message = "store() needs a log with one format, and this one has %d"
            raise TSLogTypeError(message % len(self._formats))
        return self._put(self._pack(0, args))

    def store_with_tag(self, tag, *args):
        """Stores the arguments by the format that `tag` selects; returns the number."""
        if len(self._formats) < 2:
            message = "store_with_tag() needs a log with two formats or more, and this one has %d"
            raise TSLogTypeError(message % len(self._formats))
        return self._put(self._pack(_integer("tag", tag, 0, len(self._formats) - 1), args))

    def _pack(self, tag, values):
        record = bytearray(self._header.record_size)
        skip = 1 if len(self._formats) > 1 else 0
        if skip:
            record[0] = tag
        try:
            self._formats[tag].pack(values, record, skip)
        except TypeError as error:
            raise TSLogTypeError(str(error))
        except (ValueError, OverflowError) as error:
            raise TSLogValueError(str(error))
        return record

    def store_record(self, data):
        """Stores bytes, filled up with zeros to `record_size`; returns the number."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TSLogTypeError("data must be bytes, got %r" % (data,))
        size = self._header.record_size
        if len(data) > size:
            raise TSLogValueError("a record has at most %d bytes, got %d" % (size, len(data)))
        record = bytearray(size)
        record[: len(data)] = data
        return self._put(record)

    def commit(self):
        """Makes every stored record durable; returns the number of the last one."""
        with self._lock:
            self._check()
            return self._commit()

    def uncommitted(self):
        """How many records are stored and not committed."""
        self._check()
        return self._stored - self._committed

    def stats(self):
        """The latest number, the index of its bucket, and the lag of the slowest reader."""
        with self._lock:
            self._check()
            least = self._stored
            for n, acked in enumerate(self._acked):
                handle = self._handles[n]
                least = min(least, acked if handle is None else handle._cursor)
            return TSStats(self._stored, self._index or 0, self._stored - least)

    def reader(self, n):
        """Reader `n`, which starts behind its last commit."""
        with self._lock:
            self._check()
            _integer("n", n, 0, self._nreaders - 1)
            if self._handles[n] is not None:
                self._handles[n]._gone = True
            self._handles[n] = TSReader(self, n)
            return self._handles[n]

    def close(self):
        """Commits and closes the log. Closing twice is no error."""
        with self._lock:
            if isinstance(self._state, TSLogClosed):
                return
            failed, self._state = self._state, self._closed()
            try:
                if failed is None:
                    self._commit()
                    if self._file and self._offset:
                        self._frame(b.CLOSE, b"", 0)
            finally:
                self._state = self._closed()
                if self._file:
                    self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class TSReader:
    """Reads the records of a log in order: the result of `TSLog.reader(n)`."""

    def __init__(self, tslog, n, format=""):
        self._log = tslog
        self._n = n
        self._cursor = tslog._acked[n]
        self._gone = False
        self._bucket = None
        self._offset = 0
        self._number = 0
        self._end = 0
        self._records = b""

    def _check(self):
        self._log._check()
        if self._gone:
            raise self._log._closed()

    def _peek(self):
        """The bytes of the next record, `None` if no more are committed."""
        self._check()
        want = self._cursor + 1
        size = self._log._header.record_size
        if not self._number <= want < self._number + len(self._records) // size:
            if want > self._log._committed:
                return None
            self._records = b""
            self._find(want)
        at = (want - self._number) * size
        return self._records[at : at + size]

    def _leave(self):
        if self._bucket:
            self._bucket.close()
        self._bucket = None

    def _enter(self, index, number):
        self._leave()
        self._bucket = _Bucket(self._log, index)
        self._offset, self._number = b.BUCKET, self._bucket.first or number
        # Known for good once there is a bucket behind this one.
        self._end = None

    def _find(self, want):
        """Loads the frame that holds `want`."""
        log = self._log
        while True:
            if self._bucket is None or self._bucket.index not in log._indexes_kept:
                self._locate(want)
            index = self._bucket.index
            if index != log._indexes_kept[-1]:
                self._end = self._end or log._first_after(index)
            end = self._end or log._committed + 1
            if want >= end:
                behind = [other for other in log._indexes_kept if other > index]
                self._enter(behind[0], want)
                if self._number > want:
                    self._lost(want, min(self._number, log._committed + 1) - 1)
                continue
            found = self._bucket.frame(self._offset, self._number)
            if found is None:
                self._skip(want, end)
                continue
            count, _kind, payload, behind = found
            self._offset = behind
            if count and self._number + count > want:
                self._records = payload
                # The frame is behind us; its records are not.
                return
            self._number += count

    def _locate(self, want):
        """Enters the bucket that holds `want`, or the first one there is."""
        log = self._log
        chosen = log._indexes_kept[0]
        for index in log._indexes_kept:
            first = log._first_of(index)
            if first and first <= want:
                chosen = index
        self._enter(chosen, want)
        if self._number > want:
            self._lost(want, self._number - 1)

    def _skip(self, want, end):
        """The frame here is not sound: goes to the next one that is, and tells what is lost."""
        found = self._bucket.find(self._offset + 1, self._number, end)
        if found:
            self._offset, self._number = found
        else:
            self._number = end
            index = self._bucket.index
            behind = [other for other in self._log._indexes_kept if other > index]
            if behind:
                self._enter(behind[0], end)
        if self._number > want:
            self._lost(want, self._number - 1)

    def _lost(self, first, last):
        self._cursor = last
        raise TSLogDamaged(first, last)

    def _take(self, advance, wait):
        _integer("wait", wait, 0, 1 << 31)
        while True:
            with self._log._lock:
                # A frame that was used up is followed by the next one.
                size = self._log._header.record_size
                count = len(self._records) // size
                if count and self._cursor + 1 >= self._number + count:
                    self._number += count
                    self._records = b""
                record = self._peek()
                if record is not None:
                    self._cursor += advance
                    return bytearray(record)
            if not wait:
                return None
            time.sleep(wait / 1000)

    def _values(self, advance, wait):
        formats = self._log._formats
        if not formats:
            raise TSLogTypeError("next() needs a log with formats: read bytes with next_record()")
        record = self._take(advance, wait)
        if record is None:
            return None
        if len(formats) == 1:
            return formats[0].unpack(record, 0)
        if record[0] >= len(formats):
            message = "expected a tag from 0 to %d, got %d in a record"
            raise TSLogValueError(message % (len(formats) - 1, record[0]))
        return record[0], formats[record[0]].unpack(record, 1)

    def next(self, wait=0):
        """The next record as a tuple, with several formats `(tag, tuple)`; `None` if there is none.

        With `wait` above 0, looks again every `wait` milliseconds until there is one.
        """
        return self._values(1, wait)

    def peek(self, wait=0):
        """As `next`, but the cursor stays where it is."""
        return self._values(0, wait)

    def next_record(self, advance=True, wait=0):
        """The next record as a bytearray; `None` if there is none."""
        return self._take(1 if advance else 0, wait)

    def commit(self):
        """Saves the number of the last record read as the cursor, durably, and returns it."""
        with self._log._lock:
            self._check()
            if self._cursor != self._log._acked[self._n]:
                index = self._bucket.index if self._bucket else 0
                self._log._acknowledge(self._n, self._cursor, index)
            return self._cursor

    def uncommitted(self):
        """How many records were read and not committed."""
        self._check()
        return self._cursor - self._log._acked[self._n]

    def close(self):
        """Closes the reader without a commit."""
        with self._log._lock:
            self._gone = True
            self._leave()

    def __iter__(self):
        return self

    def __next__(self):
        record = self.next()
        if record is None:
            raise StopIteration
        return record
