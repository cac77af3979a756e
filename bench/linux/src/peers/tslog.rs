//! tslog through its shared handle, one call a record.

use tslog::{Error, Options, SharedLog, SharedReader};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Log {
    log: SharedLog,
    record_size: usize,
}

impl Log {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let (commit_delta, bucket_size) = match shape.commit {
            // It syncs with each commit and at the end of a bucket.
            _ if !shape.durable => (u32::MAX, 1 << 20),
            // At least 64 commits in a bucket, as the manual advises.
            commit @ ..1024 => (u32::try_from(commit)?, 16_384),
            commit => (u32::try_from(commit)?, 65_536),
        };
        let options = Options::new()
            .record_size(u32::try_from(shape.record_size)?)
            .bucket_size(bucket_size)
            .commit_delta(commit_delta);
        let log = options.open_raw(shape.folder)?;
        Ok(Self { log, record_size: shape.record_size })
    }
}

impl Peer for Log {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        for record in records.chunks_exact(self.record_size) {
            self.log.store_record(record)?;
        }
        Ok(())
    }

    fn read_all(&mut self, one_by_one: bool, visit: &mut impl Visit) -> Outcome<()> {
        let mut reader = self.log.reader(0)?;
        loop {
            let read = if one_by_one {
                one_after_the_other(&mut reader, visit)
            } else {
                in_batches(&mut reader, visit)
            };
            match read {
                Ok(()) => return Ok(()),
                Err(error @ (Error::Damaged(_) | Error::Lost(_))) => {
                    visit.gap(error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn report(&self) -> Option<String> {
        let report = self.log.report();
        let damaged = report.abandoned_size > 0 || report.lost.is_some() || report.header_damaged;
        damaged.then(|| format!("{report:?}"))
    }

    fn close(self) -> Outcome<()> {
        Ok(self.log.close()?)
    }
}

type Read = Result<(), Error<std::io::Error>>;

fn one_after_the_other(reader: &mut SharedReader, visit: &mut impl Visit) -> Read {
    while let Some((_, record)) = reader.next_bytes()? {
        visit.records(record);
    }
    Ok(())
}

fn in_batches(reader: &mut SharedReader, visit: &mut impl Visit) -> Read {
    while let Some(records) = reader.next_batch()? {
        visit.records(records.bytes());
    }
    Ok(())
}
