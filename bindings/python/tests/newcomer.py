"""The README as a newcomer follows it, from top to bottom, in the folder this is started in.

newcomer.py [LIBRARY ...]: with which libraries; without pandas and NumPy, their absence must be
named with the command that helps.
"""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

from tslog import TSLog

README = Path(__file__).parents[1] / "README.md"
SHOWN = ["TSStats(seqn=1, bucket=0, lag=1)", "1700000000 20.5 40.0"]
MEAN = "24.75"
OBJECT = "{'door': 'open'}"


def programs():
    """The programs in Python that the README has."""
    text = README.read_text()
    assert text.startswith("```python\n"), "the README begins with its first program"
    found = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found[0].splitlines()) == 3
    return found


def prepare():
    """A log that somebody else has filled."""
    with TSLog("readings", formats=["Qff"], fields="time:s,temperature:degC,humidity:%") as log:
        for i in range(100):
            log.store(i, i / 2, i)


def follow(libraries):
    """Runs all programs in their order; gives what they printed."""
    prepare()
    names, shown = {}, io.StringIO()
    for program in programs():
        wants_numpy = "to_pandas" in program or "to_numpy" in program
        with contextlib.redirect_stdout(shown):
            if wants_numpy and "pandas" not in libraries:
                try:
                    exec(program, names)
                except ImportError as error:
                    assert "which is not installed: pip install" in str(error), error
                else:
                    raise AssertionError("expected an ImportError without the library")
            else:
                exec(program, names)
        if "frame" in names:
            frame = names.pop("frame")
            assert len(frame) == 100
            assert list(frame.columns) == ["time", "temperature", "humidity"]
        if names["log"].folder == Path("readings"):
            names["log"].close()
    return shown.getvalue().splitlines()


def main(libraries):
    """Follows the README, and looks at a log with the command that came along."""
    expected = [*SHOWN, MEAN, OBJECT] if "pandas" in libraries else [*SHOWN, OBJECT]
    shown = follow(libraries)
    assert shown == expected, shown
    command = [str(Path(sys.executable).with_name("tslog")), "cat", "readings", "--csv"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(listed.splitlines()) >= 100, listed


if __name__ == "__main__":
    main(sys.argv[1:])
