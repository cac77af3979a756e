//! Pointers that C gives: checked for what can be checked, and followed here alone.
//!
//! What cannot be checked is what `tslog.h` asks of the caller: that a pointer which is not NULL
//! leads to as many values of its type as it says, and that nobody else writes there during the
//! call. Every SAFETY comment below rests on that.

use core::ffi::{CStr, c_char, c_void};

use crate::fault::Fault;

/// Memory that is read.
#[repr(transparent)]
pub(crate) struct In<T>(*const T);

/// Memory that is written.
#[repr(transparent)]
pub(crate) struct Out<T>(*mut T);

// Pointers can be copied whatever they lead to, which a derive does not see.
impl<T> Copy for In<T> {}
impl<T> Copy for Out<T> {}

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> In<T> {
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    fn check(self, name: &'static str) -> Result<(), Fault> {
        if self.0.is_null() {
            return Err(Fault::Null(name));
        }
        if self.0.is_aligned() { Ok(()) } else { Err(Fault::Alignment(name)) }
    }

    /// The values behind the pointer, which may be NULL if they are none. The caller of this
    /// chooses `'a`, and ends it before the C function returns.
    pub(crate) fn slice<'a>(self, count: usize, name: &'static str) -> Result<&'a [T], Fault> {
        if count == 0 {
            return Ok(&[]);
        }
        self.check(name)?;
        check_size::<T>(count, name)?;
        // SAFETY: not NULL, aligned, and no larger than an object can be; the caller of the C
        // function vouches for `count` values.
        Ok(unsafe { core::slice::from_raw_parts(self.0, count) })
    }
}

impl<T: Copy> In<T> {
    /// A copy of the value behind the pointer.
    pub(crate) fn get(self, name: &'static str) -> Result<T, Fault> {
        self.check(name)?;
        // SAFETY: not NULL and aligned; the caller of the C function vouches for the value.
        Ok(unsafe { self.0.read() })
    }
}

impl In<u8> {
    /// Where bytes of the caller lie, to be given back to it.
    pub(crate) fn from(bytes: &[u8]) -> Self {
        Self(bytes.as_ptr())
    }
}

impl In<c_void> {
    pub(crate) fn as_bytes(self) -> In<u8> {
        In(self.0.cast())
    }
}

#[cfg(feature = "std")]
impl Out<c_char> {
    pub(crate) fn as_bytes(self) -> Out<u8> {
        Out(self.0.cast())
    }
}

impl Out<c_void> {
    pub(crate) fn as_bytes(self) -> Out<u8> {
        Out(self.0.cast())
    }
}

impl In<c_char> {
    /// The bytes before the zero byte.
    pub(crate) fn bytes<'a>(self, name: &'static str) -> Result<&'a [u8], Fault> {
        self.check(name)?;
        // SAFETY: not NULL; the caller of the C function vouches for the zero byte at the end.
        Ok(unsafe { CStr::from_ptr(self.0) }.to_bytes())
    }

    pub(crate) fn text<'a>(self, name: &'static str) -> Result<&'a str, Fault> {
        core::str::from_utf8(self.bytes(name)?).map_err(|_| Fault::Text(name))
    }
}

impl<T> From<*mut T> for Out<T> {
    fn from(pointer: *mut T) -> Self {
        Self(pointer)
    }
}

impl<T> Out<T> {
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    pub(crate) fn check(self, name: &'static str) -> Result<(), Fault> {
        In(self.0.cast_const()).check(name)
    }

    /// Writes where there is a pointer; for results that the caller may not want.
    pub(crate) fn put(self, value: T) {
        if self.check("").is_ok() {
            // SAFETY: not NULL and aligned; the caller of the C function vouches for the room.
            unsafe { self.0.write(value) }
        }
    }

    /// Writes one value behind the other. `room` must be at least their number.
    pub(crate) fn put_all(self, room: usize, all: impl Iterator<Item = T>) {
        for (at, value) in all.take(room).enumerate() {
            // SAFETY: `at` is below `room`, for which the caller of the C function vouches.
            Self(unsafe { self.0.add(at) }).put(value);
        }
    }

    /// The values behind the pointer, which may be NULL if they are none. As [`In::slice`].
    pub(crate) fn slice<'a>(self, count: usize, name: &'static str) -> Result<&'a mut [T], Fault> {
        if count == 0 {
            return Ok(&mut []);
        }
        self.check(name)?;
        check_size::<T>(count, name)?;
        // SAFETY: not NULL, aligned, and no larger than an object can be; the caller of the C
        // function vouches for `count` values that nothing else uses during the call.
        Ok(unsafe { core::slice::from_raw_parts_mut(self.0, count) })
    }
}

fn check_size<T>(count: usize, name: &'static str) -> Result<(), Fault> {
    let most = isize::MAX.unsigned_abs().checked_div(size_of::<T>()).unwrap_or(usize::MAX);
    if count <= most { Ok(()) } else { Err(Fault::Count(name, most as u64, count as u64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_crooked_pointers_and_sizes_beyond_memory_are_refused() {
        let words = [1_u64, 2];
        let crooked = In(words.as_ptr().wrapping_byte_add(1));
        let null = In::<u64>(core::ptr::null());
        assert!(matches!(null.get("a"), Err(Fault::Null("a"))));
        assert!(matches!(null.slice(1, "a"), Err(Fault::Null("a"))));
        assert!(matches!(null.slice(0, "a"), Ok([])));
        assert!(matches!(crooked.get("a"), Err(Fault::Alignment("a"))));
        let beyond = In(words.as_ptr()).slice(usize::MAX / 8, "a");
        assert!(matches!(beyond, Err(Fault::Count("a", _, _))));
        assert!(matches!(In(words.as_ptr()).slice(2, "a"), Ok([1, 2])));
    }

    #[test]
    fn results_nobody_wants_are_left_out() {
        Out::<u64>(core::ptr::null_mut()).put(7);
        let mut there = 0;
        Out(&raw mut there).put(7);
        assert_eq!(there, 7);
    }

    #[test]
    fn text_must_be_utf_8() {
        assert!(matches!(In(c"Qff".as_ptr()).text("a"), Ok("Qff")));
        assert!(matches!(In(c"\xFF".as_ptr()).text("a"), Err(Fault::Text("a"))));
    }
}
