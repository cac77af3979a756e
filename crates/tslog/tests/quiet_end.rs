//! A device that closes its log before it sleeps, and opens it when it wakes: nothing is lost to
//! that but the bytes of the closing frame.

use tslog::storage::ram::Ram;
use tslog::{Config, Error, Log, Report, buffer_size};

const SLOT: u32 = 256;
const SIZE: usize = 8 * 256;
/// Slots of the medium, less the two of the log header.
const BUCKETS: u64 = 6;

/// Opens the log, stores one record, commits it and closes; says how the log was found.
fn wake(medium: &mut [u8], word: u32) -> Result<Report, Error<tslog::storage::ram::Misuse>> {
    let config = Config { record_size: Some(8), commit_delta: 1, ..Config::default() };
    let (ram, buffer) = (Ram::new(medium, SLOT, word), [0; buffer_size(8, 1)]);
    let mut log = Log::<_, _>::open_or_create(ram, buffer, &config)?;
    let report = log.report();
    log.store_record(b"awake")?;
    log.close()?;
    Ok(report)
}

#[test]
fn a_log_that_is_closed_and_opened_again_loses_no_space() {
    for word in [1_u32, 4, 8, 16, 32] {
        // A frame of one record and, where it has room, a closing frame; both in whole words.
        let (frame, close) = (16_u32.next_multiple_of(word), 8_u32.next_multiple_of(word));
        let room = SLOT - 32;
        let closed = room / (frame + close);
        let unclosed = u32::from(room % (frame + close) >= frame);
        let in_bucket = u64::from(closed + unclosed);
        let mut medium = [0xFF; SIZE];
        let mut wakes = 0;
        loop {
            let report = match wake(&mut medium, word) {
                Ok(report) => report,
                Err(error) => break assert_eq!(error, Error::Full),
            };
            assert_eq!(report.abandoned_size, 0, "wake {wakes}, words of {word}");
            let full = wakes > 0 && wakes % in_bucket == 0;
            assert_eq!(report.clean, !full || unclosed == 0, "wake {wakes}, words of {word}");
            wakes += 1;
        }
        assert_eq!(wakes, BUCKETS * in_bucket, "words of {word}");
    }
}
