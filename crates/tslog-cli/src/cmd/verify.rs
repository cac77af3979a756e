//! `tslog verify`: every frame of every bucket.

use std::io::{self, Write};

use crate::args::VerifyArgs;
use crate::exit::{Exit, Result};
use crate::output::{count, print_json};
use crate::source::{Verdict, Viewed};

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit> {
    let mut log = Viewed::open(&args.place)?;
    let verdict = log.verify()?;
    if args.json {
        print_json(&verdict.json())?;
    } else {
        print(&verdict, &mut io::stdout().lock())?;
    }
    Ok(if verdict.is_sound() { Exit::Ok } else { Exit::Damage })
}

fn print(verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{} in {} checked",
        count(verdict.records, "record"),
        count(verdict.buckets, "bucket")
    )?;
    for range in &verdict.damaged {
        writeln!(out, "damaged: {range} ({})", count(range.count(), "record"))?;
    }
    for index in &verdict.buckets_damaged {
        writeln!(out, "damaged: the header of bucket {index}; its records say what it holds")?;
    }
    if verdict.header_damaged {
        writeln!(out, "damaged: one of the two copies of the log's header; the other one serves")?;
    }
    if verdict.abandoned_size > 0 {
        let size = count(verdict.abandoned_size.into(), "byte");
        writeln!(out, "abandoned: {size} behind the last commit, of a write that was cut")?;
    }
    if verdict.missing_size > 0 {
        let size = count(verdict.missing_size, "byte");
        writeln!(out, "missing: {size} of the partition, behind the end of the dump")?;
    }
    writeln!(out, "{}", if verdict.is_sound() { "sound" } else { "DAMAGED" })
}
