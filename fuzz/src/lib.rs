//! Targets for the fuzzer: each takes bytes, does with them what a hostile medium or a hostile
//! person could, and panics where the log breaks a promise.
//!
//! `image` says how a folder is one string of bytes, `mend` makes checksums right again that the
//! fuzzer broke, so that it gets behind them. `read` reads a log through every door there is,
//! `reference` asks the second reader.

mod cursor;
mod differential;
mod format;
mod image;
mod mend;
mod read;
mod recover;
mod reference;
pub mod seeds;

pub use differential::story;
pub use image::{Memory, pack, unpack};
pub use mend::mend;
pub use reference::told_by_reference;

/// One thing that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name on the command line, and of the folder of its corpus.
    pub name: &'static str,
    /// Feeds it these bytes.
    pub run: fn(&[u8]),
    /// Makes some of the checksums in an input right, as the seed says.
    pub mend: fn(&mut [u8], u32),
    /// Bytes in the largest input.
    pub size_max: usize,
    /// How many inputs CI tries.
    pub runs: u32,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "folder", run: read::folder, mend: mend::folder, size_max: 1 << 14, runs: 3000 },
    Target { name: "flash", run: read::flash, mend: mend::flash, size_max: 10_000, runs: 3000 },
    Target {
        name: "recover_append",
        run: recover::run,
        mend: mend::either,
        size_max: 10_000,
        runs: 6000,
    },
    Target { name: "cursor", run: cursor::run, mend: mend::cursors, size_max: 128, runs: 6000 },
    Target { name: "format", run: format::run, mend: mend::nothing, size_max: 512, runs: 20_000 },
    Target { name: "cli", run: cli, mend: mend::nothing, size_max: 2048, runs: 1500 },
    Target {
        name: "differential",
        run: differential::run,
        mend: mend::either,
        size_max: 10_000,
        runs: 800,
    },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The command line, or with a first byte from 0 to 11 the records on standard input of a log with
/// a schema of ours.
fn cli(data: &[u8]) {
    match data {
        [first @ ..12, rest @ ..] => {
            let formats: &[(&str, &str)] = match first % 3 {
                0 => &[("<Qf", "time:s,temperature:degC")],
                1 => &[("<Q?3s", "time:ms,on,name"), (">bHdxq", "a,b:V,c,d")],
                _ => &[],
            };
            let own = |(format, fields): &(&str, &str)| ((*format).into(), (*fields).into());
            let formats = formats.iter().map(own).collect();
            let schema = tslog::Schema { formats, record_size: 28, bucket_size: 16 };
            let schema = tslog::Schema { record_size: record_size(&schema), ..schema };
            let tag = (first % 2 == 1).then_some(first / 3);
            tslog_fuzz_cli::records(&schema, first / 3, tag, rest);
        }
        _ => tslog_fuzz_cli::arguments(&String::from_utf8_lossy(data)),
    }
}

fn record_size(schema: &tslog::Schema) -> u32 {
    let sizes = schema.formats().expect("the formats are sound");
    let largest = sizes.iter().map(tslog::Format::size).max().unwrap_or(28);
    largest + u32::from(sizes.len() > 1)
}
