"""Formats against Python's own `struct`: sizes, bytes, values and refusals."""

import math
import shutil
import struct
import tempfile
from pathlib import Path

import pytest
from conftest import MEMORY
from hypothesis import given
from hypothesis import strategies as st
from tslog import TSLog, TSLogError

RANGES = {
    **{"b": (-(1 << 7), 1 << 7), "B": (0, 1 << 8), "h": (-(1 << 15), 1 << 15), "H": (0, 1 << 16)},
    **{"i": (-(1 << 31), 1 << 31), "I": (0, 1 << 32), "q": (-(1 << 63), 1 << 63), "Q": (0, 1 << 64)},
}
RANGES["n"], RANGES["N"], RANGES["P"] = RANGES["q"], RANGES["Q"], RANGES["Q"]


def ranges(order, code):
    """The integers that a code takes, as a range."""
    if code in "lL":
        native = order in ("", "@") and struct.calcsize("l") == 8
        code = {"l": "iq", "L": "IQ"}[code][native]
    return RANGES[code]


def values(order, code, count):
    """Values that a code takes."""
    if code in "bBhHiIlLqQnNP":
        low, high = ranges(order, code)
        return st.integers(low, high - 1)
    if code == "?":
        return st.one_of(st.booleans(), st.integers(), st.none(), st.text(), st.binary())
    if code == "c":
        return st.binary(min_size=1, max_size=1)
    if code in "sp":
        kind = st.binary(max_size=count + 3)
        return st.one_of(kind, kind.map(bytearray))
    width = {"e": 16, "f": 32, "d": 64}[code]
    return st.one_of(st.floats(width=width), st.integers(-2048, 2048), st.booleans())


@st.composite
def formats(draw, codes="xcbB?hHiIlLqQefdspnNP"):
    """A format, and the codes of its values, each with its count."""
    order = draw(st.sampled_from(["", "@", "=", "<", ">", "!"]))
    allowed = codes if order in ("", "@") else codes.rstrip("nNP")
    text, items = order, []
    for _ in range(draw(st.integers(1, 8))):
        code = draw(st.sampled_from(allowed))
        # An empty Pascal string is the one place where struct writes over its neighbour.
        count = draw(st.one_of(st.none(), st.integers(1 if code == "p" else 0, 12)))
        text += draw(st.sampled_from(["", "", "", " ", "\t"]))
        text += ("" if count is None else str(count)) + code
        number = 1 if count is None else count
        if code in "sp":
            items.append((code, number))
        elif code != "x":
            items += [(code, 1)] * number
    return order, text, items


class Scratch:
    """A folder for one example."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(dir=MEMORY))
        return self.path / "log"

    def __exit__(self, *_exception):
        shutil.rmtree(self.path)


def same(left, right):
    """Equal, and of one type; NaN is as good as NaN."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and left == right


@given(st.data())
def test_sizes_bytes_and_values_are_those_of_struct(data):
    order, text, items = data.draw(formats())
    if struct.calcsize(text) == 0:
        return
    with Scratch() as folder, TSLog(folder, formats=[text], commit_delta=1) as log:
        assert log.record_size == struct.calcsize(text)
        records = [
            [data.draw(values(order, code, count)) for code, count in items] for _ in range(2)
        ]
        packed = [struct.pack(text, *record) for record in records]
        for record in records:
            log.store(*record)
        reader = log.reader(0)
        for expected in packed:
            assert reader.next_record(advance=False) == expected
            unpacked = struct.unpack(text, expected)
            got = reader.next()
            assert len(got) == len(unpacked)
            assert all(same(a, b) for a, b in zip(got, unpacked, strict=True)), (got, unpacked)


@given(st.data())
def test_what_struct_refuses_is_refused_and_what_it_takes_is_taken(data):
    order, text, items = data.draw(formats("bBhHiIlLqQefdcs?"))
    anything = st.one_of(
        st.integers(-(1 << 65), 1 << 65),
        st.floats(),
        st.text(max_size=2),
        st.binary(max_size=2),
        st.none(),
        st.booleans(),
        st.lists(st.integers(), max_size=1),
    )
    record = [
        data.draw(st.one_of(values(order, code, count), anything)) for code, count in items
    ]
    if data.draw(st.booleans()):
        record = record[: data.draw(st.integers(0, len(record)))]
    if struct.calcsize(text) == 0:
        return
    try:
        expected = struct.pack(text, *record)
    except (struct.error, OverflowError):
        expected = None
    native = order in ("", "@")
    for (code, _), value in zip(items, record, strict=False):
        # The one value that struct stores as another one: what is too large for a native float.
        if native and code == "f" and expected is not None and isinstance(value, float | int):
            single = struct.unpack("f", struct.pack("f", value))[0]
            if math.isinf(single) and not math.isinf(value):
                expected = None
    with Scratch() as folder, TSLog(folder, formats=[text], commit_delta=1) as log:
        if expected is None:
            with pytest.raises(TSLogError) as caught:
                log.store(*record)
            assert isinstance(caught.value, TypeError | ValueError)
            assert log.stats().seqn == 0
        else:
            assert log.store(*record) == 1
            assert log.reader(0).next_record() == expected


@given(st.text("xcbB?hHiIlLqQefdspnNP@=<>! 0123\t\n", min_size=1, max_size=8))
def test_a_format_is_refused_if_struct_refuses_it(text):
    try:
        size = struct.calcsize(text)
    except struct.error:
        size = None
    with Scratch() as folder:
        if size is None:
            with pytest.raises(ValueError, match="bad format at character"):
                TSLog(folder, formats=[text])
        elif 0 < size < 1 << 16:
            assert TSLog(folder, formats=[text]).record_size == size


class Index:
    """An integer that is none of Python's own."""

    def __index__(self):
        return 7


class Real:
    """A number that is none of Python's own."""

    def __float__(self):
        return 0.5


def test_objects_that_act_as_numbers_are_taken_as_struct_takes_them(folder):
    with TSLog(folder, formats=["Qfd"], commit_delta=1) as log:
        log.store(Index(), Real(), Index())
        expected = struct.pack("Qfd", Index(), Real(), Index())
        assert log.reader(0).next_record() == expected
