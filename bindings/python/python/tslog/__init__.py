"""A crash-safe log for time series.

>>> from tslog import TSLog
>>> with TSLog(folder, formats=["Qff"], fields="time:s,temperature:degC,humidity:%") as log:
...     log.store(1700000000, 20.5, 40.0)
1
>>> with TSLog.open(folder) as log:
...     log.reader(0).next()
(1700000000, 20.5, 40.0)
"""

from tslog.tslog import *  # noqa: F403
from tslog.tslog import __all__ as __all__
