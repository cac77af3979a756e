#!/usr/bin/env python3
"""Puts bugs into the log, one at a time, and asks the tests whether they notice.

    crates/tslog-sim/sabotage/sabotage.py --size ci          all bugs of bugs.toml
    crates/tslog-sim/sabotage/sabotage.py no-lock            only these
    crates/tslog-sim/sabotage/sabotage.py --check            whether each text is still there
    crates/tslog-sim/sabotage/sabotage.py --list             their names, and the tests they turn red

A copy of the sources is patched with all bugs at once, each behind a switch that is read from the
environment, and is built once; the sources themselves stay clean. Each test is run without a bug,
where it has to pass, and with each of its bugs, where it has to fail. A text that
is not found exactly once in its file is stale, which is a failure too.

It needs Rust and Python 3.11. The copy and its build are in target/sabotage.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import tomllib
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
WORK = ROOT / "target" / "sabotage"
COPY = WORK / "src"
SWITCH = "TSLOG_SABOTAGE"
# A test that a bug makes hang has noticed it; none of them takes a tenth of this without one.
LIMIT = 60

MODULE = """\
//! Which bug is on.

/// True if bug `n` is.
pub fn is(n: u32) -> bool {
    static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var("%s").ok().and_then(|n| n.parse().ok()).unwrap_or(0)) == n
}
""" % SWITCH


class Failure(Exception):
    """Something is wrong; the text says what."""


def log(*words):
    print(*words, file=sys.stderr, flush=True)


# Patching


def sources() -> dict[str, bytes]:
    """The files git knows of, by name."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE,
    ).stdout.splitlines()  # fmt: skip
    return {name: (ROOT / name).read_bytes() for name in listed if (ROOT / name).is_file()}


def write_copy(files: dict[str, bytes]) -> None:
    """Makes the copy consist of these files. One that is as it was is not touched, nor built anew."""
    for path in [path for path in COPY.rglob("*") if path.is_file()]:
        if str(path.relative_to(COPY)) not in files:
            path.unlink()
    for name, content in files.items():
        target = COPY / name
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def switch(bug: dict) -> int:
    """The number that turns a bug on, the same whatever other bugs there are."""
    return zlib.crc32(bug["name"].encode()) or 1


def wrapped(old: str, news: list[tuple[int, str]]) -> str:
    """The old text and the new ones, each behind its switch."""
    statement = old.rstrip().endswith((";", "}"))
    text = "".join(f"if crate::sabotage::is({n}) {{ {new} }} else " for n, new in news)
    text += f"{{ {old} }}"
    return text if statement else f"({text})"


def patch(files: dict[str, bytes], bugs: list[dict]) -> list[str]:
    """Applies all bugs to the files. Returns what is stale."""
    stale: list[str] = []
    by_file: dict[str, dict[str, list[tuple[int, str]]]] = {}
    names = {switch(bug): bug["name"] for bug in bugs}
    for bug in bugs:
        for edit in bug["edit"]:
            changes = by_file.setdefault(edit["file"], {})
            changes.setdefault(edit["old"], []).append((switch(bug), edit["new"]))
    for file, changes in by_file.items():
        text = files[file].decode()
        places = []
        for old, news in changes.items():
            if text.count(old) != 1:
                whose = ", ".join(names[n] for n, _ in news)
                stale.append(f"{whose}: {text.count(old)} times in {file}: {old!r}")
                continue
            at = text.index(old)
            places.append((at, at + len(old), wrapped(old, news)))
        places.sort()
        for (_, end, _), (begin, _, _) in zip(places, places[1:]):
            if begin < end:
                stale.append(f"two bugs overlap in {file}: {text[begin:end]!r}")
        for begin, end, new in reversed(places):
            text = text[:begin] + new + text[end:]
        files[file] = text.encode()
    files["crates/tslog/src/sabotage.rs"] = MODULE.encode()
    files["crates/tslog/src/lib.rs"] += b"\npub mod sabotage;\n"
    return stale


def build(bugs: list[dict]) -> dict[tuple[str, str], Path]:
    """Builds the tests that are named. Returns the program of each package and target."""
    command = ["cargo", "test", "--no-run", "--message-format=json"]
    for package in sorted({bug["red"][0] for bug in bugs}):
        command += ["-p", package]
    for target in sorted({bug["red"][1] for bug in bugs}):
        command += ["--lib"] if target == "lib" else ["--test", target]
    env = {
        **os.environ, "CARGO_TARGET_DIR": str(WORK / "target"), "RUSTFLAGS": "--cap-lints=allow",
        # What a test says is all that is wanted of it, and without debug information it builds sooner.
        "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_TEST_DEBUG": "0",
    }  # fmt: skip
    done = subprocess.run(command, cwd=COPY, env=env, text=True, stdout=subprocess.PIPE)
    if done.returncode != 0:
        for line in done.stdout.splitlines():
            message = json.loads(line).get("message") or {}
            if message.get("level") == "error":
                log(message.get("rendered"))
        raise Failure("the sources do not build with all bugs in them")
    programs = {}
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["profile"]["test"]:
            target = message["target"]
            package = Path(message["manifest_path"]).parent.name
            name = "lib" if "lib" in target["kind"] else target["name"]
            programs[(package, name)] = Path(message["executable"])
    return programs


# Running


def run(program: Path, package: str, test: str, n: int) -> tuple[str, str]:
    """Runs one test with bug `n`. Returns what came of it, and what was printed."""
    env = {**os.environ, SWITCH: str(n), "CARGO_MANIFEST_DIR": str(COPY / "crates" / package)}
    process = subprocess.Popen(
        [program, "--exact", test, "--test-threads", "1"], env=env, cwd=COPY / "crates" / package,
        text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, _ = process.communicate()
        return "hangs", out
    if process.returncode == 0:
        return ("passes" if "1 passed" in out else "is missing"), out
    return ("fails" if f"test {test} ... FAILED" in out else "crashes"), out


def replay(bug: dict) -> str:
    return f"crates/tslog-sim/sabotage/sabotage.py {bug['name']}"


def judge(bug: dict, programs: dict, verbose: bool) -> str | None:
    """Runs the test of a bug with it. Returns what is wrong."""
    package, target, test = bug["red"]
    begun = time.monotonic()
    outcome, out = run(programs[(package, target)], package, test, switch(bug))
    log(f"{bug['name']}: {test} {outcome} ({time.monotonic() - begun:.1f} s)")
    if verbose:
        log(out)
    if outcome in ("fails", "hangs", "crashes"):
        return None
    return f"{bug['name']}: {test} {outcome} with the bug; replay: {replay(bug)}"


def sound(red: tuple, programs: dict) -> str | None:
    """Runs a test without any bug. Returns what is wrong."""
    package, target, test = red
    if (package, target) not in programs:
        return f"{package} has no test target {target}"
    outcome, out = run(programs[(package, target)], package, test, 0)
    return None if outcome == "passes" else f"{test} {outcome} without a bug:\n{out}"


def patched(bugs: list[dict]) -> dict[str, bytes]:
    """The sources with all bugs in them."""
    files = sources()
    stale = patch(files, bugs)
    for text in stale:
        log("stale:", text)
    if stale:
        raise Failure("name the texts of bugs.toml as they are now, or the places they have moved to")
    return files


def campaign(bugs: list[dict], wanted: list[str]) -> int:
    begun = time.monotonic()
    files = patched(bugs)
    write_copy(files)
    programs = build(bugs)
    built = time.monotonic()
    chosen = [bug for bug in bugs if not wanted or bug["name"] in wanted]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        reds = dict.fromkeys(tuple(bug["red"]) for bug in chosen)
        wrong = [w for w in pool.map(lambda red: sound(red, programs), reds) if w]
        alive = []
        if not wrong:
            runs = pool.map(lambda bug: judge(bug, programs, bool(wanted)), chosen)
            alive = [w for w in runs if w]
    for why in wrong + alive:
        log("violation:", why)
    log(f"built in {built - begun:.1f} s")
    print(f"sabotage_bugs {len(chosen)} count")
    print(f"sabotage_killed {0 if wrong else len(chosen) - len(alive)} count")
    print(f"sabotage_missed {len(chosen) if wrong else len(alive)} count")
    print(f"sabotage_seconds {time.monotonic() - built:.1f} s")
    return 1 if wrong or alive else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", choices=["quick", "ci", "release"], default="ci",
                        help="all sizes try all bugs")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of no effect: nothing is drawn")
    parser.add_argument("--check", action="store_true", help="see that each text is there, and no more")
    parser.add_argument("--list", action="store_true", help="print the names and their tests")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bug; all of them if none is named")
    args = parser.parse_args()
    bugs = tomllib.loads((HERE / "bugs.toml").read_text())["bug"]
    names = [bug["name"] for bug in bugs]
    unknown = [name for name in args.names if name not in names]
    if unknown:
        parser.error(f"there is no bug {unknown[0]}; see --list")
    if len(set(names)) < len(names):
        raise Failure("two bugs have one name")
    if args.list:
        for bug in bugs:
            print(f"{bug['name']}: {bug['why']}; red: {bug['red'][2]}")
        return 0
    if args.check:
        patched(bugs)
        return 0
    return campaign(bugs, args.names)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        log("failed:", failure)
        sys.exit(1)
