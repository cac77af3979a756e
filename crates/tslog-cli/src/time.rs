//! Times as people write them, against the numbers in a field named `time`.
//!
//! A time is `10m` (so long ago), RFC 3339, a date, or a bare number in the unit of the field.
//! Inside, all times are nanoseconds since 1970 in an `i128`, which holds any 64-bit count of
//! seconds.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

/// The unit of a time field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeUnit {
    nanoseconds: i128,
}

impl TimeUnit {
    /// `s`, `ms`, `us` or `ns`; nothing else is a unit of time.
    pub(crate) fn parse(unit: &str) -> Option<Self> {
        let nanoseconds = match unit {
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        Some(Self { nanoseconds })
    }

    /// A whole number of the unit in nanoseconds.
    pub(crate) fn nanoseconds(self, count: i128) -> i128 {
        count.saturating_mul(self.nanoseconds)
    }

    /// A fraction of the unit in nanoseconds; what no number can be is the farthest time there is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a float is no more exact than this, and `as` saturates"
    )]
    pub(crate) fn nanoseconds_of_float(self, count: f64) -> i128 {
        (count * self.nanoseconds as f64).round() as i128
    }

    /// Nanoseconds in whole units, rounded down.
    pub(crate) fn count(self, nanoseconds: i128) -> i128 {
        nanoseconds.div_euclid(self.nanoseconds)
    }

    /// Nanoseconds in units, for a field that holds a float.
    #[expect(clippy::cast_precision_loss, reason = "the field is no more exact than this")]
    pub(crate) fn count_as_float(self, nanoseconds: i128) -> f64 {
        // Whole units apart, so that the quotient of a time of today stays exact.
        let (whole, rest) =
            (nanoseconds.div_euclid(self.nanoseconds), nanoseconds.rem_euclid(self.nanoseconds));
        whole as f64 + rest as f64 / self.nanoseconds as f64
    }
}

/// A time of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeArg {
    /// Nanoseconds since 1970.
    At(i128),
    /// A number of the field's own unit.
    Count(i128),
}

impl TimeArg {
    /// In nanoseconds, for a field of this unit.
    pub(crate) fn nanoseconds(self, unit: TimeUnit) -> i128 {
        match self {
            Self::At(nanoseconds) => nanoseconds,
            Self::Count(count) => unit.nanoseconds(count),
        }
    }
}

impl std::str::FromStr for TimeArg {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Ok(count) = text.parse::<i64>() {
            return Ok(Self::Count(count.into()));
        }
        if let Some(nanoseconds) = timestamp(text) {
            return Ok(Self::At(nanoseconds));
        }
        let ago = text.parse::<Span>().map_err(|_| NotATime)?;
        let ago = ago.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| NotATime)?;
        Ok(Self::At(Timestamp::now().as_nanosecond().saturating_sub(ago.abs().as_nanos())))
    }
}

/// Nanoseconds since 1970 of RFC 3339, or of a date with or without a time, which is taken as UTC.
pub(crate) fn timestamp(text: &str) -> Option<i128> {
    let offset = || text.parse::<Timestamp>().ok();
    let civil = || {
        let time = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    };
    // A date with an offset and no seconds parses as a date alone, so the offset comes first.
    Some(offset().or_else(civil)?.as_nanosecond())
}

/// RFC 3339 in UTC; `None` outside the years that RFC 3339 can say.
pub(crate) fn rfc3339(nanoseconds: i128) -> Option<String> {
    let time = Timestamp::from_nanosecond(nanoseconds).ok()?;
    (TimeZone::UTC.to_datetime(time).year() >= 0).then(|| time.to_string())
}

/// What was expected where no time was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotATime;

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected a time: 10m or 2h30m (so long ago), 2026-01-01T00:00:00Z, 2026-01-01, or a \
             number in the unit of the field",
        )
    }
}

impl std::error::Error for NotATime {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = 1_000_000_000;

    #[test]
    fn a_number_is_in_the_unit_of_the_field() {
        let ten: TimeArg = "10".parse().unwrap();
        for (unit, nanoseconds) in
            [("s", 10 * SECOND), ("ms", 10_000_000), ("us", 10_000), ("ns", 10)]
        {
            assert_eq!(ten.nanoseconds(TimeUnit::parse(unit).unwrap()), nanoseconds, "{unit}");
        }
    }

    #[test]
    fn times_and_dates_are_utc_unless_they_say_otherwise() {
        let midnight = 1_767_225_600 * SECOND;
        for (text, after) in [
            ("2026-01-01T00:00:00Z", 0),
            ("2026-01-01", 0),
            ("2026-01-01 10:00", 36_000),
            ("2026-01-01T00:00:00+01:00", -3600),
        ] {
            assert_eq!(text.parse(), Ok(TimeArg::At(midnight + after * SECOND)), "{text}");
        }
    }

    #[test]
    fn a_duration_is_so_long_ago() {
        for (text, seconds) in [("10m", 600), ("2h30m", 9000), ("1d", 86_400), ("5s ago", 5)] {
            let before = Timestamp::now().as_nanosecond() - seconds * SECOND;
            let Ok(TimeArg::At(at)) = text.parse() else { panic!("{text} is a time") };
            let after = Timestamp::now().as_nanosecond() - seconds * SECOND;
            assert!((before..=after).contains(&at), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "soon", "10x", "1mo", "2026-13-01", "99999999999999999999"] {
            assert_eq!(text.parse::<TimeArg>(), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn units_round_down_and_print_as_rfc_3339() {
        let unit = TimeUnit::parse("ms").unwrap();
        assert_eq!(unit.count(1_999_999), 1);
        assert_eq!(unit.count(-1), -1);
        assert_eq!(rfc3339(unit.nanoseconds(1_500)).unwrap(), "1970-01-01T00:00:01.5Z");
        assert_eq!(rfc3339(i128::MAX), None);
        assert_eq!(TimeUnit::parse("min"), None);
    }
}
