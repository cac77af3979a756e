#!/usr/bin/env python3
"""A second reader of a log, slow and plain, written from docs/layout.md alone.

It shares no line with the library. What the two disagree about is a mistake in one of them, or a
sentence the document lacks. It needs Python 3.11 and nothing else, and it never writes.

usage: reference.py FOLDER_OR_IMAGE    print a log as JSON, one object a line
       reference.py --serve            answer images on stdin, for the differential fuzzer

The lines, in this order:

    {"log": {...}}                      what the log header says
    {"record": 7, "bytes": "00ff"}      a record
    {"lost": [3, 5]}                    numbers that were committed and do not read back
    {"cursor": 0, "at": 4}              the last number that reader 0 acknowledged
    {"end": 9}                          the last number that was committed

A log that cannot be read is one line, {"error": "why"}, and exit code 1.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from dataclasses import dataclass, field

MAGIC = b"tslog\r\n\x1a"
FIXED, NAMED = 0, 1
RECORDS, PART, CURSOR, CLOSE, JOURNAL = 1, 2, 3, 4, 5
READERS = 4
MASK = 2**32 - 1
INDEX_MAX = 2**32 - 4
TEXT_MAX = 1 << 20
FORMATS_MAX = 255
GONE = 5
"""A bucket is looked for behind so many whose headers are rotten."""
SECTOR = 512
"""What reads as another one at once. Within one, frames follow each other as they were written."""
STRANGE_MAX = 1 << 20
"""No frame is looked for whose number is so far beyond those that can be."""
LARGE = 1 << 16
"""More than this is not taken to be blank behind the end of a file."""


class NoLog(Exception):
    """The bytes hold no log that this layout describes."""


class Impossible(NoLog):
    """A sound header says what no log is, so that somebody has forged it."""


# Checksums ---------------------------------------------------------------------------------------


def crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = crc32c_table()


def crc(seed: int, data: bytes) -> int:
    value = seed ^ MASK
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ MASK


def crc8_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ (0x2F if value & 0x80 else 0)) & 0xFF
        table.append(value)
    return table


TABLE8 = crc8_table()


def crc8(data: bytes) -> int:
    value = 0xFF
    for byte in data:
        value = TABLE8[value ^ byte]
    return value


def mix(number: int) -> int:
    low, high = number & MASK, number >> 32
    x = low ^ (high * 0x9E3779B1 & MASK)
    x = (x ^ x >> 16) * 0x85EBCA6B & MASK
    x = (x ^ x >> 13) * 0xC2B2AE35 & MASK
    return x ^ x >> 16


def unshift(x: int, by: int) -> int:
    """The value that `v ^ v >> by` made `x` of."""
    value = x
    for _ in range(32 // by + 1):
        value = x ^ value >> by
    return value


def unmix(mixed: int, least: int, most: int) -> int | None:
    """The least number from `least` to `most` that mixes to this, one for each upper half."""
    x = unshift(mixed, 16) * pow(0xC2B2AE35, -1, 1 << 32) & MASK
    x = unshift(x, 13) * pow(0x85EBCA6B, -1, 1 << 32) & MASK
    x = unshift(x, 16)
    for high in range(least >> 32, (most >> 32) + 1):
        number = high << 32 | x ^ (high * 0x9E3779B1 & MASK)
        if least <= number <= most:
            return number
    return None


assert crc(0, b"123456789") == 0xE3069283 and crc8(b"123456789") == 0x20
assert (mix(0), mix(1), mix(2**40)) == (0, 0x514E28B7, 0x11ED5D9B)
assert unmix(mix(2**40 + 5), 2**40, 2**40 + 9) == 2**40 + 5


# Media -------------------------------------------------------------------------------------------


class Folder:
    """Named slots: a file each, by name. Beyond its end a file reads 0x00."""

    kind = NAMED

    def __init__(self, files: dict[str, bytes]):
        self.files = files

    def headers(self) -> list[bytes]:
        return [self.files.get("header-0", b""), self.files.get("header-1", b"")]

    def bucket(self, index: int) -> bytes:
        return self.files.get(f"bucket-{index:010}", b"")

    def indexes(self) -> list[int]:
        found = []
        for name in self.files:
            head, _, digits = name.partition("-")
            if head == "bucket" and len(digits) == 10 and digits.isascii() and digits.isdigit():
                found.append(int(digits))
        return sorted(index for index in found if index <= INDEX_MAX)

    def readers(self) -> int:
        """How many readers there are: their files are numbered without a gap."""
        count = 0
        while count < READERS and f"reader-{count}" in self.files:
            count += 1
        return count

    def places(self, reader: int) -> bytes:
        return self.files.get(f"reader-{reader}", b"")


class Flash:
    """Fixed slots: the dump of a flash, or of the part of it that holds the log."""

    kind = FIXED

    def __init__(self, image: bytes):
        self.image = image
        self.slot_size = 0
        self.slot_count = 0

    def headers(self) -> list[bytes]:
        """Copy A at the start, and each place where a copy B could begin."""
        copies = [self.image]
        at = self.image.find(MAGIC, 1)
        while at >= 0:
            slot_size = self.image[at + 32 : at + 36]
            if len(slot_size) == 4 and struct.unpack("<I", slot_size)[0] == at:
                copies.append(self.image[at:])
            at = self.image.find(MAGIC, at + 1)
        return copies

    def bucket(self, index: int) -> bytes:
        slot = 2 + index % (self.slot_count - 2)
        return self.image[slot * self.slot_size : (slot + 1) * self.slot_size]


# The log header ----------------------------------------------------------------------------------


@dataclass
class Header:
    write_size: int
    generation: int
    id: bytes
    slot_size: int
    slot_count: int
    record_size: int
    bucket_size: int
    formats: list[str]
    size: int

    @property
    def base_seed(self) -> int:
        return crc(crc(0, self.id), struct.pack("<I", self.generation))

    def seed(self, index: int) -> int:
        return crc(self.base_seed, struct.pack("<I", index))

    def up(self, size: int) -> int:
        """`size`, rounded up to the write size."""
        return -(-size // self.write_size) * self.write_size


def log_header(copy: bytes, kind: int) -> Header | None:
    if len(copy) < 60 or copy[:8] != MAGIC:
        return None
    write_size, generation = struct.unpack_from("<HI", copy, 10)
    fields = struct.unpack_from("<IIIIHHI", copy, 32)
    slot_size, slot_count, record_size, bucket_size, formats, _zeros, text_size = fields
    if 60 + text_size > len(copy):
        return None
    if struct.unpack_from("<I", copy, 56 + text_size)[0] != crc(0, copy[: 56 + text_size]):
        return None
    fits = text_size <= TEXT_MAX and 60 + text_size <= slot_size
    if copy[8] != 1 or copy[9] not in (FIXED, NAMED) or formats > FORMATS_MAX or not fits:
        raise Impossible("the log header is sound and says what cannot be")
    if copy[9] != kind:
        return None
    lines = copy[56 : 56 + text_size].decode("utf-8", "replace").split("\n")
    return Header(
        write_size, generation, copy[16:32], slot_size, slot_count, record_size, bucket_size,
        lines[:formats], 60 + text_size,
    )  # fmt: skip


def find_header(medium: Folder | Flash) -> Header:
    for copy in medium.headers():
        header = log_header(copy, medium.kind)
        if header:
            break
    else:
        raise NoLog("no copy of the log header is sound")
    if not 1 <= header.write_size <= 32 or not header.record_size or not header.bucket_size:
        raise Impossible("the log header is sound and says what cannot be")
    if isinstance(medium, Flash):
        if header.slot_count < 3 or header.slot_size < 64:
            raise Impossible("the log header is sound and says what cannot be")
        medium.slot_size, medium.slot_count = header.slot_size, header.slot_count
    elif header.slot_count != MASK:
        raise Impossible("the log header is sound and says what cannot be")
    return header


# Frames ------------------------------------------------------------------------------------------


@dataclass
class Frame:
    at: int
    size: int
    kind: int
    count: int
    payload: bytes
    mixed: int
    number: int = 0
    in_room: bool = True
    """Its number is one for which the bytes skipped have room."""
    behind_end: bool = False
    """It lies where nothing is looked for that could be the end of the log."""
    is_unclear: bool = False
    """The bytes behind the first frame have room for its number, those behind the damage do not."""
    is_strange: bool = False
    """Its number is none that a reader looks for here."""

    @property
    def counts(self) -> bool:
        """It shows how far the log goes."""
        return self.in_room and not self.behind_end

    @property
    def used(self) -> int:
        """How many numbers it uses."""
        return self.count if self.kind in (RECORDS, PART) else 0

    @property
    def next(self) -> int:
        return self.number + self.used

    @property
    def end(self) -> int:
        return self.at + self.size


def frame_at(data: bytes, at: int, header: Header, seed: int, blank: int = 0xFF) -> Frame | None:
    """The frame whose head lies here, if there is one; its number is not known yet."""
    head = data[at : at + 8]
    if len(head) < 8 or crc8(head[:3]) != head[3]:
        return None
    count, kind, _, check = struct.unpack("<HBBI", head)
    if kind in (RECORDS, PART) and count:
        length = count * header.record_size
    elif kind == CURSOR:
        length = 8
    elif kind == CLOSE:
        length = 0
    elif kind == JOURNAL:
        length = 40
    else:
        return None
    size = header.up(8 + length)
    if at + size > header.slot_size or (size > LARGE and at + size > len(data)):
        return None
    # What a dump or a file is too short for was never written.
    rest = data[at + 8 : at + size].ljust(size - 8, bytes([blank]))
    mixed = check ^ crc(crc(seed, head[:4]), rest)
    return Frame(at, size, kind, count, rest[:length], mixed)


@dataclass
class Bucket:
    index: int
    first: int | None
    """The number of its first record, or None: its header is not sound."""
    least: int = 1
    """The least number that it may begin with."""
    lags: tuple[int, ...] = ()
    frames: list[Frame] = field(default_factory=list)
    strange: list[Frame] = field(default_factory=list)
    """Those with numbers that cannot be, where not all readers look for the same ones."""

    @property
    def is_there(self) -> bool:
        """Some frame shows that it was begun."""
        return any(frame.counts for frame in self.frames)

    def begins(self, header: Header) -> int | None:
        """The number it begins with, by its header or its first frame."""
        if self.first is None and self.frames and self.frames[0].at == header.up(32):
            return self.frames[0].number if self.frames[0].in_room else None
        return self.first

    def ends(self, header: Header) -> list[int]:
        """The numbers behind what its frames show to be committed. Header and first frame are one
        write: that alone shows nothing if the header is not sound."""
        shown = [frame for frame in self.frames if frame.kind != PART and frame.counts]
        if self.first is None and all(frame.at == header.up(32) for frame in shown):
            return []
        return [frame.next for frame in shown]


def bucket_head(data: bytes, index: int, seed: int) -> Bucket:
    head = data[:32]
    if len(head) == 32 and struct.unpack_from("<I", head, 28)[0] == crc(seed, head[:28]):
        named, first = struct.unpack_from("<I", head)[0], int.from_bytes(head[4:11], "little")
        if named == index and head[11] == 1 and first > 0:
            return Bucket(index, first, first, struct.unpack_from("<4I", head, 12))
    return Bucket(index, None)


def ends_at(data: bytes, at: int, blank: int) -> bool:
    """Whether nothing is looked for here or behind."""
    step = 0
    while at < len(data):
        if data[at : at + 32].strip(bytes([blank])):
            return False
        at = -(-at // 512) * 512 + step
        step = max(512, 2 * step)
    return True


def walk(
    data: bytes, header: Header, seed: int, numbers: tuple[int, int], size: int, blank: int
) -> list[Frame]:
    """The sound frames of a bucket, which begins with one of these numbers: those that follow each
    other from the first on, and behind the place where they do not, each that is sound. Among those
    there are strange ones, which count for nothing but that they are there."""
    low, high = numbers
    data = data[: header.slot_size]
    frames: list[Frame] = []
    at = header.up(32)
    while (frame := frame_at(data, at, header, seed, blank)) and frame.kind != JOURNAL:
        number = unmix(frame.mixed, low, high)
        if number is None:
            break
        frame.number = number
        frames.append(frame)
        at += frame.size
        low = high = frame.next
    behind_end, broken = ends_at(data, at, blank), at
    least, most, far = max(0, low - size), high + size, min(GONE * size, STRANGE_MAX)
    while at + 8 <= len(data):
        frame = frame_at(data, at, header, seed, blank)
        at += header.write_size
        if not frame or frame.kind == JOURNAL:
            continue
        number = unmix(frame.mixed, least, most)
        if number is None:
            number = unmix(frame.mixed, max(0, least - far), most + far)
            frame.is_strange = True
        if number is None:
            continue
        frame.number, frame.behind_end = number, behind_end
        frame.in_room = low <= number <= high + (frame.at - broken) // header.record_size
        room = (frame.at - header.up(32)) // header.record_size
        frame.is_unclear = not frame.in_room and low <= number <= numbers[1] + room
        frames.append(frame)
        if not frame.is_strange:
            at = frame.end
    return frames


# The log -----------------------------------------------------------------------------------------


class Log:
    def __init__(self, medium: Folder | Flash):
        self.medium = medium
        self.header = find_header(medium)
        # False if somebody has forged what cannot be together, as no cut and no rot leaves it.
        self.orderly = not self.has_two_headers()
        self.buckets = self.find_buckets()
        self.end, self.newest = self.find_end()
        self.orderly = self.orderly and self.is_of_one_piece()
        buckets = list(self.buckets)
        if self.newest:
            # What lies behind does not count.
            del self.buckets[self.buckets.index(self.newest) + 1 :]
        self.cursors = self.find_cursors()
        if None in self.cursors and isinstance(medium, Flash):
            # Readers are numbered without a gap.
            self.cursors = self.cursors[: self.cursors.index(None)]
        # A cursor beyond the end makes no records of what is left of a cut.
        self.found = self.records()
        self.oldest = self.first()
        self.orderly = self.orderly and self.is_in_reach(buckets)
        if isinstance(medium, Folder):
            self.cursors = [self.oldest - 1 if at is None else at for at in self.cursors]
        self.end = max([self.end, *(at for at in self.cursors if at is not None)])

    def has_two_headers(self) -> bool:
        """Whether both copies of the log header are sound, of one life of the log, and differ."""
        copies = self.medium.headers()
        if isinstance(self.medium, Flash):
            # Copy B as copy A has it, whatever size of a slot it names itself.
            copies.append(self.medium.image[self.header.slot_size :])
        copies = [log_header(copy, self.medium.kind) for copy in copies]
        same = [copy for copy in copies if copy and copy.base_seed == self.header.base_seed]
        return any(copy != self.header for copy in same)

    def is_of_one_piece(self) -> bool:
        """Whether each number has one content, in no bucket that begins behind it or is behind one
        that does, and follows what is before it in its sector. No bucket has more numbers than it
        holds, or one in two places that are not whole sectors apart."""
        found: dict[int, bytes] = {}
        size, least = self.header.record_size, 1
        for place, bucket in enumerate(self.buckets):
            limit = min(self.end, self.limit(bucket, self.buckets[place + 1 :]))
            # The first record lies in bucket 0.
            least, before = max(least, 2 if bucket.index > 0 else 1), None
            if bucket.first is not None and bucket.first < least:
                return False
            # In a folder, each bucket before holds a record.
            held = bucket.index if isinstance(self.medium, Folder) else 0
            least = bucket.first or max(least, held + 1)
            used = [frame for frame in bucket.frames if frame.used]
            if used and max(f.next for f in used) - min(f.number for f in used) > self.numbers_max():
                return False
            places: dict[int, int] = {}
            for frame in used:
                if (frame.at - places.setdefault(frame.number, frame.at)) % SECTOR:
                    return False
            for frame in bucket.frames:
                if frame.number < least or (before and not self.may_follow(before, frame)):
                    return False
                if frame.is_unclear and frame.kind != PART and frame.next - 1 > self.end:
                    return False
                before = frame
                for i in range(min(frame.used, limit + 1 - frame.number)):
                    record = frame.payload[i * size : (i + 1) * size]
                    if found.setdefault(frame.number + i, record) != record:
                        return False
            committed = [f.number for f in bucket.frames if f.counts and f.kind != PART]
            least = max(least, min(committed, default=0))
        return True

    def may_follow(self, before: Frame, frame: Frame) -> bool:
        """Whether a frame may be in the same sector as the one before it: what is between them was
        written between them."""
        room = (frame.at - before.end) // self.header.record_size
        in_order = before.next <= frame.number <= before.next + room
        return in_order or (before.end - 1) // SECTOR != frame.at // SECTOR

    def is_in_reach(self, buckets: list[Bucket]) -> bool:
        """Whether no bucket begins or holds a frame with a number further behind the bucket before
        than that can hold, but where numbers are lost, which only a cursor of its own shows."""
        size, told = self.numbers_max(), self.cursors
        if isinstance(self.medium, Flash):
            journal = self.journal() or bytes(40)
            words = [journal[at : at + 8] for at in range(8, 40, 8)]
            told = [int.from_bytes(word[:7], "little") for word in words if word[7] == 1]
        shown = max([0, *(at for at in told if at is not None)])
        if any(frame.number > shown + size for bucket in buckets for frame in bucket.strange):
            return False
        index, first = 0, 1
        for bucket in buckets:
            if bucket.first is None or isinstance(self.medium, Folder):
                # A folder may lack what says so: the files of a reader are not in its buckets.
                continue
            most = max(shown + 1, first + size * (bucket.index - index))
            if bucket.index > 0 and bucket.first > most:
                return False
            index, first = bucket.index, bucket.first
        return True

    def head(self, index: int) -> Bucket:
        return bucket_head(self.medium.bucket(index), index, self.header.seed(index))

    def find_buckets(self) -> list[Bucket]:
        """Every bucket from the oldest to the newest, those between without a sound header too."""
        if isinstance(self.medium, Folder):
            indexes = self.medium.indexes()
            oldest = min(indexes, default=0)
        else:
            indexes = self.flash_indexes()
            oldest = max(0, max(indexes, default=0) - (self.header.slot_count - 2) + 1)
        sound = [index for index in indexes if self.head(index).first is not None]
        buckets: list[Bucket] = []
        expected = oldest
        newest = max(indexes if isinstance(self.medium, Folder) else sound, default=-1)
        for index in sorted(self.may_be(oldest, newest, indexes)):
            if index > expected:
                # However many are missing here, one stands for them all.
                buckets.append(Bucket(expected, None))
            buckets.append(self.head(index))
            expected = index + 1
        firsts = [bucket.first for bucket in buckets if bucket.first is not None]
        if min(sound, default=oldest) < oldest or firsts != sorted(firsts):
            self.orderly = False
        self.read(buckets)
        if isinstance(self.medium, Flash):
            ring = self.header.slot_count - 2
            while behind := self.behind(buckets):
                buckets.append(behind)
            # The oldest slot holds the newest bucket, or may be erased for the one to come.
            newest = buckets[-1].index if buckets else -1
            buckets = [bucket for bucket in buckets if bucket.index > newest - ring]
            empty = len(buckets) > 1 and buckets[0].first is None and not buckets[0].is_there
            if newest + 1 >= ring and buckets[0].index == newest + 1 - ring and empty:
                del buckets[0]
                self.read(buckets)
        return buckets

    def may_be(self, oldest: int, newest: int, named: list[int]) -> set[int]:
        """The buckets whose slots are there."""
        if isinstance(self.medium, Folder):
            return {index for index in named if oldest <= index <= newest}
        slots = -(-len(self.medium.image) // self.medium.slot_size)
        ring = self.header.slot_count - 2
        return {
            index
            for position in range(min(ring, max(0, slots - 2)))
            if oldest <= (index := newest - (newest - position) % ring) <= newest
        }

    def flash_indexes(self) -> list[int]:
        found = []
        for slot in range(2, self.header.slot_count):
            at = slot * self.header.slot_size
            if at + 4 > len(self.medium.image):
                break
            index = struct.unpack_from("<I", self.medium.image, at)[0]
            if index <= INDEX_MAX and 2 + index % (self.header.slot_count - 2) == slot:
                found.append(index)
        return [index for index in found if self.head(index).first is not None]

    def numbers_max(self) -> int:
        """The most numbers a bucket can hold."""
        if isinstance(self.medium, Flash):
            # A commit may be larger than a bucket, but not than a slot.
            return self.header.slot_size // self.header.record_size
        return self.header.bucket_size

    def numbers(self, index: int, before: list[Bucket]) -> tuple[int, int]:
        """The numbers that a bucket may begin with, given those before."""
        size = self.numbers_max()
        near = [bucket for bucket in before if index - bucket.index <= 4]
        for bucket in reversed(near):
            if bucket.first is not None:
                return bucket.first, bucket.first + size * (index - bucket.index)
        down_to_0 = index <= 4 if isinstance(self.medium, Flash) else near and near[0].index == 0
        if index == 0 or down_to_0:
            return 1, 1 + size * index
        return 1, 1

    def read(self, buckets: list[Bucket]) -> None:
        expected, headed = 1, False
        for place, bucket in enumerate(buckets):
            if bucket.first is not None:
                numbers, headed = (bucket.first, bucket.first), True
            else:
                numbers = self.numbers_between(place, buckets, expected, headed)
            bucket.least, frames = numbers[0], self.all_frames(bucket.index, numbers)
            bucket.frames = [frame for frame in frames if not frame.is_strange]
            if isinstance(self.medium, Folder) and any(f.kind == CURSOR for f in frames):
                # Readers have files of their own, and write into no other.
                self.orderly = False
            bucket.strange = self.strange(place, buckets, frames)
            expected = max([expected, numbers[0], *(frame.next for frame in bucket.frames)])

    def numbers_between(
        self, place: int, buckets: list[Bucket], expected: int, headed: bool
    ) -> tuple[int, int]:
        """The numbers that a bucket without a sound header may begin with, given all others."""
        size, index = self.numbers_max(), buckets[place].index
        least, most = self.numbers(index, buckets[:place])
        behind = [after.first for after in buckets[place + 1 :] if after.first is not None]
        if not behind:
            return least, most
        begun, most = headed or buckets[0].index == 0, behind[0]
        if not begun:
            least = max(1, most - size * (buckets[-1].index - buckets[0].index))
        if begun or any(before.frames for before in buckets[:place]):
            # As many buckets may be gone in front.
            most = min(most, expected + GONE * size)
        return least, most

    def strange(self, place: int, buckets: list[Bucket], frames: list[Frame]) -> list[Frame]:
        """Those whose numbers cannot be in a bucket, unless numbers in front of it are lost."""
        bucket, before = buckets[place], buckets[:place]
        most = self.numbers(bucket.index, before)[1]
        behind = [after.first for after in buckets[place + 1 :] if after.first is not None]
        if bucket.first is not None or (not behind and before and before[-1].first is not None):
            # It is known what it may begin with, and nothing else counts.
            return []
        if most == 1 and bucket.index > 0:
            if not behind:
                return []
            most = behind[0]
        return [frame for frame in frames if frame.number > most + self.numbers_max()]

    def frames(self, index: int, numbers: tuple[int, int]) -> list[Frame]:
        frames = self.all_frames(index, numbers)
        return [frame for frame in frames if not frame.is_strange]

    def all_frames(self, index: int, numbers: tuple[int, int]) -> list[Frame]:
        blank = 0xFF if isinstance(self.medium, Flash) else 0x00
        data, seed = self.medium.bucket(index), self.header.seed(index)
        return walk(data, self.header, seed, numbers, self.numbers_max(), blank)

    def behind(self, buckets: list[Bucket]) -> Bucket | None:
        """The bucket behind the newest one, if its header alone is rotten."""
        index = buckets[-1].index + 1 if buckets else 0
        if index > INDEX_MAX or len(buckets) > self.header.slot_count:
            return None
        ring = self.header.slot_count - 2
        if index >= ring and self.head(index - ring).first is not None:
            # The one of the lap before is still there.
            return None
        frames = self.frames(index, self.numbers(index, buckets))
        bucket = Bucket(index, None, frames=frames)
        return bucket if bucket.is_there else None

    def find_end(self) -> tuple[int, Bucket | None]:
        """The last number that was committed, and the newest bucket that counts."""
        buckets = [self.by_those_before(place) for place in range(len(self.buckets))]
        for place, bucket in reversed(list(enumerate(buckets))):
            ends = bucket.ends(self.header)
            if ends:
                return max(ends) - 1, self.buckets[place]
        for place, bucket in enumerate(buckets):
            begins = bucket.begins(self.header)
            if begins is not None:
                # Its first write was cut, and the numbers before it are taken.
                return (begins - 1, self.buckets[place]) if begins > 1 else (0, None)
        return 0, None

    def by_those_before(self, place: int) -> Bucket:
        """A bucket as those before it show it: how far a log goes no later header says."""
        bucket, before = self.buckets[place], self.buckets[:place]
        if bucket.first is not None:
            return bucket
        numbers = self.numbers(bucket.index, before)
        return Bucket(bucket.index, None, frames=self.frames(bucket.index, numbers))

    # Cursors

    def find_cursors(self) -> list[int | None]:
        if isinstance(self.medium, Folder):
            return [self.place(reader) for reader in range(self.medium.readers())]
        cursors: list[int | None] = [None] * READERS
        if not self.newest:
            return cursors
        chain = [self.newest]
        before = [b for b in self.buckets if b.index < self.newest.index]
        while chain[0].first is None and before:
            chain.insert(0, before.pop())
        journal = self.journal()
        for bucket in chain:
            self.bucket_cursors(bucket, cursors)
            if not journal or struct.unpack_from("<I", journal, 4)[0] != bucket.index:
                continue
            for reader in range(READERS):
                word = journal[8 + 8 * reader : 16 + 8 * reader]
                if word[7] == 1:
                    cursors[reader] = int.from_bytes(word[:7], "little")
        return cursors

    def bucket_cursors(self, bucket: Bucket, cursors: list[int | None]) -> None:
        for reader, lag in enumerate(bucket.lags):
            if lag != MASK and bucket.first is not None and bucket.first - 1 >= lag:
                cursors[reader] = bucket.first - 1 - lag
        highest = 0
        for frame in bucket.frames:
            if not frame.counts or frame.kind == PART:
                continue
            if frame.kind == CURSOR and frame.number > highest and frame.payload[7] < READERS:
                cursors[frame.payload[7]] = int.from_bytes(frame.payload[:7], "little")
            highest = max(highest, frame.next - 1)

    def journal(self) -> bytes | None:
        """The latest journal, which counts as long as no later bucket has a sound header."""
        header = self.header
        latest: bytes | None = None
        for slot in (0, 1):
            data = self.medium.image[slot * header.slot_size : (slot + 1) * header.slot_size]
            at = header.up(header.size)
            size = header.up(48)
            while at + size <= len(data) and data[at : at + 8] != b"\xff" * 8:
                frame = frame_at(data, at, header, header.base_seed)
                at += size
                if not frame or frame.kind != JOURNAL or frame.mixed != mix(0):
                    continue
                if latest is None or later(frame.payload, latest):
                    latest = frame.payload
        return latest

    def place(self, reader: int) -> int | None:
        data = self.medium.places(reader)
        latest: bytes | None = None
        for at in (0, 4096):
            place = data[at : at + 32]
            if len(place) < 32 or place[15] != 1 or place[16] != reader:
                continue
            if struct.unpack_from("<I", place, 28)[0] != crc(self.header.base_seed, place[:28]):
                continue
            if latest is None or later(place, latest):
                latest = place
        return int.from_bytes(latest[8:15], "little") if latest else None

    # What comes out

    def records(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        size = self.header.record_size
        for place, bucket in enumerate(self.buckets):
            limit = min(self.end, self.limit(bucket, self.buckets[place + 1 :]))
            for frame in bucket.frames:
                for i in range(frame.used):
                    if frame.number + i <= limit:
                        found[frame.number + i] = frame.payload[i * size : (i + 1) * size]
        return found

    def limit(self, bucket: Bucket, behind: list[Bucket]) -> int:
        """The last number that counts in a bucket, given those behind it."""
        if not behind:
            return self.end
        begins = behind[0].begins(self.header)
        most = self.end if bucket.first is None else bucket.first + self.numbers_max()
        if begins is not None and (behind[0].first is not None or begins <= most):
            return begins - 1
        # The next bucket is gone, and nobody says how far this one counts but its own commits.
        ends = [frame.next - 1 for frame in bucket.frames if frame.kind != PART]
        firsts = [after.first - 1 for after in behind if after.first is not None]
        return min([*firsts, max(ends, default=0)])

    def first(self) -> int:
        """The first number that was not given up."""
        if not self.buckets or (self.buckets[0].index == 0 and self.buckets[0].first is None):
            return 1
        found: list[int] = []
        for bucket in self.buckets:
            if bucket.first is not None:
                return min([bucket.first, *found])
            found += [frame.number for frame in bucket.frames if frame.number >= bucket.least]
        return 1 if self.newest else self.end + 1


def later(a: bytes, b: bytes) -> bool:
    return (struct.unpack_from("<I", a)[0] - struct.unpack_from("<I", b)[0]) & MASK < 1 << 31


def lines(medium: Folder | Flash) -> list[dict]:
    try:
        log = Log(medium)
    except NoLog as why:
        return [{"error": str(why), "orderly": not isinstance(why, Impossible)}]
    header, records = log.header, log.found
    out: list[dict] = [{
        "log": {
            "id": header.id.hex(), "generation": header.generation,
            "record_size": header.record_size, "bucket_size": header.bucket_size,
            "write_size": header.write_size, "slot_size": header.slot_size,
            "slot_count": header.slot_count, "formats": header.formats, "orderly": log.orderly,
        }
    }]  # fmt: skip
    expected = log.oldest
    for number in [*sorted(number for number in records if number >= expected), log.end + 1]:
        if number > expected:
            out.append({"lost": [expected, number - 1]})
        if number <= log.end:
            out.append({"record": number, "bytes": records[number].hex()})
        expected = number + 1
    for reader, at in enumerate(log.cursors):
        if at is not None:
            out.append({"cursor": reader, "at": at})
    out.append({"end": log.end})
    return out


def open_path(path: str) -> Folder | Flash:
    if not os.path.isdir(path):
        with open(path, "rb") as file:
            return Flash(file.read())
    files = {}
    for name in os.listdir(path):
        if name != "lock" and os.path.isfile(os.path.join(path, name)):
            with open(os.path.join(path, name), "rb") as file:
                files[name] = file.read()
    return Folder(files)


def serve() -> int:
    """Answers one question after another: a byte, 0 for flash and 1 for a folder, the length as
    four bytes, and the image. A folder is its files, each with the lengths of name and content."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while len(head := questions.read(5)) == 5:
        kind, size = struct.unpack("<BI", head)
        image = questions.read(size)
        medium = Folder(unpack(image)) if kind == NAMED else Flash(image)
        out = "".join(json.dumps(line) + "\n" for line in lines(medium)).encode()
        answers.write(struct.pack("<I", len(out)) + out)
        answers.flush()
    return 0


def unpack(image: bytes) -> dict[str, bytes]:
    files, at = {}, 0
    while at < len(image):
        name_size, size = struct.unpack_from("<II", image, at)
        at += 8
        name = image[at : at + name_size].decode()
        files[name] = image[at + name_size : at + name_size + size]
        at += name_size + size
    return files


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--serve":
        return serve()
    out = lines(open_path(sys.argv[1]))
    for line in out:
        print(json.dumps(line))
    return 1 if "error" in out[0] else 0


if __name__ == "__main__":
    sys.exit(main())
