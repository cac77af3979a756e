//! What `tslog stats` and `tslog verify` tell of a log.

use std::{io, path::Path};

use serde_json::{Value as Json, json};
use tslog::{Schema, SeqnRange};

use crate::exit::{Failure, Result};
use crate::shell::shell;

/// What `tslog stats` tells.
pub(crate) struct Facts {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) generation: u32,
    pub(crate) schema: Schema,
    pub(crate) oldest: u64,
    pub(crate) last: u64,
    pub(crate) buckets: Option<(u32, u32)>,
    pub(crate) readers: Vec<ReaderFacts>,
    pub(crate) disk_size: u64,
    pub(crate) abandoned_size: u32,
    pub(crate) missing_size: u64,
    pub(crate) header_damaged: bool,
}

pub(crate) struct ReaderFacts {
    pub(crate) number: u8,
    pub(crate) cursor: u64,
    pub(crate) lag: u64,
}

impl Facts {
    pub(crate) fn json(&self) -> Json {
        let formats = self.schema.formats.iter();
        let formats = formats.map(|(format, fields)| json!({ "format": format, "fields": fields }));
        let readers = self.readers.iter().map(
            |reader| json!({ "reader": reader.number, "cursor": reader.cursor, "lag": reader.lag }),
        );
        json!({
            "path": self.path,
            "id": self.id,
            "generation": self.generation,
            "formats": formats.collect::<Vec<_>>(),
            "record_size": self.schema.record_size,
            "bucket_size": self.schema.bucket_size,
            "first": self.oldest,
            "last": self.last,
            "first_bucket": self.buckets.map(|(first, _)| first),
            "last_bucket": self.buckets.map(|(_, last)| last),
            "readers": readers.collect::<Vec<_>>(),
            "disk_size": self.disk_size,
            "abandoned_size": self.abandoned_size,
            "missing_size": self.missing_size,
            "header_damaged": self.header_damaged,
        })
    }
}

/// What `tslog verify` found.
pub(crate) struct Verdict {
    pub(crate) records: u64,
    pub(crate) buckets: u64,
    pub(crate) damaged: Vec<SeqnRange>,
    /// Their headers are not sound; their records are found by their own numbers.
    pub(crate) buckets_damaged: Vec<u32>,
    pub(crate) header_damaged: bool,
    pub(crate) abandoned_size: u32,
    pub(crate) missing_size: u64,
}

impl Verdict {
    pub(crate) fn is_sound(&self) -> bool {
        let whole = !self.header_damaged && self.buckets_damaged.is_empty();
        whole && self.damaged.is_empty() && self.missing_size == 0
    }

    pub(crate) fn json(&self) -> Json {
        let damaged = self.damaged.iter();
        let damaged = damaged.map(|range| json!({ "first": range.first, "last": range.last }));
        json!({
            "records": self.records,
            "buckets": self.buckets,
            "damaged": damaged.collect::<Vec<_>>(),
            "buckets_damaged": self.buckets_damaged,
            "header_damaged": self.header_damaged,
            "abandoned_size": self.abandoned_size,
            "missing_size": self.missing_size,
            "sound": self.is_sound(),
        })
    }
}

/// Bytes on disk: of the dump, or of all files of the folder.
pub(super) fn disk_size(path: &Path) -> Result<u64> {
    let unreadable = |error: io::Error| Failure::error(format!("{}: {error}", shell(path)));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_file() {
        return Ok(metadata.len());
    }
    let mut size = 0;
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        // A file that goes while it is counted takes no space any more.
        size += entry.and_then(|entry| entry.metadata()).map_or(0, |metadata| metadata.len());
    }
    Ok(size)
}
