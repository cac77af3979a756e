//! The parameters of a log, from C.

use tslog_core::{Format, Invalid, Policy};

use crate::abi::{Config, FormatText, TSLOG_POLICY_DROP_OLDEST, TSLOG_POLICY_ERROR};
use crate::fault::Fault;
use crate::pointers::In;

/// What `config` says, checked as far as C alone can be wrong.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'a> {
    pub(crate) formats: Option<&'a [FormatText]>,
    pub(crate) record_size: Option<u32>,
    pub(crate) bucket_size: Option<u32>,
    pub(crate) commit_delta: u32,
    pub(crate) readers: u8,
    pub(crate) max_buckets: u32,
    pub(crate) policy: Policy,
    /// How many milliseconds a record may wait for a commit, and whether a thread makes them all;
    /// for folders alone.
    #[cfg(feature = "std")]
    pub(crate) thread: (u32, bool),
    pub(crate) id: [u8; 16],
}

impl Parameters<'_> {
    /// Reads them; NULL stands for the defaults.
    pub(crate) fn read(config: In<Config>) -> Result<Self, Fault> {
        if config.is_null() {
            let tslog_core::Config { commit_delta, readers, max_buckets, policy, id, .. } =
                tslog_core::Config::default();
            let (formats, record_size, bucket_size) = (None, None, None);
            return Ok(Self {
                formats,
                record_size,
                bucket_size,
                commit_delta,
                readers,
                max_buckets,
                policy,
                #[cfg(feature = "std")]
                thread: (0, false),
                id,
            });
        }
        let config = config.get("config")?;
        check_size(config.size, size_of::<Config>(), "config")?;
        let policy = match config.policy {
            TSLOG_POLICY_ERROR => Policy::Error,
            TSLOG_POLICY_DROP_OLDEST => Policy::DropOldest,
            other => return Err(Fault::Flag("config.policy", other)),
        };
        let count = usize::try_from(config.format_count).unwrap_or(usize::MAX);
        let formats = match (config.formats.is_null(), count) {
            (true, 0) => None,
            _ => Some(config.formats.slice(count, "config.formats")?),
        };
        Ok(Self {
            formats,
            record_size: Some(config.record_size).filter(|size| *size > 0),
            bucket_size: Some(config.bucket_size).filter(|size| *size > 0),
            commit_delta: config.commit_delta,
            readers: u8::try_from(config.readers).map_err(|_| Invalid::Readers(config.readers))?,
            max_buckets: config.max_buckets,
            policy,
            #[cfg(feature = "std")]
            thread: (config.commit_interval_ms, config.background_commit != 0),
            id: config.id,
        })
    }
}

impl FormatText {
    /// The texts of the format and of its fields.
    pub(crate) fn texts<'a>(self) -> Result<(&'a str, &'a str), Fault> {
        let format = self.format.text("format")?;
        let fields = if self.fields.is_null() { "" } else { self.fields.text("fields")? };
        Ok((format, fields))
    }

    pub(crate) fn format<'a>(self) -> Result<Format<'a>, Fault> {
        let (format, fields) = self.texts()?;
        Ok(Format::new(format)?.with_fields(fields)?)
    }
}

/// A struct whose first member is not its size was not made ready, or is of another version.
pub(crate) fn check_size(came: u32, here: usize, name: &'static str) -> Result<(), Fault> {
    if u64::from(came) == here as u64 {
        Ok(())
    } else {
        Err(Fault::Size(name, here as u64, u64::from(came)))
    }
}
