"""`from tslog import tslog`, and then `tslog.TSLog(...)`: the way programs for devices do it."""

from tslog._errors import (
    TSLogClosed,
    TSLogDamaged,
    TSLogDropped,
    TSLogError,
    TSLogExhausted,
    TSLogForked,
    TSLogFull,
    TSLogLocked,
    TSLogLost,
    TSLogMismatch,
    TSLogNotALog,
    TSLogNotFound,
    TSLogObjectsUnsupported,
    TSLogObjectTooBig,
    TSLogOSError,
    TSLogPoisoned,
    TSLogTypeError,
    TSLogValueError,
)
from tslog._tslog import TSBatch, TSLog, TSReader
from tslog._types import TSReport, TSStats

Log = TSLog

__all__ = [
    "Log",
    "TSBatch",
    "TSLog",
    "TSLogClosed",
    "TSLogDamaged",
    "TSLogDropped",
    "TSLogError",
    "TSLogExhausted",
    "TSLogForked",
    "TSLogFull",
    "TSLogLocked",
    "TSLogLost",
    "TSLogMismatch",
    "TSLogNotALog",
    "TSLogNotFound",
    "TSLogOSError",
    "TSLogObjectTooBig",
    "TSLogObjectsUnsupported",
    "TSLogPoisoned",
    "TSLogTypeError",
    "TSLogValueError",
    "TSReader",
    "TSReport",
    "TSStats",
]
