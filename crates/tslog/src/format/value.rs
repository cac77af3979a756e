//! One value of a record: what a caller gives and gets, and its bytes.

use super::float::{from_half, to_half, to_single};
use crate::error::Got;

/// One value, packed into a record or unpacked from it.
///
/// ```
/// use tslog::Value;
/// assert_eq!(Value::from(7_u8), Value::Uint(7));
/// assert_eq!(Value::from(20.5).to_string(), "20.5");
/// assert_eq!(Value::Bytes(b"on\0\0").to_string(), "on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// What `?` gives. Packed as a number it is 0 or 1.
    Bool(bool),
    /// What `c`, `s` and `p` give.
    Bytes(&'a [u8]),
    /// What `e`, `f` and `d` give.
    Float(f64),
    /// What `b`, `h`, `i`, `l`, `q` and `n` give.
    Int(i64),
    /// What `B`, `H`, `I`, `L`, `Q`, `N` and `P` give.
    Uint(u64),
}

impl<'a> Value<'a> {
    /// Writes the bytes of the value for the resolved code `code`; `out` is of its size and zeroed.
    pub(super) fn pack(self, code: u8, big_endian: bool, out: &mut [u8]) -> Result<(), Got> {
        let bits = match code {
            b's' | b'p' => return self.pack_string(code, out),
            b'c' => self.byte().map(u64::from),
            b'?' => Some(u64::from(self.is_true())),
            b'e' => self.float().and_then(to_half).map(u64::from),
            b'f' => self.float().and_then(to_single).map(|single| u64::from(single.to_bits())),
            b'd' => self.float().map(f64::to_bits),
            _ => self.integer().and_then(|integer| integer_bits(code, integer)),
        };
        let bytes = bits.ok_or(self.got())?.to_le_bytes();
        out.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        if big_endian {
            out.reverse();
        }
        Ok(())
    }

    /// Bytes that are too long are cut and short ones filled with zeros, as Python does.
    fn pack_string(self, code: u8, out: &mut [u8]) -> Result<(), Got> {
        let Self::Bytes(bytes) = self else {
            return Err(self.got());
        };
        let out = match (code, out.split_first_mut()) {
            (b'p', Some((length, rest))) => {
                // Bytes behind the 255th are there and not counted, again as Python does.
                *length = u8::try_from(bytes.len().min(rest.len())).unwrap_or(u8::MAX);
                rest
            }
            (_, Some(_)) => out,
            (_, None) => return Ok(()),
        };
        out.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Ok(())
    }

    /// The value that `bytes` hold for the resolved code `code`; `None` if they are not of its
    /// size.
    pub(super) fn unpack(code: u8, big_endian: bool, bytes: &'a [u8]) -> Option<Self> {
        let mut bits = [0; 8];
        match code {
            b'c' | b's' => return Some(Self::Bytes(bytes)),
            b'p' => {
                let (length, rest) = bytes.split_first().unwrap_or((&0, &[]));
                return Some(Self::Bytes(rest.get(..usize::from(*length)).unwrap_or(rest)));
            }
            _ => bits.get_mut(..bytes.len())?.copy_from_slice(bytes),
        }
        if big_endian {
            bits.get_mut(..bytes.len())?.reverse();
        }
        let bits = u64::from_le_bytes(bits);
        Some(match code {
            b'?' => Self::Bool(bits != 0),
            b'e' => Self::Float(from_half(u16::try_from(bits).ok()?)),
            b'f' => Self::Float(f64::from(f32::from_bits(u32::try_from(bits).ok()?))),
            b'd' => Self::Float(f64::from_bits(bits)),
            b'b' => Self::Int(u8::try_from(bits).ok()?.cast_signed().into()),
            b'h' => Self::Int(u16::try_from(bits).ok()?.cast_signed().into()),
            b'i' => Self::Int(u32::try_from(bits).ok()?.cast_signed().into()),
            b'q' => Self::Int(bits.cast_signed()),
            _ => Self::Uint(bits),
        })
    }

    /// What Python holds for true: all but zero and the empty.
    fn is_true(self) -> bool {
        match self {
            Self::Bool(value) => value,
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Float(value) => value != 0.0,
            Self::Int(value) => value != 0,
            Self::Uint(value) => value != 0,
        }
    }

    fn byte(self) -> Option<u8> {
        if let Self::Bytes(&[byte]) = self { Some(byte) } else { None }
    }

    fn integer(self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(value.into()),
            Self::Int(value) => Some(value.into()),
            Self::Uint(value) => Some(value.into()),
            Self::Bytes(_) | Self::Float(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is wanted")]
    fn float(self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(value))),
            Self::Bytes(_) => None,
            Self::Float(value) => Some(value),
            Self::Int(value) => Some(value as f64),
            Self::Uint(value) => Some(value as f64),
        }
    }

    /// What an error says of the value.
    fn got(self) -> Got {
        match self {
            Self::Bool(value) => Got::Bool(value),
            Self::Bytes(bytes) => Got::Bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Float(value) => Got::Float(value.to_bits()),
            Self::Int(value) => Got::Int(value),
            Self::Uint(value) => Got::Uint(value),
        }
    }
}

/// The bits of `integer` for an integer code, or `None` if it is out of range.
fn integer_bits(code: u8, integer: i128) -> Option<u64> {
    match code {
        b'b' => i8::try_from(integer).ok().map(|value| u64::from(value.cast_unsigned())),
        b'B' => u8::try_from(integer).ok().map(u64::from),
        b'h' => i16::try_from(integer).ok().map(|value| u64::from(value.cast_unsigned())),
        b'H' => u16::try_from(integer).ok().map(u64::from),
        b'i' => i32::try_from(integer).ok().map(|value| u64::from(value.cast_unsigned())),
        b'I' => u32::try_from(integer).ok().map(u64::from),
        b'q' => i64::try_from(integer).ok().map(i64::cast_unsigned),
        _ => u64::try_from(integer).ok(),
    }
}

/// For tables: floats with the fewest digits that give the same `f64` again, bytes escaped as in
/// source code and without the zeros that fill them up. [`Code::show`](super::Code::show) knows
/// better how many digits a float has.
impl core::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Bytes(bytes) => {
                let length =
                    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1));
                bytes.get(..length).unwrap_or(bytes).escape_ascii().fmt(f)
            }
            // The other form of `Display` writes 1e30 with all its zeros.
            Self::Float(value) => core::fmt::Debug::fmt(value, f),
            Self::Int(value) => value.fmt(f),
            Self::Uint(value) => value.fmt(f),
        }
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

macro_rules! value_from {
    ($($variant:ident: $($type:ty),+;)+) => {
        $($(impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })+)+
    };
}

value_from! {
    Bool: bool;
    Float: f32, f64;
    Int: i8, i16, i32, i64;
    Uint: u8, u16, u32, u64;
}
