//! The text of a format, read as Python's `struct` reads it.
//!
//! It owns the table of codes, their sizes and their alignment, and gives a format as runs with an
//! explicit size and explicit padding. The text may come from anywhere: it is checked, never
//! trusted, and no count in it can overflow anything.

use core::ffi;

use crate::error::Invalid;

/// `count` values of `size` bytes each, one behind the other; padding where the code is `x`.
///
/// The code is a resolved one: what the caller wrote as a native `l` is `q` here where a C `long`
/// has 8 bytes, so that code and size say the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) code: u8,
    pub(super) size: u32,
    pub(super) count: u32,
}

impl Run {
    /// How many values the run holds.
    pub(super) fn values(&self) -> u32 {
        if self.code == b'x' { 0 } else { self.count }
    }

    /// True if `next` behind `self` is the same as one longer run.
    pub(super) fn goes_on_with(&self, next: &Self) -> bool {
        self.code == next.code && !self.is_string()
    }

    /// True for the codes whose count is a length.
    pub(super) fn is_string(&self) -> bool {
        matches!(self.code, b's' | b'p')
    }
}

/// True if the values of the format `text` are big-endian.
pub(super) fn is_big_endian(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'>' | b'!') => true,
        Some(b'<') => false,
        _ => cfg!(target_endian = "big"),
    }
}

/// Reads runs from the text of a format; padding comes as a run of its own.
#[derive(Clone)]
pub(super) struct Parser<'a> {
    text: &'a [u8],
    /// The next character to read.
    at: usize,
    /// Sizes and alignment are those of the machine.
    native: bool,
    /// Bytes in the runs given so far.
    pub(super) size: u32,
    /// A run that was read together with the padding before it.
    next: Option<Run>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let text = text.as_bytes();
        let (at, native) = match text.first() {
            Some(b'@') => (1, true),
            Some(b'=' | b'<' | b'>' | b'!') => (1, false),
            _ => (0, true),
        };
        Self { text, at, native, size: 0, next: None }
    }

    /// The next run, or `None` behind the last one.
    pub(super) fn read(&mut self) -> Result<Option<Run>, Invalid> {
        if let Some(run) = self.next.take() {
            return self.place(run).map(Some);
        }
        while self.peek().is_some_and(is_space) {
            self.step();
        }
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let count = self.count()?;
        let Some(letter) = self.peek() else {
            return self.refuse("a count needs a code behind it");
        };
        if !self.native && matches!(letter, b'n' | b'N' | b'P') {
            return self.refuse("n, N and P have no standard size; write q or Q");
        }
        let Some((code, size, align)) = resolve(letter, self.native) else {
            return self.refuse("expected one of the codes xcbB?hHiIlLqQnNefdspP");
        };
        let mut run = Run { code, size, count };
        if run.is_string() {
            run = Run { code, size: count, count: 1 };
        }
        let Some(start) = self.size.checked_next_multiple_of(align) else {
            return self.refuse(TOO_LONG);
        };
        let gap = start.saturating_sub(self.size);
        if gap == 0 {
            return self.place(run).map(Some);
        }
        self.next = Some(run);
        self.size = start;
        Ok(Some(Run { code: b'x', size: 1, count: gap }))
    }

    /// Counts the bytes of `run` and steps over its code.
    fn place(&mut self, run: Run) -> Result<Run, Invalid> {
        let end = run.size.checked_mul(run.count).and_then(|size| size.checked_add(self.size));
        let Some(end) = end else {
            return self.refuse(TOO_LONG);
        };
        self.size = end;
        self.step();
        Ok(run)
    }

    /// The count in front of a code, 1 where there is none.
    fn count(&mut self) -> Result<u32, Invalid> {
        let mut count = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            let more = count.unwrap_or(0_u32).checked_mul(10).and_then(|n| n.checked_add(digit));
            if more.is_none() {
                return self.refuse(TOO_LONG);
            }
            count = more;
            self.step();
        }
        Ok(count.unwrap_or(1))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// All text before `at` is ASCII, so that bytes and characters count the same.
    fn refuse<T>(&self, why: &'static str) -> Result<T, Invalid> {
        Err(Invalid::Format(why, u32::try_from(self.at).unwrap_or(u32::MAX)))
    }
}

/// Gives the runs of a format that was read once without an error.
impl Iterator for Parser<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        self.read().ok().flatten()
    }
}

const TOO_LONG: &str = "the size must be below 4294967296 bytes";

/// The white space of C's `isspace`.
fn is_space(letter: u8) -> bool {
    matches!(letter, b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r')
}

/// The resolved code, the size and the alignment of a code as written.
fn resolve(letter: u8, native: bool) -> Option<(u8, u32, u32)> {
    let (machine, standard) = match letter {
        b'x' | b'c' | b'?' | b's' | b'p' => return Some((letter, 1, 1)),
        b'b' | b'B' => (shape_of::<ffi::c_char>(), 1),
        b'h' | b'H' | b'e' => (shape_of::<ffi::c_short>(), 2),
        b'i' | b'I' => (shape_of::<ffi::c_int>(), 4),
        b'l' | b'L' => (shape_of::<ffi::c_long>(), 4),
        b'q' | b'Q' => (shape_of::<ffi::c_longlong>(), 8),
        b'n' | b'N' | b'P' => (shape_of::<usize>(), 0),
        b'f' => (shape_of::<ffi::c_float>(), 4),
        b'd' => (shape_of::<ffi::c_double>(), 8),
        _ => return None,
    };
    let (size, align) = if native { machine } else { (standard, 1) };
    let codes = match letter {
        b'e' | b'f' | b'd' => b" efd",
        b'A'..=b'Z' => b"BHIQ",
        _ => b"bhiq",
    };
    // Sizes are 1, 2, 4 and 8, so the logarithm finds the code of that size.
    let code = codes.get(usize::try_from(size.trailing_zeros()).ok()?)?;
    Some((*code, size, align))
}

/// Size and alignment of a C type on this machine.
#[expect(clippy::cast_possible_truncation, reason = "no C type has 4 GiB")]
const fn shape_of<T>() -> (u32, u32) {
    (size_of::<T>() as u32, align_of::<T>() as u32)
}
