"""A crash-safe log for time series, in pure Python, for MicroPython: see tslog.tslog."""

from tslog.tslog import (  # noqa: F401
    TSLog,
    TSLogClosed,
    TSLogDamaged,
    TSLogDropped,
    TSLogError,
    TSLogFull,
    TSLogLost,
    TSLogMismatch,
    TSLogNotALog,
    TSLogObjectsUnsupported,
    TSLogObjectTooBig,
    TSLogPoisoned,
    TSLogTypeError,
    TSLogValueError,
    TSReader,
    TSStats,
)
