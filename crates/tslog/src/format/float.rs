//! Half floats (binary16), and the one narrowing of floats that may be refused.

/// The bits of `value` as a half float, rounded to the nearest, ties to even; `None` if it is
/// finite and too large for one.
pub(super) fn to_half(value: f64) -> Option<u16> {
    let bits = value.to_bits();
    let sign: u16 = if value.is_sign_negative() { 0x8000 } else { 0 };
    if value.is_nan() {
        return Some(sign | 0x7E00);
    }
    if value.is_infinite() {
        return Some(sign | 0x7C00);
    }
    // A half keeps 10 of the 52 bits of the fraction. Its least exponent is -14, which is 1009 in
    // the bits of an f64; below that, each step costs one bit more.
    let exponent = u32::try_from((bits >> 52) & 0x7FF).ok()?;
    let below = 1009_u32.saturating_sub(exponent);
    let fraction = (bits & ((1 << 52) - 1)) | (1 << 52);
    let rounded = round_off(fraction, below.saturating_add(42));
    // The leading 1 in `rounded` counts as one exponent, and so does a carry out of the rounding.
    let raised = u64::from(exponent.saturating_sub(1009)).wrapping_shl(10);
    let half = u16::try_from(raised.saturating_add(rounded)).ok()?;
    (half < 0x7C00).then_some(sign | half)
}

/// `value` without its lowest `count` bits, rounded to the nearest, ties to even.
fn round_off(value: u64, count: u32) -> u64 {
    let kept = value.checked_shr(count).unwrap_or(0);
    let cut = value.wrapping_sub(kept.checked_shl(count).unwrap_or(0));
    let tie = 1_u64.checked_shl(count.saturating_sub(1)).unwrap_or(u64::MAX);
    let up = cut > tie || (cut == tie && kept & 1 == 1);
    kept.saturating_add(u64::from(up))
}

/// The value of a half float.
pub(super) fn from_half(half: u16) -> f64 {
    let fraction = f64::from(half & 0x3FF);
    let magnitude = match (half >> 10) & 0x1F {
        0 => fraction / 16_777_216.0,
        0x1F if fraction == 0.0 => f64::INFINITY,
        0x1F => f64::NAN,
        exponent => {
            let scale = f64::from_bits(u64::from(exponent).wrapping_add(1008) << 52);
            scale * (1.0 + fraction / 1024.0)
        }
    };
    if half & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// `value` as the nearest `f32`; `None` if it is finite and too large for one.
#[expect(clippy::cast_possible_truncation, reason = "to round is what is wanted")]
pub(super) fn to_single(value: f64) -> Option<f32> {
    let single = value as f32;
    (single.is_finite() || !value.is_finite()).then_some(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back_as_itself() {
        for half in 0..=u16::MAX {
            let value = from_half(half);
            if value.is_nan() {
                assert_eq!(to_half(value), Some(half & 0x8000 | 0x7E00));
            } else {
                assert_eq!(to_half(value), Some(half), "{value:e}");
            }
        }
    }

    #[test]
    fn a_value_between_two_halves_goes_to_the_nearer_and_a_tie_to_the_even_one() {
        for half in 0..0x7BFF_u16 {
            let (low, high) = (from_half(half), from_half(half + 1));
            let middle = f64::midpoint(low, high);
            let even = half + (half & 1);
            assert_eq!(to_half(middle), Some(even), "{middle:e}");
            assert_eq!(to_half(middle.next_down()), Some(half), "{middle:e}");
            assert_eq!(to_half(-middle.next_up()), Some(0x8000 | (half + 1)), "{middle:e}");
        }
    }

    #[test]
    fn a_finite_value_that_would_round_to_infinity_is_refused() {
        assert_eq!(to_half(65519.999), Some(0x7BFF));
        assert_eq!(to_half(65520.0), None);
        assert_eq!(to_half(-f64::MAX), None);
        assert_eq!(to_half(f64::NEG_INFINITY), Some(0xFC00));
        assert_eq!(to_half(f64::MIN_POSITIVE / 2.0), Some(0));
        // Half of the last bit above f32::MAX is the first value that rounds to infinity.
        let edge = f64::from(f32::MAX) + 2_f64.powi(103);
        assert_eq!(to_single(edge.next_down()), Some(f32::MAX));
        assert_eq!(to_single(edge), None);
        assert_eq!(to_single(f64::INFINITY), Some(f32::INFINITY));
    }
}
