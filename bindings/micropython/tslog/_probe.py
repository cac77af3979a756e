"""Looking at a folder: which buckets there are, where the log ends, what a reader meets next.

It changes nothing, and believes the same bytes as every other reader of docs/layout.md: a record is
handed out only if the checksum of its frame holds for exactly its number, and every number is
either handed out or named in a range, once.
"""

import os
import sys

from tslog import _bytes as b

ENOENT = 2
_CPYTHON = sys.implementation.name == "cpython"
_CHUNK = 512
# Frames of more bytes than this are compared with the file they are in before they are read.
_LARGE = 65536
_INDEX_MAX = 0xFFFFFFFC
# What most media lose at once when they lose something, and how far from where a frame should lie
# it is looked for, should a sector read as one of its neighbours.
_SECTOR = 512
_NEAR = 4096
# How far behind a sound header buckets with rotten ones are believed.
_ROTTEN = 4
# How many buckets of numbers may be gone around the one that is read next.
_MISSING = _ROTTEN + 2
# How many numbers are left in a bucket that has none behind it.
_OPEN = 1 << 60


def open_file(path, mode):
    """Opens a file. A buffer of CPython's would show old bytes of a file that is written."""
    return open(path, mode, buffering=0) if _CPYTHON else open(path, mode)


def indexes(folder):
    """The indexes of all buckets in a folder, from the lowest."""
    names = [name for name in os.listdir(folder) if name[:7] == "bucket-"]
    digits = [name[7:] for name in names]
    found = sorted(int(text) for text in digits if len(text) == 10 and text.isdigit())
    return [index for index in found if index <= _INDEX_MAX]


class Position:
    """Where a reader stands: at a frame, with `taken` of its records behind it."""

    def __init__(self):
        self.nowhere()

    def nowhere(self):
        """Has to look for its number first."""
        self.start_of(-1)

    def start_of(self, index):
        """In front of the first frame of a bucket."""
        self.index, self.offset, self.left, self.taken = index, 0, _OPEN, 0

    def where(self):
        """All there is to know, for `back_to`."""
        return self.index, self.offset, self.left, self.taken

    def back_to(self, where):
        """Stands again where it stood."""
        self.index, self.offset, self.left, self.taken = where

    def last(self, bounds, want):
        """The last number the bucket can hold."""
        return min(want + self.left - 1, bounds[2])

    def reach(self, want, reached):
        """Counts the numbers from `want` up to `reached` off what is left in the bucket."""
        if self.left != _OPEN:
            self.left = max(0, self.left - max(0, reached - want))

    def take(self, count):
        """Moves over records that were handed out from this frame."""
        self.taken += count
        if self.left != _OPEN:
            self.left -= count


class Walk:
    """What the walk over one bucket found."""

    def __init__(self, first, header):
        self.first = first
        # The first number and the cursors of the readers, if the header is sound.
        self.header = header
        # The last number of the last whole commit, where the last frame that shows one ends and
        # begins, whether there is one at all, and whether the log was closed with it.
        self.committed = None
        self.end = b.BUCKET
        self.last = 0
        self.solid = False
        self.closed = False


class Probe:
    """The buckets of a log in a folder. `bounds` are the oldest and the newest bucket of the
    committed records, and the last of their numbers."""

    def __init__(self, folder, header):
        self._folder = folder
        self._header = header
        self._size = header.record_size
        self._index, self._file, self._extent = None, None, 0

    def path(self, index):
        """The file of a bucket."""
        return "%s/bucket-%010d" % (self._folder, index)

    def indexes(self):
        """The indexes of all buckets, from the lowest."""
        return indexes(self._folder)

    def forget(self):
        """Lets go of the file that is open, before it is written or removed."""
        if self._file:
            self._file.close()
        self._index, self._file = None, None

    def _open(self, index):
        if index == self._index:
            return
        self.forget()
        self._index, self._extent = index, 0
        try:
            self._file = open_file(self.path(index), "rb")
        except OSError as error:
            if error.args[0] != ENOENT:
                raise
            return
        self._extent = self._file.seek(0, 2)

    def extent(self, index):
        """Bytes in the file of a bucket; 0 if there is none."""
        self._open(index)
        return self._extent

    def read(self, index, offset, size):
        """Bytes of a bucket, which has zeros behind its end."""
        self._open(index)
        data = b""
        if offset < self._extent:
            self._file.seek(offset)
            data = self._file.read(min(size, self._extent - offset))
        return data + bytes(size - len(data))

    def header(self, index):
        """The first number of a bucket and the cursors it tells, if its header is sound."""
        return b.read_bucket_header(self._header.seed, index, self.read(index, 0, b.BUCKET))

    def first(self, index):
        """The first number of a bucket, if its header is sound."""
        header = self.header(index)
        return header and header[0]

    def frame(self, index, offset):
        """Count, kind, whether it has records, size and checksum of a frame, by its first bytes."""
        data = self.read(index, offset, b.FRAME)
        head = b.frame_head(data, self._size)
        if head is None:
            return None
        count, kind, payload = head
        size = b.FRAME + payload
        if size > _LARGE and offset + size > self.extent(index):
            return None
        return count, kind, size, int.from_bytes(data[4:8], "little")

    def mixed(self, index, offset, frame):
        """What the number of a frame has added to its checksum, if the frame is sound."""
        crc = b.crc32c(b.bucket_seed(self._header.seed, index), self.read(index, offset, 4))
        end = offset + frame[2]
        at = offset + b.FRAME
        while at < end:
            crc = b.crc32c(crc, self.read(index, at, min(_CHUNK, end - at)))
            at += _CHUNK
        return crc ^ frame[3]

    def begins_with(self, index, offset, frame, number):
        """Whether a frame is sound and begins with this number."""
        return self.mixed(index, offset, frame) == b.mix(number)

    def first_at_or_after(self, index, head):
        """The first number of this bucket, or of the next one whose header is sound."""
        for other in self.indexes():
            if index <= other <= head:
                first = self.first(other)
                if first:
                    return first
        return None

    def first_sound(self, index, low, high):
        """Offset and number of the first sound frame, where the header of the bucket is rotten and
        it begins with a number from `low` to `high`."""
        if self.ends_at(index, b.BUCKET):
            return None
        most = high + self._header.bucket_size
        for at, _frame, number in self.sound(index, b.BUCKET, low, most, high - low):
            return at, number
        return None

    def first_number(self, oldest, head):
        """The first number from this bucket on: that of the first sound header, or of a sound frame
        in the buckets before that."""
        first = self.first(oldest)
        if first:
            return first
        if oldest == 0:
            return 1
        first = self.first_at_or_after(oldest + 1, head) or 1
        size = self._header.bucket_size * (head - oldest)
        low = max(1, first - size)
        for index in [at for at in self.indexes() if oldest <= at <= head]:
            if self.first(index):
                break
            for link in self.sound(index, b.BUCKET, low, first, size):
                first = min(first, link[2])
        return first

    def sound(self, index, begin, low, high, missing=0):
        """The sound frames from `begin` on, where one with the number `low` should begin.

        Their numbers are not more above `low` than records have room in what is skipped, and
        `missing` more where numbers in front may be gone too."""
        extent = self.extent(index)
        budget = 4 * extent + 4096
        at = begin
        while at + b.FRAME <= extent and budget > 0:
            data = self.read(index, at, min(64, extent - at))
            # The count of a frame may look blank, and its kind does not.
            blank = len(data) - len(data.lstrip(b"\0")) - 2
            if blank > 0:
                at += blank
                continue
            frame = self.frame(index, at)
            if frame:
                # What is not there costs little, and a rotten length must not end the search.
                budget -= min(frame[2], extent - at)
                most = min(high, low + (at - begin) // self._size + missing)
                number = b.unmix(self.mixed(index, at, frame), low, most)
                if number is not None:
                    yield at, frame, number
                    at += frame[2]
                    continue
            at += 1

    def ends_at(self, index, offset):
        """Whether nothing was written here or behind: a few places are blank, one of which would
        not be if a sector alone had been lost."""
        at, step, extent = offset, 0, self.extent(index)
        while at < extent:
            if not self.is_blank(index, at, at + 32):
                return False
            at = -(-at // _SECTOR) * _SECTOR + step
            step = max(2 * step, _SECTOR)
        return True

    def is_blank(self, index, begin, end):
        """Whether all these bytes of a bucket are zeros."""
        while begin < end:
            if any(self.read(index, begin, min(_CHUNK, end - begin))):
                return False
            begin += _CHUNK
        return True

    # Where the log ends

    def walk(self, index, cursor):
        """Walks a bucket; `None` if it is none. Where its header is rotten, its first sound frame
        must have a number that can be, given the buckets before or a committed cursor."""
        header = self.header(index)
        first, least, missing = header and header[0], 0, 0
        if not first:
            low, high = self._plausible_first(index, cursor)
            found = self.first_sound(index, low, high)
            if found is None:
                return None
            # No record of the bucket before has this number, or a higher one.
            first = found[1]
            if found[0] > b.BUCKET:
                least, missing = low, high - low
        walk = Walk(first, header)
        if least or not self._hop(index, walk):
            self._check_all(index, walk, b.BUCKET, least or first, missing)
        # Header and first frame are one write: if that was cut, there is no bucket.
        if header is None and walk.last <= b.BUCKET:
            walk.solid, walk.committed, walk.closed = False, None, False
        # Parts alone show nothing: a cut may have left them without what was in front.
        return walk if walk.solid or not least else None

    def _plausible_first(self, index, cursor):
        """The numbers that the buckets from the last sound header on have room for, if that is
        near."""
        size, before = self._header.bucket_size, index
        for before in reversed([at for at in self.indexes() if index - _ROTTEN <= at < index]):
            first = self.first(before)
            if first:
                return first, first + size * (index - before)
        if before == 0:
            return 1, 1 + size * index
        return max(0, cursor - size) + 1, cursor + 1

    def _hop(self, index, walk):
        """Follows the chain of frames by their first bytes, and checks the last one, which vouches
        for the others. Behind a place where the chain is broken every frame is checked. False if
        the end of the chain is not sound."""
        offset, number, last, part = walk.end, walk.first, None, None
        while True:
            frame = self.frame(index, offset)
            if frame is None:
                break
            link = offset, frame, number
            count, kind, size, _crc = frame
            if kind == b.RECORDS:
                last, part = link, None
            elif kind == b.PART:
                part = link
            elif self.begins_with(index, *link):
                last = part = None
                self._count(walk, link)
            else:
                break
            offset, number = offset + size, number + count
        if part and not self.begins_with(index, *part):
            return False
        if last:
            if not self.begins_with(index, *last):
                return False
            self._count(walk, last)
        if not self.ends_at(index, offset):
            self._check_all(index, walk, offset, number)
        return True

    @staticmethod
    def _count(walk, link):
        """A sound frame shows that everything before its end was committed, or before its number."""
        at, frame, number = link
        walk.committed = max(walk.committed or 0, number + frame[0] - 1)
        walk.solid = True
        if at >= walk.last:
            walk.last, walk.end, walk.closed = at, at + frame[2], frame[1] == b.CLOSE

    def _check_all(self, index, walk, offset, number, missing=0):
        """The chain of frames is broken here, or cannot be trusted: each sound frame counts by its
        own number, for a sector may read as another one does."""
        high = number + self._header.bucket_size + missing
        for link in self.sound(index, offset, number, high, missing):
            if link[1][1] != b.PART:
                self._count(walk, link)

    # What a reader meets

    def next(self, bounds, at, want):
        """Records from number `want` on, as `(bytes, None, False)`; or `(None, last, dropped)` if the
        numbers from `want` to `last` are lost, `dropped` if the log has given them up. `want` is
        committed. `at` is moved to where it lies."""
        before = at.where()
        records, lost = self._look(bounds, at, want)
        if records is None:
            # Seen from the bucket before, where it ends is a guess; a search may know better.
            at.back_to(before) if before[0] == at.index else at.nowhere()
            records, lost = self._look(bounds, at, want)
        return records, lost, records is None and self._dropped

    def _look(self, bounds, at, want):
        self._dropped = False
        if not bounds[0] <= at.index <= bounds[1]:
            lost = self._locate(bounds, at, want)
            if lost:
                return None, lost
        while True:
            if at.index > bounds[1]:
                at.nowhere()
                return None, bounds[2]
            lost = at.offset == 0 and self._enter(bounds, at, want)
            if lost:
                return None, lost
            if at.left == _OPEN and at.index < bounds[1]:
                at.left = self._left_in(bounds, at.index, want)
            if at.left <= 0:
                at.start_of(at.index + 1)
                continue
            frame = self.frame(at.index, at.offset)
            if frame is None:
                lost = self._find_way(bounds, at, want)
                if lost:
                    return None, lost
            elif at.taken >= frame[0]:
                at.offset, at.taken = at.offset + frame[2], 0
            else:
                records, lost = self._read_frame(bounds, at, want, frame)
                if records is not None or lost:
                    return records, lost

    def _read_frame(self, bounds, at, want, frame):
        count = min(frame[0] - at.taken, at.left, bounds[2] - want + 1)
        number = want - at.taken
        if self.begins_with(at.index, at.offset, frame, number):
            begin = at.offset + b.FRAME + at.taken * self._size
            return self.read(at.index, begin, count * self._size), None
        end, behind = number + frame[0], at.offset + frame[2]
        vouching = end <= at.last(bounds, want) and self.frame(at.index, behind)
        if vouching and self.begins_with(at.index, behind, vouching, end):
            at.offset, at.taken = behind, 0
            at.reach(want, end)
            return None, end - 1
        return None, self._find_way(bounds, at, want)

    def _find_way(self, bounds, at, want):
        """The chain is broken, and `want` should lie here or behind. Goes to the frame that holds
        it, or the next later record; returns the last number that is lost, `None` if there is
        none."""
        high = at.last(bounds, want)
        at.taken = 0
        found = self._nearest(at, want, high)
        if found:
            at.offset = found[0]
            at.taken = max(0, want - found[1])
            at.reach(want, found[1])
            return found[1] - 1 if found[1] > want else None
        following = at.index + 1
        if at.index < bounds[1] and self.header(following) is None:
            # Where the next header is rotten, nobody says where this bucket ends; its frames do.
            at.start_of(following)
            at.offset = b.BUCKET
            return None
        at.start_of(following)
        return high

    def _nearest(self, at, want, high):
        """Offset and number of the sound frame around `at` that holds `want`, or else the next
        later one."""
        size, nearest, end = self._header.bucket_size, None, 0
        begin = max(b.BUCKET, at.offset - _NEAR)
        for offset, frame, number in self.sound(
            at.index, begin, max(0, want - size), high, _MISSING * size
        ):
            if nearest and offset > end:
                break
            if number + frame[0] > want and frame[1] in (b.RECORDS, b.PART):
                if number <= want:
                    return offset, number
                if nearest is None:
                    nearest, end = (offset, number), offset + frame[2] + _NEAR
                elif number < nearest[1]:
                    nearest = offset, number
        return nearest

    def _locate(self, bounds, at, want):
        """Goes to the bucket of a number; returns the last of the numbers before the log."""
        low, high = bounds[0], bounds[1] + 1
        while high - low > 1:
            middle = (low + high) // 2
            probe, first = middle, None
            while first is None:
                first = self.first(probe)
                if first is None:
                    probe -= 1
                    if probe <= low:
                        break
            if first is not None:
                if first <= want:
                    low = max(probe, low + 1)
                else:
                    high = probe
            else:
                first = self.first_at_or_after(middle, high - 1)
                if first is not None and first <= want:
                    low = middle
                else:
                    high = middle
        at.start_of(low)
        if low == bounds[0]:
            first = self.first(low)
            if first and first > want:
                self._dropped = True
                return first - 1
        return None

    def _enter(self, bounds, at, want):
        """Stands at the first frame of a bucket, or at the frame that holds `want`."""
        index = at.index
        at.start_of(index)
        at.offset = b.BUCKET
        first = self.first(index)
        if first is None:
            # Nothing says which number it begins with; `_find_way` looks for this one.
            return None
        if first > want:
            return min(first - 1, bounds[2])
        number = first
        while number < want:
            frame = self.frame(index, at.offset)
            if frame is None:
                return None
            if number + frame[0] > want:
                at.taken = want - number
                return None
            number += frame[0]
            at.offset += frame[2]
        return None

    def _left_in(self, bounds, index, want):
        """How many numbers from `want` on lie in a bucket that is not the newest."""
        following, size = index + 1, self._header.bucket_size
        end = self.first(following)
        if end is None:
            first = self.first(index)
            high = want + _MISSING * size if first is None else first + size
            found = self.first_sound(following, want, high)
            end = found[1] if found and found[0] == b.BUCKET else None
        if end is None:
            # The bucket behind this one is gone, and with it what says how far this one counts:
            # only what was committed in here does, for part frames may be left from a cut.
            end = self.first_at_or_after(following, bounds[1]) or bounds[2] + 1
            ends = [0]
            for _at, frame, number in self.sound(
                index, b.BUCKET, max(0, want - size), end, _MISSING * size
            ):
                if frame[1] != b.PART:
                    ends.append(number + frame[0])
            end = min(end, max(ends))
        return max(0, end - want)
