//! `tslog create`: an empty log in a folder.

use std::io::Write as _;

use crate::args::CreateArgs;
use crate::exit::{Exit, Failure, Result};
use crate::output::{count, print_json};
use crate::shell::shell;
use crate::source::{self, NewLog};

pub(crate) fn run(args: &CreateArgs) -> Result<Exit> {
    if !args.fields.is_empty() && args.fields.len() != args.formats.len() {
        return Err(Failure::usage(format!(
            "expected --fields once for each --format, got {} for {}",
            args.fields.len(),
            count(u64::try_from(args.formats.len()).unwrap_or(u64::MAX), "format")
        )));
    }
    let dir = shell(&args.dir);
    if !args.recreate && source::is_log(&args.dir)? {
        return Err(Failure::error(format!("there is a log in {dir} already"))
            .hint(format!("tslog stats {dir}")));
    }
    let fields = args.fields.iter().map(String::as_str).chain(std::iter::repeat(""));
    let log = NewLog {
        formats: args.formats.iter().map(String::as_str).zip(fields).collect(),
        record_size: args.record_size,
        bucket_size: args.bucket_size,
        readers: args.readers,
        recreate: args.recreate,
    };
    let facts = source::create(&args.dir, &log)?;
    if args.json {
        print_json(&facts.json())?;
        return Ok(Exit::Ok);
    }
    writeln!(
        std::io::stdout(),
        "{dir} is an empty log: {} a record, {} a bucket, {}.\n  tslog append {dir} < {}",
        count(facts.schema.record_size.into(), "byte"),
        count(facts.schema.bucket_size.into(), "record"),
        count(args.readers.into(), "reader"),
        if args.formats.is_empty() { "lines.txt" } else { "readings.csv" },
    )?;
    Ok(Exit::Ok)
}
