"""A program as a user of types writes it. It is checked by mypy and never run."""

import json
from pathlib import Path

from tslog import TSLog, TSLogDamaged, TSReader, TSStats, tslog


def main(folder: Path) -> None:
    with tslog.TSLog(folder, formats=["Qff"], fields="time:s,a,b") as log:
        number: int = log.store(1, 2.0, 3.0)
        stats: TSStats = log.stats()
        seqn, bucket, lag = stats
        assert number + seqn + bucket + lag + stats.lag >= 0
        reader: TSReader = log.reader(0)
        for record in reader:
            print(record)
        try:
            print(reader.next(wait=10))
        except TSLogDamaged as lost:
            print(lost.first, lost.last)
        view: memoryview = memoryview(reader.batch(1000))
        print(view.nbytes)
    with TSLog.open(str(folder), serializer=json) as log:
        log.store_object({"a": 1})


async def wait(reader: TSReader) -> int:
    return await reader.wait()
