"""Formats of the module `struct`, with the codes and the checks that MicroPython's lacks."""

import struct

_INTEGERS = "bBhHiIlLqQnNP"
_KNOWN = "xcbB?hHiIlLqQnNefdspP"


def _shape(code, native):
    """The resolved code, its size and its alignment."""
    if code in "xc?sp":
        return code, 1, 1
    if code in "efd":
        return code, {"e": 2, "f": 4, "d": 8}[code], _align(code) if native else 1
    # MicroPython has no n and N; they are as wide as a pointer.
    wide = "P" if code in "nN" else code
    if native:
        size, align = struct.calcsize("@" + wide), _align(wide)
    else:
        size, align = {"b": 1, "h": 2, "i": 4, "l": 4, "q": 8}[code.lower()], 1
    letters = "BHIQ" if code in "BHILQNP" else "bhiq"
    return letters[{1: 0, 2: 1, 4: 2, 8: 3}[size]], size, align


def _align(code):
    if code == "e":
        code = "h"
    return struct.calcsize("@b" + code) - struct.calcsize("@" + code)


class Format:
    """One format, resolved."""

    def __init__(self, text):
        self.big = text[:1] in (">", "!")
        native = text[:1] not in ("<", ">", "=", "!")
        self.codes = []
        runs = []
        size = 0
        count = ""
        for letter in text[1:] if text[:1] in ("@", "=", "<", ">", "!") else text:
            if letter.isdigit():
                count += letter
                continue
            if letter in " \t\n\r\v\f":
                if count:
                    raise ValueError("bad format %r: a count needs a code behind it" % text)
                continue
            if letter not in _KNOWN or (not native and letter in "nNP"):
                raise ValueError("bad format %r: %r is no code in it" % (text, letter))
            number = int(count or "1")
            count = ""
            code, one, align = _shape(letter, native)
            gap = -size % align
            if gap:
                runs.append(("x", gap))
                size += gap
            if code in "sp":
                self.codes.append((code, size, number))
                size += number
            else:
                if code != "x":
                    self.codes += [(code, size + i * one, one) for i in range(number)]
                size += number * one
            runs.append((code, number))
        if count:
            raise ValueError("bad format %r: a count needs a code behind it" % text)
        self.size = size
        self.text = (">" if self.big else "<") + self._merged(runs)

    @staticmethod
    def _merged(runs):
        merged = []
        for code, number in runs:
            if code not in "sp" and number == 0:
                continue
            if merged and merged[-1][0] == code and code not in "sp":
                merged[-1] = (code, merged[-1][1] + number)
            else:
                merged.append((code, number))
        text = ""
        for code, number in merged:
            if number == 1:
                text += code
            elif number == 2 and code not in "sp":
                text += code + code
            else:
                text += str(number) + code
        return text

    def pack(self, values, out, skip):
        """Writes a record into `out`, which is zeroed, from `skip` on."""
        if len(values) != len(self.codes):
            raise TypeError(
                "the format has %d values, and %d were given" % (len(self.codes), len(values))
            )
        for index, (code, offset, size) in enumerate(self.codes):
            self._pack_one(index, code, values[index], out, skip + offset, size)

    def _pack_one(self, index, code, value, out, at, size):
        order = ">" if self.big else "<"
        if code == "?":
            out[at] = 1 if value else 0
        elif code in "csp":
            kinds = (bytes,) if code == "c" else (bytes, bytearray)
            if not isinstance(value, kinds):
                raise TypeError("values[%d] must be bytes, got %r" % (index, value))
            if code == "c" and len(value) != 1:
                raise ValueError("values[%d] must be one byte, got %d" % (index, len(value)))
            if code == "p":
                if not size:
                    return
                out[at] = min(len(value), size - 1, 255)
                at, size = at + 1, size - 1
            value = value[:size]
            out[at : at + len(value)] = value
        elif code in "efd":
            if not isinstance(value, (int, float)):
                raise TypeError("values[%d] must be a number, got %r" % (index, value))
            struct.pack_into(order + code, out, at, float(value))
            back = struct.unpack_from(order + code, out, at)[0]
            if back in (float("inf"), float("-inf")) and back != value:
                raise ValueError("values[%d] is too large for %s: %r" % (index, code, value))
        else:
            if not isinstance(value, int):
                raise TypeError("values[%d] must be an integer, got %r" % (index, value))
            low, high = (0, 1 << 8 * size) if code in "BHIQ" else (-(1 << 8 * size - 1), 1 << 8 * size - 1)
            if not low <= value < high:
                message = "values[%d] must be an integer from %d to %d, got %d"
                raise ValueError(message % (index, low, high - 1, value))
            struct.pack_into(order + code, out, at, int(value))

    def unpack(self, record, skip):
        """The values of a record."""
        order = ">" if self.big else "<"
        values = []
        for code, offset, size in self.codes:
            at = skip + offset
            if code == "?":
                values.append(record[at] != 0)
            elif code == "p":
                length = min(record[at], size - 1) if size else 0
                values.append(bytes(record[at + 1 : at + 1 + length]))
            elif code in "cs":
                values.append(bytes(record[at : at + size]))
            else:
                values.append(struct.unpack_from(order + code, record, at)[0])
        return tuple(values)
