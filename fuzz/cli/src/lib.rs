//! The command `tslog` without its `main`: its modules, and what the fuzzer may feed them.
#![expect(dead_code, reason = "commands that touch the disk are not run here")]
#![expect(unused_imports, reason = "as above")]

#[path = "../../../crates/tslog-cli/src/args.rs"]
mod args;
#[path = "../../../crates/tslog-cli/src/cell.rs"]
mod cell;
#[path = "../../../crates/tslog-cli/src/codec.rs"]
mod codec;
#[path = "../../../crates/tslog-cli/src/exit.rs"]
mod exit;
#[path = "../../../crates/tslog-cli/src/input/mod.rs"]
mod input;
#[path = "../../../crates/tslog-cli/src/output/mod.rs"]
mod output;
#[path = "../../../crates/tslog-cli/src/shape.rs"]
mod shape;
#[path = "../../../crates/tslog-cli/src/shell.rs"]
mod shell;
#[path = "../../../crates/tslog-cli/src/source/mod.rs"]
mod source;
#[path = "../../../crates/tslog-cli/src/time.rs"]
mod time;

use clap::Parser as _;
use tslog::Schema;

/// Parses a command line, one argument a line. What it means is not done.
pub fn arguments(text: &str) {
    let words = std::iter::once("tslog").chain(text.lines());
    if let Err(error) = args::Arguments::try_parse_from(words) {
        let _ = error.render().to_string();
    }
}

/// The ways records are written on standard input.
const SYNTAXES: [input::Syntax; 3] =
    [input::Syntax::Csv, input::Syntax::JsonLines, input::Syntax::Text];

/// Reads `text` as records of a log of this schema, packs each and shows it again.
///
/// # Panics
/// If a record that was read cannot be shown.
pub fn records(schema: &Schema, syntax: u8, tag: Option<u8>, text: &[u8]) {
    let Ok(codec) = codec::Codec::new(schema) else { return };
    let syntax = SYNTAXES[usize::from(syntax) % SYNTAXES.len()];
    let Ok(mut lines) = input::lines(text, syntax, codec.shape(), tag) else { return };
    while let Ok(Some(line)) = lines.next_line() {
        if let Ok(record) = codec.record(line.tag, &line.cells)
            && record.len() == schema.record_size as usize
        {
            assert!(codec.row(1, &record).is_some(), "a record that was packed has no tag");
        }
    }
}
