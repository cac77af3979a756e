"""What can go wrong. Everything derives from `TSLogError`, and from what Python calls it."""


class TSLogError(Exception):
    """The base of all errors of a log."""


class TSLogClosed(TSLogError, ValueError):
    """The log or the reader is closed, or a newer handle took the reader over."""


class TSLogExhausted(TSLogError, OverflowError):
    """The log has given its last number, 2**56 - 1."""


class TSLogForked(TSLogError, RuntimeError):
    """The log was opened before a fork and is used after it, in the child process."""


class TSLogFull(TSLogError, OSError):
    """There is no room; `errno` is `ENOSPC`.

    Nothing was stored and no number was used. Readers can go on reading and committing; once they
    have, storing works again.
    """


class TSLogLocked(TSLogError, BlockingIOError):
    """Another process or handle has the log, or this reader of it; `errno` is `EWOULDBLOCK`.

    `pid` is the process that has it, or `None` where that is not known.
    """

    pid: int | None = None


class TSLogLost(TSLogError):
    """Records are gone: the numbers from `first` to `last`, both included.

    The reader stands behind them: the next call goes on there.
    """

    first: int
    last: int

    def __init__(self, message: str, first: int = 0, last: int = 0) -> None:
        super().__init__(message, first, last)
        self.first = first
        self.last = last

    def __str__(self) -> str:
        return str(self.args[0])


class TSLogDamaged(TSLogLost):
    """Committed records do not read back: their bytes changed on the medium."""


class TSLogDropped(TSLogLost):
    """The log was full and dropped its oldest bucket before this reader had read it."""


class TSLogMismatch(TSLogError, ValueError):
    """The log was made with other formats, another `record_size` or `bucket_size`."""


class TSLogNotALog(TSLogError, ValueError):
    """What is in the folder is not a log, or one of a later version."""


class TSLogNotFound(TSLogError, FileNotFoundError):
    """There is no log in the folder, or no such reader; `errno` is `ENOENT`."""


class TSLogObjectTooBig(TSLogError, ValueError):
    """The serialized object is longer than `record_size`."""


class TSLogObjectsUnsupported(TSLogError, TypeError):
    """Objects can be stored only in a log that was opened with `serializer=`."""


class TSLogOSError(TSLogError, OSError):
    """The file system failed; `errno` says how."""


class TSLogPoisoned(TSLogError, RuntimeError):
    """A write or a sync failed earlier, so what the medium holds is not known: open it again."""


class TSLogTypeError(TSLogError, TypeError):
    """An argument has the wrong type, or there are too many or too few. Nothing has changed."""


class TSLogValueError(TSLogError, ValueError):
    """An argument is out of its range. Nothing has changed."""


# Users know these by the package they import them from, and so do their tracebacks.
for _error in list(globals().values()):
    if isinstance(_error, type):
        _error.__module__ = "tslog"
