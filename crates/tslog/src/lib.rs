//! A crash-safe time-series log.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::alloc_instead_of_core,
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::std_instead_of_core
    )
)]

mod config;
mod error;
mod format;
mod layout;
pub mod layout_fields {
    //! Where each field of the layout lies, as data: what `docs/layout.md` says, for tools.
    pub use crate::layout::{
        LayoutField, bucket::BUCKET_FIELDS, cursor::PLACE_FIELDS, frame::FRAME_FIELDS,
        header::HEADER_FIELDS,
    };
}
mod log;
mod record;
#[cfg(feature = "std")]
mod shared;
pub mod storage;
mod words;

pub use config::{Config, Policy};
pub use error::{Error, Got, Invalid, Mismatch, PackError};
pub use format::{Code, Field, Format, Value};
#[doc(hidden)]
pub use log::Begun;
pub use log::{Batch, Log, Reader, Report, Stats, buffer_size};
pub use record::Record;
#[cfg(feature = "async")]
pub use shared::Ready;
#[cfg(feature = "std")]
pub use shared::{Options, Raw, Records, Schema, SharedLog, SharedReader, View, ViewStep};
#[cfg(feature = "derive")]
pub use tslog_derive::Record;
pub use words::{MAX_FORMATS, MAX_READERS, MAX_SEQN, SeqnRange};
