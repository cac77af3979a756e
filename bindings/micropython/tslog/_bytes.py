"""Bytes from and to values: checksums, headers, frames, cursors. docs/layout.md says what they are.

Nothing here opens a file.
"""

import array
import struct

HEADER = 56
BUCKET = 32
FRAME = 8
PLACE = 32
PLACE_STRIDE = 4096
RECORDS, PART, CURSOR, CLOSE = 1, 2, 3, 4
NO_LAG = 0xFFFFFFFF
MAGIC = b"tslog\r\n\x1a"
VERSION = 1


def _table():
    table = array.array("I")
    for crc in range(256):
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _table()


def crc32c(seed, data):
    """CRC-32C, continued from `seed`."""
    table = _TABLE
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def crc8(data):
    """The checksum of the first three bytes of a frame."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ (0x2F if crc & 0x80 else 0)) & 0xFF
    return crc


def mix(number):
    """What the number of a record adds to the checksum of its frame."""
    x = (number & 0xFFFFFFFF) ^ (((number >> 32) * 0x9E3779B1) & 0xFFFFFFFF)
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return x ^ (x >> 16)


def unmix(mixed, low, high):
    """Which of the numbers from `low` to `high` adds this to a checksum, if any: `mix` backwards."""
    for upper in (low >> 32, high >> 32):
        x = ((mixed ^ (mixed >> 16)) * 0x7ED1B41D) & 0xFFFFFFFF
        x = ((x ^ (x >> 13) ^ (x >> 26)) * 0xA5CB9243) & 0xFFFFFFFF
        x ^= (x >> 16) ^ ((upper * 0x9E3779B1) & 0xFFFFFFFF)
        number = upper << 32 | x
        if low <= number <= high:
            return number
    return None


def seal(data):
    """The data and its checksum."""
    return data + struct.pack("<I", crc32c(0, data))


def number56(number):
    """A number with the version as its eighth byte."""
    return struct.pack("<Q", number | VERSION << 56)


class Header:
    """What both copies of the log header say."""

    def __init__(self, generation, log_id, record_size, bucket_size, formats):
        self.generation = generation
        self.id = log_id
        self.record_size = record_size
        self.bucket_size = bucket_size
        self.formats = formats
        self.seed = crc32c(crc32c(0, log_id), struct.pack("<I", generation))

    def encode(self):
        """The bytes of a copy, for files."""
        text = "".join("%s\t%s\n" % pair for pair in self.formats).encode()
        slots, write_size, slot_size, slot_count = 1, 1, 1 << 31, 0xFFFFFFFF
        head = MAGIC + struct.pack("<BBHI", VERSION, slots, write_size, self.generation) + self.id
        head += struct.pack("<IIII", slot_size, slot_count, self.record_size, self.bucket_size)
        return seal(head + struct.pack("<HHI", len(self.formats), 0, len(text)) + text)

    @staticmethod
    def decode(data):
        """The header in these bytes, if they are sound; a number for a later version."""
        if len(data) < HEADER + 4 or data[:8] != MAGIC:
            return None
        (text_size,) = struct.unpack_from("<I", data, 52)
        end = HEADER + text_size
        if len(data) < end + 4 or struct.unpack_from("<I", data, end)[0] != crc32c(0, data[:end]):
            return None
        version, slots, _write_size, generation = struct.unpack_from("<BBHI", data, 8)
        if version != VERSION or slots != 1:
            return version
        record_size, bucket_size = struct.unpack_from("<II", data, 40)
        lines = bytes(data[HEADER:end]).decode().split("\n")[:-1]
        formats = [tuple(line.split("\t")) for line in lines]
        return Header(generation, bytes(data[16:32]), record_size, bucket_size, formats)


def bucket_seed(base, index):
    """The seed of every checksum in a bucket."""
    return crc32c(base, struct.pack("<I", index))


def bucket_header(base, index, first, cursors):
    """The header of a bucket, with the readers' committed cursors."""
    data = struct.pack("<I", index) + number56(first)
    for n in range(4):
        lag = first - 1 - cursors[n] if n < len(cursors) else NO_LAG
        data += struct.pack("<I", min(lag, NO_LAG))
    return data + struct.pack("<I", crc32c(bucket_seed(base, index), data))


def read_bucket_header(base, index, data):
    """The first number of a bucket and the cursors it tells, `None` if its header is not sound."""
    if struct.unpack_from("<I", data, 0)[0] != index or data[11] != VERSION:
        return None
    if struct.unpack_from("<I", data, 28)[0] != crc32c(bucket_seed(base, index), data[:28]):
        return None
    first = struct.unpack_from("<Q", data, 4)[0] & ((1 << 56) - 1)
    lags = struct.unpack_from("<IIII", data, 12)
    cursors = [None if lag == NO_LAG else max(0, first - 1 - lag) for lag in lags]
    return (first, cursors) if first else None


def frame(seed, kind, count, number, payload):
    """A frame whose first record, or the one to come, has this number."""
    head = struct.pack("<HB", count, kind)
    head += bytes([crc8(head)])
    return head + struct.pack("<I", crc32c(crc32c(seed, head), payload) ^ mix(number)) + payload


def frame_head(data, record_size):
    """Count, kind and bytes of payload of a frame, if its first bytes are sound."""
    if len(data) < FRAME or crc8(data[:3]) != data[3]:
        return None
    count, kind = struct.unpack_from("<HB", data, 0)
    if kind in (RECORDS, PART):
        return (count, kind, count * record_size) if count else None
    if kind == CURSOR:
        return 0, kind, 8
    if kind == CLOSE:
        return 0, kind, 0
    return None


def place(base, n, counter, index, cursor):
    """A committed cursor."""
    data = struct.pack("<II", counter, index) + number56(cursor) + bytes([n]) + bytes(11)
    return data + struct.pack("<I", crc32c(base, data))


def read_place(base, n, data):
    """Counter and cursor, if these bytes are a committed cursor of reader `n`."""
    if len(data) < PLACE or data[15] != VERSION or data[16] != n:
        return None
    if struct.unpack_from("<I", data, 28)[0] != crc32c(base, data[:28]):
        return None
    (cursor,) = struct.unpack_from("<Q", data, 8)
    return struct.unpack_from("<I", data, 0)[0], cursor & ((1 << 56) - 1)
