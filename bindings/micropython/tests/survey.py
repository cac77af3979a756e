"""What a log that was damaged still gives: for MicroPython and CPython alike.

`survey(TSLog, folder)` opens, reads all, stores on, and reads again; its result is plain values, so
that two implementations can be compared. As a program, it takes a list of folders on stdin.
"""

import sys


def events(reader):
    """The numbers of the records, and each loss as its first and last number and its kind."""
    seen = []
    while True:
        try:
            record = reader.next()
        except Exception as error:
            if not hasattr(error, "last"):
                raise
            seen.append((error.first, error.last, type(error).__name__))
            continue
        if record is None:
            return seen
        assert record[1] == record[0] % 65536, record
        seen.append(record[0])


def survey(log_class, folder):
    """What opening gave, then what reading gave, then what storing on and reading that gave."""
    try:
        log = log_class(folder, commit_delta=3, nreaders=2)
    except Exception as error:
        return type(error).__name__
    stats = log.stats()
    readers = [log.reader(n) for n in range(2)]
    begun = [events(reader) for reader in readers]
    first = stats[0] + 1
    for i in range(first, first + 6):
        log.store(i, i % 65536)
    return tuple(stats), begun, [events(reader) for reader in readers]


if __name__ == "__main__":
    sys.path.insert(0, __file__.rsplit("/", 2)[0])
    from tslog import TSLog

    folders = eval(sys.stdin.read())  # noqa: S307 - a tool of the tests alone
    print(repr([survey(TSLog, folder) for folder in folders]))
