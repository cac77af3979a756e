//! The log and the temperatures as pictures for a terminal, in plain characters.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::data::{INTERVAL_S, Reading};
use crate::output::thousands;

/// Characters for one bucket.
const BUCKET_WIDTH: u64 = 8;
/// How many buckets a picture shows at most, so that it fits a terminal of 80 columns.
const BUCKETS_MAX: u64 = 7;

/// The buckets that are kept, with the reader's cursor and its lag.
///
/// ```text
///    bucket 5   bucket 6   bucket 7
///   [....####] [########] [###     ]    . acknowledged   # waiting
///        ^ reader 0: cursor 5,700, lag 1,800
/// ```
pub(crate) fn log(buckets: (u32, u32), bucket_size: u64, cursor: u64, last: u64) -> String {
    let (oldest, newest) = (u64::from(buckets.0), u64::from(buckets.1));
    let first = oldest.max((newest + 1).saturating_sub(BUCKETS_MAX));
    let mut names = String::from("   ");
    let mut boxes = String::from("  ");
    let mut column = None;
    for index in first..=newest {
        let _ = write!(names, "{:<11}", format!("bucket {index}"));
        boxes.push('[');
        for cell in 0..BUCKET_WIDTH {
            let number = index * bucket_size + cell * bucket_size / BUCKET_WIDTH + 1;
            if number > cursor && column.is_none() {
                column = Some(boxes.len());
            }
            boxes.push(match number {
                number if number > last => ' ',
                number if number > cursor => '#',
                _ => '.',
            });
        }
        boxes.push_str("] ");
    }
    let column = column.unwrap_or(boxes.len().saturating_sub(2));
    let (cursor, lag) = (thousands(cursor), thousands(last.saturating_sub(cursor)));
    let reader = format!("reader 0: cursor {cursor}, lag {lag}");
    let pointer = if column > reader.len() + 2 {
        format!("{:>column$} ^", reader, column = column - 1)
    } else {
        format!("{:column$}^ {reader}", "")
    };
    let names = names.trim_end();
    format!("{names}\n{boxes}\n{pointer}\n  . acknowledged   # waiting\n")
}

/// The temperatures of the motes over time, each as its digit: the mean of what falls into a
/// column, so that one hot minute does not flatten seven hours.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "positions in a picture of 68 by 14 characters"
)]
pub(crate) fn temperatures(readings: &[Reading]) -> String {
    const WIDTH: usize = 68;
    const HEIGHT: usize = 14;
    let longest = readings.iter().map(|reading| reading.number).max().unwrap_or(1) as usize;
    let column = |number: u32| (number as usize).saturating_sub(1) * WIDTH / longest;
    let mut sums: BTreeMap<(u8, usize), (f32, f32)> = BTreeMap::new();
    for reading in readings {
        let (sum, count) = sums.entry((reading.mote, column(reading.number))).or_default();
        (*sum, *count) = (*sum + reading.temperature, *count + 1.0);
    }
    let means = || sums.iter().map(|(place, (sum, count))| (*place, sum / count));
    let low = means().map(|(_, mean)| mean).fold(f32::INFINITY, f32::min);
    let high = means().map(|(_, mean)| mean).fold(f32::NEG_INFINITY, f32::max);
    let mut grid = vec![[' '; WIDTH]; HEIGHT];
    for ((mote, x), mean) in means() {
        let share = (mean - low) / (high - low).max(f32::MIN_POSITIVE);
        let y = HEIGHT - 1 - (share * (HEIGHT - 1) as f32).round() as usize;
        if let Some(cell) = grid.get_mut(y).and_then(|line| line.get_mut(x)) {
            *cell = char::from(b'0' + mote);
        }
    }
    let minutes = longest as u64 * INTERVAL_S / 60 / WIDTH as u64;
    let mut picture =
        format!("    temperatures of motes 1 to 4, the mean of each {minutes} minutes\n");
    for (row, line) in grid.iter().enumerate() {
        let degrees = high - (high - low) * row as f32 / (HEIGHT - 1) as f32;
        let line: String = line.iter().collect();
        let _ = writeln!(picture, "  {degrees:6.1} |{}", line.trim_end());
    }
    let (mut axis, mut hours) = ("-".repeat(WIDTH), " ".repeat(WIDTH));
    for hour in 0..=longest as u64 * INTERVAL_S / 3600 {
        let x = column((hour * 3600 / INTERVAL_S) as u32 + 1).min(WIDTH - 1);
        axis.replace_range(x..=x, "+");
        hours.replace_range(x.., &hour.to_string());
        hours.push_str(&" ".repeat(WIDTH.saturating_sub(hours.len())));
    }
    let _ = write!(picture, "    degC {axis}\n         {} h", hours.trim_end());
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_points_at_the_first_record_that_waits() {
        let picture = log((5, 7), 8, 44, 59);
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines[1].trim_end(), "  [....####] [########] [###     ]");
        assert_eq!(lines[2].find('^'), lines[1].find('#'));
        assert!(lines[2].ends_with("^ reader 0: cursor 44, lag 15"), "{picture}");
    }

    #[test]
    fn a_log_of_any_length_fits_80_columns() {
        for (oldest, cursor) in [(0, 0), (0, 1_000_000), (990, 1_010_000), (999, 1_023_000)] {
            let picture = log((oldest, 999), 1024, cursor, 1_023_500);
            let widest = picture.lines().map(str::len).max().unwrap();
            assert!(widest <= 80 && picture.contains('^'), "{widest}: {picture}");
            assert!(picture.contains(&format!("lag {}", thousands(1_023_500 - cursor))));
        }
    }

    #[test]
    fn each_mote_is_drawn_where_its_mean_lies_over_the_hours() {
        let reading = |mote: u8, number: u32, temperature: f32| Reading {
            mote,
            number,
            indoor: true,
            humidity: 0.0,
            temperature,
            event: false,
        };
        // Two hours: mote 1 rises from 10 to 30 degrees, mote 2 stays at 20, but for one reading.
        let readings: Vec<Reading> = (1..=1441)
            .flat_map(|n| {
                let hot = if n == 700 { 90.0 } else { 20.0 };
                [reading(1, n, if n <= 720 { 10.0 } else { 30.0 }), reading(2, n, hot)]
            })
            .collect();
        let picture = temperatures(&readings);
        let lines: Vec<&str> = picture.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= 80), "{picture}");
        let (top, bottom) = (lines[1], lines[14]);
        assert!(top.starts_with("    30.0 | ") && top.ends_with(&"1".repeat(34)), "{picture}");
        assert_eq!(bottom, format!("    10.0 |{}", "1".repeat(33)));
        assert!(lines[7].contains("22222"), "{picture}");
        let hours = lines[16];
        assert_eq!(
            (hours.find('0'), hours.find('1'), hours.find("2 h")),
            (Some(9), Some(42), Some(76)),
            "{picture}"
        );
    }
}
