"""The tuples with names that a log returns."""

from typing import NamedTuple


class TSStats(NamedTuple):
    """What `TSLog.stats` returns: `seqn, bucket, lag = log.stats()`."""

    seqn: int
    """The number of the latest record; 0 in an empty log."""
    bucket: int
    """The index of the bucket that holds it."""
    lag: int
    """How many records the slowest reader has not read."""


class TSReport(NamedTuple):
    """What opening a log found: `TSLog.report`."""

    clean: bool
    """Whether the log was closed in order the last time."""
    abandoned: int
    """Bytes behind the last commit that belong to none: a write that power cut short."""
    lost: tuple[int, int] | None
    """The first and the last number that are gone although they were committed."""
    header_damaged: bool
    """Whether one of the two copies of the header was damaged."""
