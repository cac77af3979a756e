//! The log and the temperatures as pictures for a terminal, in plain characters.

use std::fmt::Write as _;

use super::data::Reading;
use crate::output::thousands;

/// Characters for one bucket.
const BUCKET_WIDTH: u64 = 8;
/// How many buckets a picture shows at most.
const BUCKETS_MAX: u64 = 9;

/// The buckets that are kept, with the reader's cursor and its lag.
///
/// ```text
///    bucket 5   bucket 6   bucket 7
///   [....####] [########] [###     ]
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
    format!(
        "{names}\n{boxes}\n{:column$}^ reader 0: cursor {}, lag {}   (. acknowledged, # waiting)\n",
        "",
        thousands(cursor),
        thousands(last.saturating_sub(cursor)),
    )
}

/// The temperatures of the motes over time: one digit, its number, for each mote.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "positions in a picture of 72 by 14 characters"
)]
pub(crate) fn temperatures(readings: &[Reading]) -> String {
    const WIDTH: usize = 72;
    const HEIGHT: usize = 14;
    let low = readings.iter().map(|reading| reading.temperature).fold(f32::INFINITY, f32::min);
    let high = readings.iter().map(|reading| reading.temperature).fold(f32::NEG_INFINITY, f32::max);
    let longest = readings.iter().map(|reading| reading.number).max().unwrap_or(1) as usize;
    let mut grid = vec![[' '; WIDTH]; HEIGHT];
    for reading in readings {
        let x = (reading.number as usize - 1) * WIDTH / longest;
        let share = (reading.temperature - low) / (high - low).max(f32::MIN_POSITIVE);
        let y = HEIGHT - 1 - (share * (HEIGHT - 1) as f32).round() as usize;
        if let Some(cell) = grid.get_mut(y).and_then(|line| line.get_mut(x)) {
            *cell = char::from(b'0' + reading.mote);
        }
    }
    let mut picture = String::new();
    for (row, line) in grid.iter().enumerate() {
        let degrees = high - (high - low) * row as f32 / (HEIGHT - 1) as f32;
        let line: String = line.iter().collect();
        let _ = writeln!(picture, "  {degrees:6.1} |{}", line.trim_end());
    }
    let hours = longest as u64 * super::data::INTERVAL_S / 3600;
    let _ = writeln!(picture, "    degC +{}> {hours} h (motes 1 to 4)", "-".repeat(WIDTH));
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
    }
}
