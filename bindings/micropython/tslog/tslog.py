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
from tslog._probe import ENOENT, Position, Probe, indexes, open_file

_CPYTHON = sys.implementation.name == "cpython"

# What stands behind the data of an object that ends with a zero, or with itself.
_MARK = 1

TSStats = namedtuple("TSStats", ("seqn", "bucket", "lag"))


class TSLogError(Exception):
    """The base of all errors of a log."""


class TSLogClosed(TSLogError):
    """The log or the reader is closed, or a newer handle took the reader over."""


class TSLogLost(TSLogError):
    """Records are gone: the numbers from `first` to `last`. The reader stands behind them."""

    what = "lost"

    def __init__(self, first, last):
        super().__init__("%s: %d to %d" % (self.what, first, last))
        self.first = first
        self.last = last


class TSLogDamaged(TSLogLost):
    """Committed records do not read back: their bytes changed on the medium."""

    what = "damaged on the medium"


class TSLogDropped(TSLogLost):
    """The log was full and dropped its oldest bucket before this reader had read it."""

    what = "dropped"


class TSLogFull(TSLogError):
    """There is no room, and the readers still need every bucket. Nothing was stored."""


class TSLogMismatch(TSLogError):
    """The log was made with other formats, another `record_size` or `bucket_size`."""


class TSLogNotALog(TSLogError):
    """What is in the folder is not a log, or one of a later version."""


class TSLogObjectTooBig(TSLogError):
    """The serialized object is longer than `record_size`."""


class TSLogObjectsUnsupported(TSLogError):
    """Objects can be stored only in a log that was opened with `serializer=`."""


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


def _sync(file):
    file.flush()
    if _CPYTHON:
        os.fsync(file.fileno())


def _exists(path):
    try:
        os.stat(path)
    except OSError as error:
        if error.args[0] != ENOENT:
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


class TSLog:
    """A crash-safe log of fixed-length records in a folder; parameters are those of the API page.

    `max_buckets` is the most buckets there may be, 0 for no cap: where they are all needed, `store`
    raises `TSLogFull`. `serializer` is an object with `dumps` and `loads`, such as the module
    `json`, for `store_object`.
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
        serializer=None,
    ):
        self._folder = str(folder)
        self._delta = _integer("commit_delta", commit_delta, 1, 65535)
        self._nreaders = _integer("nreaders", nreaders, 1, 4)
        self._max_buckets = _integer("max_buckets", max_buckets, 0, 1 << 31)
        wanted = self._wanted(formats, record_size, bucket_size)
        self._serializer, self._is_text = serializer, False
        self._lock = _thread.allocate_lock()
        self._state = None
        self._file = None
        self._begun = True
        _make_folders(self._folder)
        header = self._find_header()
        if header is None or recreate:
            header = self._create(header, wanted)
        else:
            self._compare(header, wanted)
        self._header = header
        self._formats = [Format(text) for text, _fields in header.formats]
        if self._formats and serializer:
            raise TSLogValueError("expected formats or a serializer, got both")
        self._probe = Probe(self._folder, header)
        self._read_cursors()
        self._recover()
        self._open_cursors()
        if self._head is None or self._probe.header(self._head):
            # Where the header of the newest bucket is rotten, the one before it shows that it counts.
            self._give_up_consumed()

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
        file = open_file(path, "rb")
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
        if _exists(self._path("header-1")) or indexes(self._folder):
            raise TSLogNotALog("what is in %s is not a log" % self._folder)
        return None

    def _create(self, old, wanted):
        parsed, record_size, bucket_size = wanted
        formats = [(format.text, "") for format in parsed or ()]
        generation = old.generation + 1 if old else 1
        header = b.Header(generation, os.urandom(16), record_size or 128, bucket_size or 1024, formats)
        # Power goes while copy A is written: copy B still is the old log, or there is none.
        for copy in range(2):
            self._write_new("header-%d" % copy, header.encode())
        probe = Probe(self._folder, header)
        for index in probe.indexes():
            os.remove(probe.path(index))
        for n in range(4):
            if _exists(self._path("reader-%d" % n)):
                os.remove(self._path("reader-%d" % n))
        return header

    def _write_new(self, name, data):
        file = open_file(self._path(name), "wb")
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
        probe, there = self._probe, self._probe.indexes()
        self._pending, self._count = bytearray(), 0
        self._oldest, self._head, self._anchor = 0, None, None
        self._committed, self._first, self._offset = 0, 1, b.BUCKET
        self._abandoned, self._told = bool(there), [None] * 4
        known = [cursor for cursor in self._acked if cursor is not None]
        cursor = min(known) if known else 0
        end = None
        for index in reversed(there):
            walk = probe.walk(index, cursor)
            if walk:
                end = index, walk
                if walk.solid:
                    break
        # The bucket before it may be gone or rotten; the numbers up to here are taken.
        if end and (end[1].solid or end[1].first > 1):
            index, walk = end
            self._oldest, self._head, self._anchor = there[0], index, index
            self._first, self._offset = walk.first, walk.end
            self._committed = walk.first - 1 if walk.committed is None else walk.committed
            clean = walk.closed and walk.header is not None and index == there[-1]
            self._abandoned = not (clean and probe.is_blank(index, walk.end, probe.extent(index)))
            self._tell(walk, [before for before in there if before < index])

    def _tell(self, walk, before):
        """Takes note of the cursors that the newest sound header tells."""
        header = walk.header
        while header is None and before:
            header = self._probe.header(before.pop())
        if header:
            self._told = header[1]

    def _bounds(self):
        """Which buckets a reader may look at, and the last number it may read."""
        return self._oldest, -1 if self._anchor is None else self._anchor, self._committed

    # Cursors

    def _read_cursors(self):
        """The cursors that have a place of their own, `None` where both are torn."""
        self._counters, self._acked, self._fresh = [], [], []
        self._handles = [None] * self._nreaders
        for n in range(4):
            name = "reader-%d" % n
            there = _exists(self._path(name))
            if n >= self._nreaders:
                if there:
                    os.remove(self._path(name))
                continue
            if not there:
                self._write_new(name, bytes(2 * b.PLACE_STRIDE))
            file = open_file(self._path(name), "rb")
            newest, fresh = None, False
            for at in (0, b.PLACE_STRIDE):
                file.seek(at)
                data = file.read(b.PLACE)
                data += bytes(b.PLACE - len(data))
                fresh = fresh or not any(data)
                found = b.read_place(self._header.seed, n, data)
                # The counter wraps, so "later" is by the sign of the difference.
                if found and (newest is None or (found[0] - newest[0]) & 0xFFFFFFFF < 1 << 31):
                    newest = found
            file.close()
            self._counters.append(newest[0] if newest else 0)
            self._acked.append(newest[1] if newest else None)
            self._fresh.append(fresh)

    def _open_cursors(self):
        """A reader without a place stands where the newest header tells, or before the oldest."""
        oldest = self._committed
        if self._head is not None:
            oldest = self._probe.first_number(self._oldest, self._head) - 1
        for n in range(self._nreaders):
            if self._acked[n] is None:
                told = None if self._fresh[n] else self._told[n]
                self._acked[n] = oldest if told is None else told
        # A cursor beyond the last commit proves that more was committed, and is lost.
        self._stored = max(self._committed, max(self._acked))
        self._abandoned = self._abandoned or self._stored > self._committed
        self._committed = self._stored

    def _acknowledge(self, n, cursor, index):
        counter = (self._counters[n] + 1) & 0xFFFFFFFF
        file = open_file(self._path("reader-%d" % n), "r+b")
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
        data = b.frame(b.bucket_seed(self._header.seed, self._head), kind, count, number, payload)
        offset = self._offset
        if not self._begun:
            acked = self._acked
            data = b.bucket_header(self._header.seed, self._head, self._first, acked) + data
            offset = 0
        self._probe.forget()
        try:
            self._file.seek(offset)
            self._file.write(data)
            _sync(self._file)
        except OSError as error:
            self._failed(error)
        self._offset, self._begun = offset + len(data), True

    def _write_pending(self, kind):
        self._frame(kind, self._pending, self._count)
        self._pending = bytearray()
        self._count = 0

    def _give_up_consumed(self):
        """Removes buckets that all readers are behind, from the oldest on. A failure is no error:
        they are tried again with the next roll."""
        least = min(self._acked)
        if self._head is None:
            return
        # The bucket of the last commit stays, for it tells the next number.
        kept = self._head if self._anchor is None else min(self._anchor, self._head)
        while self._oldest < kept:
            following = self._probe.first_at_or_after(self._oldest + 1, self._head - 1)
            if (following or self._first) - 1 > least:
                return
            try:
                self._remove(self._oldest)
            except OSError:
                return
            self._oldest += 1

    def _remove(self, index):
        """Removes a bucket, if it is there."""
        self._probe.forget()
        if _exists(self._probe.path(index)):
            os.remove(self._probe.path(index))

    def _roll(self):
        """Begins the next bucket, gives up what all readers have acknowledged."""
        following = 0 if self._head is None else self._head + 1
        self._give_up_consumed()
        if self._max_buckets and following - self._oldest >= self._max_buckets:
            raise TSLogFull("the log is full, and its readers still need every bucket")
        try:
            if self._abandoned:
                # Newest first, so that what is left never looks newer than what is kept.
                for index in reversed(self._probe.indexes()):
                    if index < following:
                        break
                    self._remove(index)
            if self._count:
                self._write_pending(b.PART)
            if self._file:
                self._file.close()
            self._probe.forget()
            self._file = open_file(self._probe.path(following), "w+b")
        except OSError as error:
            self._failed(error)
        if self._head is None:
            self._oldest = following
        self._head, self._first = following, self._stored + 1
        self._offset, self._begun, self._abandoned = b.BUCKET, False, False

    def _put(self, record):
        with self._lock:
            self._check()
            if self._head is None or self._abandoned:
                self._roll()
            elif self._stored + 1 - self._first >= self._header.bucket_size:
                self._roll()
            elif self._file is None:
                self._file = open_file(self._probe.path(self._head), "r+b")
            self._pending += record
            self._count += 1
            self._stored += 1
            if self._stored - self._committed >= self._delta:
                self._commit()
            return self._stored

    def _commit(self):
        if self._stored > self._committed:
            self._write_pending(b.RECORDS)
            self._committed, self._anchor = self._stored, self._head
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

    def store_object(self, obj):
        """Stores what the serializer's `dumps` makes of an object; returns the number. `next` then
        returns the object."""
        if self._serializer is None:
            raise TSLogObjectsUnsupported("store_object() needs a log with a serializer=")
        data = self._serializer.dumps(obj)
        if isinstance(data, str):
            self._is_text, data = True, data.encode()
        # A record is filled up with zeros, so that what ends with one needs a mark behind it.
        if not data or data[-1] <= _MARK:
            data = bytes(data) + bytes([_MARK])
        size = self._header.record_size
        if len(data) > size:
            raise TSLogObjectTooBig("an object has at most %d bytes, got %d" % (size, len(data)))
        return self.store_record(data)

    def _load(self, record):
        """The object in a record."""
        data = bytes(record).rstrip(b"\0")
        if data and data[-1] == _MARK:
            data = data[:-1]
        if not self._is_text:
            try:
                return self._serializer.loads(data)
            except TypeError:
                # A log that was filled earlier, and a serializer of text alone.
                self._is_text = True
        return self._serializer.loads(data.decode())

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
            bucket = self._head or 0
            if self._head is not None and self._stored < self._first:
                bucket = max(bucket - 1, self._oldest)
            return TSStats(self._stored, bucket, self._stored - least)

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
                    if self._file and self._begun:
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
        # The records from `_number` on are in memory; `_at` is behind them.
        self._at = Position()
        self._number = 0
        self._records = b""

    def _check(self):
        self._log._check()
        if self._gone:
            raise self._log._closed()

    def _peek(self):
        """The bytes of the next record, `None` if no more are committed."""
        self._check()
        log, want = self._log, self._cursor + 1
        size = log._header.record_size
        if not self._number <= want < self._number + len(self._records) // size:
            if want > log._committed:
                return None
            records, lost, dropped = log._probe.next(log._bounds(), self._at, want)
            if records is None:
                self._records, self._cursor = b"", lost
                raise (TSLogDropped if dropped else TSLogDamaged)(want, lost)
            self._records, self._number = records, want
            self._at.take(len(records) // size)
        at = (want - self._number) * size
        return self._records[at : at + size]

    def _take(self, advance, wait):
        _integer("wait", wait, 0, 1 << 31)
        while True:
            with self._log._lock:
                record = self._peek()
                if record is not None:
                    self._cursor += advance
                    return bytearray(record)
            if not wait:
                return None
            time.sleep(wait / 1000)

    def _values(self, advance, wait):
        formats = self._log._formats
        if self._log._serializer:
            record = self._take(advance, wait)
            return None if record is None else self._log._load(record)
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
        """The next record as a tuple, with several formats `(tag, tuple)`, with a serializer the
        object; `None` if there is none.

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
                self._log._acknowledge(self._n, self._cursor, max(0, self._at.index))
            return self._cursor

    def uncommitted(self):
        """How many records were read and not committed."""
        self._check()
        return self._cursor - self._log._acked[self._n]

    def close(self):
        """Closes the reader without a commit."""
        with self._log._lock:
            self._gone = True

    def __iter__(self):
        return self

    def __next__(self):
        record = self.next()
        if record is None:
            raise StopIteration
        return record
