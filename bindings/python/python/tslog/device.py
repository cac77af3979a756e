"""Runs a program for a device on this machine.

    python -m tslog.device script.py [--root DIR] [--for SECONDS] [--speed X]

Such programs have what Python lacks: `sleep(ms)`, `thread(function, *arguments)`, which starts at
once, and `time.now()`, integer seconds. Folders that begin with `/zerynth` are folders in DIR.
The program ends when it ends, or after SECONDS of this machine's clock: as on a device whose power
is cut, without a warning and without a commit.
"""

import argparse
import builtins
import os
import runpy
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Self

from tslog import TSLog, tslog

PREFIX = "/zerynth"


def mapped(path: Any, root: Path) -> Any:
    """The path on this machine of a path on the device."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if isinstance(text, str) and (text == PREFIX or text.startswith(PREFIX + "/")):
        # Joined as text, so that nothing after the prefix counts as absolute.
        return f"{root}{text[len(PREFIX):]}"
    return path


class DeviceLog(TSLog):
    """A log in a folder of the device."""

    root = Path()

    def __new__(cls, folder: Any, *arguments: Any, **options: Any) -> Self:
        """As `TSLog`."""
        return super().__new__(cls, mapped(folder, cls.root), *arguments, **options)


def cut_power(status: int) -> NoReturn:
    """Ends the process, with whatever its threads are doing."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def install(root: Path, speed: float) -> None:
    """Gives programs what they have on a device."""
    begin = time.monotonic()
    today = time.time()

    def sleep(ms: float) -> None:
        """Waits for this many milliseconds of the device's clock."""
        time.sleep(ms / 1000 / speed)

    def now() -> int:
        """Seconds since 1970 on the device's clock."""
        return int(today + (time.monotonic() - begin) * speed)

    def thread(function: Callable[..., object], *arguments: object) -> threading.Thread:
        """Starts a thread at once."""
        started = threading.Thread(target=function, args=arguments, daemon=True)
        started.start()
        return started

    DeviceLog.root = root
    plain_open, plain_print = open, print

    def device_print(
        *values: object, sep: str | None = " ", end: str | None = "\n", **how: Any
    ) -> None:
        """Prints a line whole, whatever other threads print."""
        line = (" " if sep is None else sep).join(map(str, values))
        try:
            plain_print(line + ("\n" if end is None else end), end="", **how)
        except BrokenPipeError:
            if how.get("file") is not None:
                raise
            # Whoever read the output has seen enough.
            os._exit(1)

    def device_open(file: Any, *arguments: Any, **options: Any) -> Any:
        """Opens a file of the device."""
        return plain_open(mapped(file, root), *arguments, **options)

    given = {"sleep": sleep, "thread": thread, "open": device_open, "print": device_print}
    for name, value in given.items():
        setattr(builtins, name, value)
    setattr(time, "now", now)  # noqa: B010 - the module has no such name for a type checker
    for module in (tslog, sys.modules["tslog"]):
        setattr(module, "TSLog", DeviceLog)  # noqa: B010


def parse() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tslog.device", description="Runs a program for a device on this machine."
    )

    def positive(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
        return number

    parser.add_argument("script", type=Path, help="the program")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("zerynth"),
        metavar="DIR",
        help=f"where {PREFIX} lies on this machine (default: ./zerynth)",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=positive,
        metavar="SECONDS",
        help="cut the power after so many seconds",
    )
    parser.add_argument(
        "--speed",
        type=positive,
        default=1.0,
        metavar="X",
        help="let the device's clock run X times as fast",
    )
    return parser.parse_args()


def main() -> NoReturn:
    """Runs the program."""
    arguments = parse()
    if not arguments.script.is_file():
        sys.exit(f"expected a program, and there is no file {arguments.script}")
    arguments.root.mkdir(parents=True, exist_ok=True)
    install(arguments.root.resolve(), arguments.speed)
    if arguments.seconds:
        clock = threading.Timer(arguments.seconds, cut_power, (0,))
        clock.daemon = True
        clock.start()
    # A line is seen when it is printed, as on a console of a device.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    sys.argv = [str(arguments.script)]
    try:
        runpy.run_path(str(arguments.script), run_name="__main__")
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        cut_power(1)
    # Threads go on when the main program has ended, as they do on a device.
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not isinstance(thread, threading.Timer):
            thread.join()
    cut_power(0)


if __name__ == "__main__":
    main()
