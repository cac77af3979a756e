"""Stores and reads for other programs: `tool.py write|read|objects`, with arguments as text on stdin.

Floats come and go as the bytes of a double: their text is not exact everywhere.
"""

import json
import struct
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from tslog import TSLog  # noqa: E402


def double(value):
    return ("float", struct.pack("<d", value)) if isinstance(value, float) else value


def undouble(value):
    return struct.unpack("<d", value[1])[0] if isinstance(value, tuple) else value


def write(folder, formats, records, bucket_size, commit_delta, close):
    log = TSLog(folder, formats, bucket_size=bucket_size, commit_delta=commit_delta)
    for record in records:
        log.store(*[undouble(value) for value in record])
    if close:
        log.close()


def read(folder, limit, commit):
    reader = TSLog(folder).reader(0)
    records = []
    while limit is None or len(records) < limit:
        record = reader.next()
        if record is None:
            break
        records.append(tuple(double(value) for value in record))
    if commit:
        reader.commit()
    print(repr(records))


def objects(folder, more):
    log = TSLog(folder, serializer=json)
    for each in more:
        log.store_object(each)
    log.commit()
    print(repr(list(log.reader(0))))


if __name__ == "__main__":
    arguments = eval(sys.stdin.read())  # noqa: S307 - a tool of the tests alone
    {"write": write, "read": read, "objects": objects}[sys.argv[1]](*arguments)
