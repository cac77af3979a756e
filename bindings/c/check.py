#!/usr/bin/env python3
"""Checks the C bindings: what CI runs, in order, up to the first failure.

    bindings/c/check.py                 everything
    bindings/c/check.py header kills    only these steps
    bindings/c/check.py --list          the names of the steps

It needs Rust and, on Linux, nothing else: what a step lacks is installed by its package name, and
what cannot be installed is printed as `skipped: what: reason`. With CI=true a skip is a failure.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIRMWARE = ROOT / "examples" / "c" / "firmware"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")).resolve()
PREFIX = TARGET / "tslog-prefix"
HEADER = HERE / "include" / "tslog.h"

C_FLAGS = ["-std=c99", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]
# As strict as a project may be that includes the header.
STRICT = ["-Wconversion", "-Wshadow", "-Wcast-qual", "-Wundef"]
CPP_FLAGS = ["-g", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wold-style-cast", *STRICT]

# The packages of Debian and its kin that have these programs.
PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "cmake": "cmake",
    "g++": "g++",
    "gcc": "gcc",
    "make": "make",
    "nm": "binutils",
    "pkg-config": "pkg-config",
    "qemu-system-arm": "qemu-system-arm",
    "valgrind": "valgrind",
}

# Each microcontroller that the example is linked for, its core, and a machine of QEMU that has it.
BOARDS = [
    ("thumbv7em-none-eabi", "cortex-m4", "mps2-an386"),
    ("thumbv6m-none-eabi", "cortex-m0", "microbit"),
]


class Failure(Exception):
    """Something is wrong; the text says what."""


def run(*command, env=None, cwd=HERE, quiet=False):
    """Runs a command, and gives what it printed; it has to succeed."""
    command = [str(part) for part in command]
    if not quiet:
        print("$", " ".join(command), flush=True)
    full = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), **(env or {})}
    done = subprocess.run(command, env=full, cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Failure(f"`{' '.join(command)}` gave {done.returncode}:\n{done.stdout}")
    return done.stdout


def skip(what, reason):
    """Says that something was not checked, and why; on CI that is a failure."""
    print(f"skipped: {what}: {reason}")
    if os.environ.get("CI") == "true":
        raise Failure(f"{what} was skipped, which CI=true forbids: {reason}")


def needs(*programs):
    """True if the programs are there, if need be after installing them."""
    for program in programs:
        if shutil.which(program):
            continue
        package = PACKAGES[program]
        install = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "install", "--yes",
                   "--no-install-recommends", package]
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        # The list of a fresh Debian is empty, hence the second try.
        for line in (install, ["apt-get", "update"], install):
            try:
                run(*line, env=env)
            except (Failure, OSError):
                pass
            if shutil.which(program):
                break
        else:
            skip(program, f"it is not there, and installing {package} did not help")
            return False
    return True


def code_of(header):
    """The header without its comments."""
    return re.sub(r"/\*.*?\*/", "", header, flags=re.S)


def statements_of(header):
    """The statements of the header, without the lines of the preprocessor."""
    return re.split(r"[;{}]", re.sub(r"^#(?:.*\\\n)*.*\n", "", code_of(header), flags=re.M))


def declared(header):
    """The names of the functions that the header declares."""
    found = set()
    for statement in statements_of(header):
        prototype = re.match(r"\s*(?:const char \*|int |size_t )(tslog_\w+)\([^()]*\)\s*$", statement)
        if prototype:
            found.add(prototype[1])
    return found


def version_in(path, pattern):
    found = re.search(pattern, path.read_text(), flags=re.M)
    if not found:
        raise Failure(f"{path} names no version")
    return found[1]


def lints():
    """Rust is formatted, without warnings, and passes its own tests."""
    run("cargo", "fmt", "--check")
    run("cargo", "clippy", "--all-targets", "--", "-D", "warnings")
    run("cargo", "test")
    for target, _, _ in BOARDS:
        if has_target(target):
            run("cargo", "clippy", "--no-default-features", "--profile", "firmware",
                "--target", target, "--", "-D", "warnings")


def header():
    """The header, the exported symbols, the errors of the library and the versions agree."""
    text = HEADER.read_text()
    versions = {
        "tslog.h": version_in(HEADER, r'^#define TSLOG_VERSION "(.*)"'),
        "bindings/c/Cargo.toml": version_in(HERE / "Cargo.toml", r'^version = "(.*)"'),
        "Cargo.toml": version_in(ROOT / "Cargo.toml", r'^version = "(.*)"'),
    }
    if len(set(versions.values())) != 1:
        raise Failure(f"the versions differ: {versions}")

    functions = declared(text)
    if len(functions) < 60:
        raise Failure(f"only {len(functions)} functions were found in tslog.h")
    if needs("nm"):
        symbols = run("nm", "-D", "--defined-only", PREFIX / "lib" / "libtslog.so", quiet=True)
        exported = {line.split()[-1].split("@")[0] for line in symbols.splitlines() if " T " in line}
        if functions != exported:
            raise Failure(f"declared and not exported: {sorted(functions - exported)}, "
                          f"exported and not declared: {sorted(exported - functions)}")
        print(f"{len(functions)} functions, as declared")

    core = (ROOT / "crates" / "tslog" / "src" / "error.rs").read_text()
    codes = set(re.findall(r"TSLOG_\w+", code_of(text)))
    for enum, prefix, known in (
        ("Error<E>", "TSLOG_E_", set()),
        ("Invalid", "TSLOG_INVALID_", {"Values"}),
        ("PackError", "TSLOG_INVALID_VALUES_", set()),
        ("Mismatch", "TSLOG_MISMATCH_", set()),
    ):
        body = re.search(rf"^pub enum {re.escape(enum)} \{{\n(.*?)^\}}", core, flags=re.M | re.S)
        variants = set(re.findall(r"^    ([A-Z]\w*)", body[1] if body else "", flags=re.M)) - known
        names = {prefix + re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper() for name in variants}
        if not names or names - codes:
            raise Failure(f"{enum} has variants without a code: {sorted(names - codes) or 'all'}")
        print(f"{len(names)} variants of {enum}, each with a code")


def table():
    """Every method of the Python classes, and every parameter of a log, has its counterpart in the
    table of the README."""
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", (HERE / "README.md").read_text(), flags=re.M)
    left = " ".join(python for python, _ in rows)
    stub = (ROOT / "bindings" / "python" / "python" / "tslog" / "_tslog.pyi").read_text()
    wanted = set()
    for name, handle in (("TSLog", "log"), ("TSReader", "reader"), ("TSBatch", "batch")):
        body = re.search(rf"^class {name}:\n((?:(?: .*)?\n)+)", stub, flags=re.M)[1]
        methods = re.findall(r"^    (?:async )?def ([a-z]\w*)\(", body, flags=re.M)
        if not methods:
            raise Failure(f"{name} has no methods in _tslog.pyi")
        wanted |= {(name, handle, method) for method in methods}
    missing = sorted(f"{handle}.{method}" for name, handle, method in wanted
                     if not re.search(rf"\b(?:{name}|{handle})\.{method}\b", left))
    if missing:
        raise Failure(f"the table in README.md has no counterpart of {', '.join(missing)}")
    made = re.search(r"^class TSLog:\n    def __new__\(\n(.*?)^    \)", stub, flags=re.M | re.S)[1]
    parameters = set(re.findall(r"^        (\w+): .* = ", made, flags=re.M))
    missing = sorted(name for name in parameters if f"`{name}=" not in left)
    if missing or len(parameters) < 10:
        raise Failure(f"the table in README.md has no counterpart of the parameters {missing}")
    config = re.search(r"struct tslog_config \{(.*?)\}", code_of(HEADER.read_text()), flags=re.S)[1]
    made_up = {member for _, c in rows for member in re.findall(r"\bconfig\.(\w+)", c)
               if not re.search(rf"\b{member};", config)}
    if made_up:
        raise Failure(f"the table names members that tslog_config has not: {sorted(made_up)}")
    named = {word for _, c in rows for word in re.findall(r"\b(?:tslog|TSLOG)_\w+", c)}
    known = set(re.findall(r"\b(?:tslog|TSLOG)_\w+", code_of(HEADER.read_text())))
    if named - known:
        raise Failure(f"the table names what tslog.h has not: {sorted(named - known)}")
    print(f"{len(wanted)} methods and {len(parameters)} parameters of Python, {len(named)} names of C")


def tests():
    """The C tests: with the static and the shared library, under valgrind and the sanitizers."""
    static = [PREFIX / "lib" / "libtslog.a", "-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]
    shared = [f"-L{PREFIX / 'lib'}", f"-Wl,-rpath,{PREFIX / 'lib'}", "-ltslog", "-lpthread"]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    valgrind = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full",
                "--errors-for-leak-kinds=definite,indirect,possible"]
    for how, flags, libraries, before in (
        ("static", [], static, []),
        ("shared", [], shared, []),
        ("valgrind", [], static, valgrind),
        ("sanitizers", sanitize, static, []),
    ):
        if before and not needs(before[0]):
            continue
        for name in ("files", "flash"):
            program = TARGET / f"ctest-{name}-{how}"
            run("gcc", *C_FLAGS, *flags, f"-I{PREFIX / 'include'}", HERE / "ctest" / f"{name}.c",
                *libraries, "-o", program)
            with tempfile.TemporaryDirectory() as folder:
                passed = run(*before, program, folder)
            source = (HERE / "ctest" / f"{name}.c").read_text()
            wanted = re.findall(r"^static void (\w+)\(void\)$", source, flags=re.M)
            if [line[3:] for line in passed.splitlines() if line.startswith("ok ")] != wanted:
                raise Failure(f"not all tests of {name}.c ran:\n{passed}")
            print(f"{name}, {how}: {len(wanted)} passed")


def cpp():
    """The header in C++, and the example in its head."""
    if not needs("g++"):
        return
    flags = [f"-I{PREFIX / 'include'}", f"-L{PREFIX / 'lib'}", f"-Wl,-rpath,{PREFIX / 'lib'}"]
    for standard in ("c++11", "c++20"):
        program = TARGET / f"ctest-include-{standard}"
        run("g++", f"-std={standard}", *CPP_FLAGS, HERE / "ctest" / "include.cpp", *flags, "-ltslog",
            "-o", program)
        with tempfile.TemporaryDirectory() as folder:
            run(program, folder)
    lines = HEADER.read_text().split("EXAMPLE.", 1)[1].split("*/", 1)[0].splitlines()[2:]
    source = TARGET / "tslog-example.c"
    source.write_text("\n".join(line[5:] for line in lines) + "\n")
    program = TARGET / "tslog-example"
    run("gcc", *C_FLAGS, *STRICT, "-Wstrict-prototypes", "-Wmissing-prototypes", source, *flags,
        "-ltslog", "-o", program)
    with tempfile.TemporaryDirectory() as folder:
        printed = run(program, Path(folder) / "readings")
    if printed != "1: 1700000000 s, 20.5 degC\n":
        raise Failure(f"the example of tslog.h printed {printed!r}")


def install():
    """`make install` into a prefix, which the steps behind this one use."""
    if not needs("gcc", "make"):
        raise Failure("without gcc and make nothing else can be checked; install them")
    shutil.rmtree(PREFIX, ignore_errors=True)
    run("make", "install", f"PREFIX={PREFIX}")


def packages():
    """A program that finds the library by pkg-config, and one that finds it by CMake."""
    source = TARGET / "uses-tslog.c"
    source.write_text('#include <stdio.h>\n#include <tslog.h>\n'
                      'int main(void)\n{\n    return puts(tslog_version()) < 0;\n}\n')
    wanted = version_in(HERE / "Cargo.toml", r'^version = "(.*)"') + "\n"
    env = {"PKG_CONFIG_PATH": str(PREFIX / "lib" / "pkgconfig"),
           "LD_LIBRARY_PATH": str(PREFIX / "lib")}
    made = []
    if needs("pkg-config"):
        for how in ([], ["--static"]):
            flags = run("pkg-config", *how, "--cflags", "--libs", "tslog", env=env).split()
            if how:
                flags = ["-l:libtslog.a" if flag == "-ltslog" else flag for flag in flags]
            program = TARGET / f"uses-tslog-{'static' if how else 'shared'}"
            run("gcc", *C_FLAGS, source, *flags, "-o", program)
            made.append(program)
    if needs("cmake", "make"):
        with tempfile.TemporaryDirectory() as folder:
            run("cmake", "-S", HERE / "ctest", "-B", folder, f"-DCMAKE_PREFIX_PATH={PREFIX}",
                f"-DSOURCE={source}")
            run("cmake", "--build", folder)
            for name in ("with_shared", "with_static"):
                made.append(shutil.copy(Path(folder) / name, TARGET / f"uses-tslog-{name}"))
    for program in made:
        printed = run(program, env=env)
        if printed != wanted:
            raise Failure(f"{program} printed {printed!r}, not {wanted!r}")


def has_target(target):
    """True if Rust can build for this target, if need be after fetching its libraries."""
    def there():
        return target in run("rustup", "target", "list", "--installed", quiet=True).split()
    try:
        if not there():
            run("rustup", "target", "add", target)
        if there():
            return True
        reason = f"rustup target add {target} did not help"
    except (Failure, OSError) as failure:
        reason = str(failure)
    skip(target, reason)
    return False


def firmware():
    """The example for microcontrollers links, calls no panic, and runs under QEMU."""
    if not needs("arm-none-eabi-gcc", "make"):
        return
    for target, cpu, machine in BOARDS:
        if not has_target(target):
            continue
        chosen = [f"TARGET={target}", f"CPU={cpu}", f"MACHINE={machine}"]
        print(run("make", *chosen, cwd=FIRMWARE).splitlines()[-1])
        program = TARGET / target / "firmware" / "example.elf"
        code = run("arm-none-eabi-objdump", "-d", "-C", program, quiet=True)
        function, panics, calls = "", set(), 0
        for line in code.splitlines():
            begin = re.match(r"[0-9a-f]+ <(.*)>:$", line)
            function = begin[1] if begin else function
            call = re.search(r"\tbl?x?(?:\.[nw])?\t[0-9a-f]+ <(.*?)(?:\+0x[0-9a-f]+)?>$", line)
            calls += bool(call)
            own = "tslog" in function and not begin
            if call and own and re.search(r"panic|_fail(?:ed)?$", call[1]):
                panics.add(f"{function} -> {call[1]}")
        if panics or calls < 100:
            raise Failure(f"{target}: of {calls} calls, these lead to a panic: {sorted(panics)}")
        if needs("qemu-system-arm"):
            printed = run("make", "run", *chosen, cwd=FIRMWARE)
            if "30 samples sent in 3 boots" not in printed:
                raise Failure(f"the example on {machine} printed:\n{printed}")
            print(f"{target}: no panic in {calls} calls, and the example runs on {machine}")


def kills(count, seed):
    """A writing program is killed again and again, and nothing acknowledged is lost."""
    program = TARGET / "ctest-writer"
    run("gcc", *C_FLAGS, f"-I{PREFIX / 'include'}", HERE / "ctest" / "writer.c",
        f"-L{PREFIX / 'lib'}", f"-Wl,-rpath,{PREFIX / 'lib'}", "-ltslog", "-o", program)
    print(f"seed {seed}")
    chance = random.Random(seed)
    committed = cursor = 0
    with tempfile.TemporaryDirectory() as folder:
        for kill in range(1, count + 1):
            command = [str(program), f"{folder}/log", str(committed), str(cursor)]
            # Some kills come before the log is open, some at once, most while it writes.
            lines_left = chance.choice((0, 1, chance.randrange(20), chance.randrange(300)))
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) as writer:
                seen = []
                while lines_left and (line := writer.stdout.readline()):
                    seen.append(line)
                    lines_left -= 1
                writer.send_signal(signal.SIGKILL)
                rest, errors = writer.communicate()
            if errors or writer.returncode != -signal.SIGKILL:
                again = f"--kills {kill} --seed {seed} kills"
                raise Failure(f"kill {kill}: {errors or writer.returncode}\nwith {again}")
            # What was printed before the kill was acknowledged, whether it was read in time or not.
            for line in seen + rest.splitlines(keepends=True):
                word, *numbers = line.split()
                if not line.endswith("\n"):
                    continue
                if word == "commit":
                    committed = int(numbers[0])
                elif word == "cursor":
                    cursor = int(numbers[0])
        print(f"{count} kills, {committed} records and the cursor {cursor} acknowledged, none lost")


STEPS = {step.__name__: step for step in (install, lints, header, table, tests, cpp, packages, firmware,
                                           kills)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("steps", nargs="*", help="only these steps: " + " ".join(STEPS))
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    parser.add_argument("--kills", type=int, default=100, help="how often the writer is killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    unknown = [name for name in arguments.steps if name not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]}; there are: {' '.join(STEPS)}")
    if arguments.list:
        print("\n".join(STEPS))
        return 0
    TARGET.mkdir(parents=True, exist_ok=True)
    chosen = [name for name in STEPS if name in arguments.steps or not arguments.steps]
    if "install" not in chosen and not (PREFIX / "lib" / "libtslog.so").exists():
        chosen.insert(0, "install")
    for name in chosen:
        print(f"\n== {name} ==", flush=True)
        try:
            step = STEPS[name]
            step(arguments.kills, arguments.seed) if step is kills else step()
        except Failure as failure:
            print(f"{failure}\n== {name}: FAILED ==\nRun again: bindings/c/check.py {name}")
            return 1
        print(f"== {name}: ok ==")
    return 0


if __name__ == "__main__":
    sys.exit(main())
