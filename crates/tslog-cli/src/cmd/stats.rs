//! `tslog stats`: what a log is, and how far its readers are.

use std::io::{self, Write};

use crate::args::StatsArgs;
use crate::codec::Codec;
use crate::exit::{Exit, Result};
use crate::output::{count, heading, print_json, thousands};
use crate::shape::{Column, Shape};
use crate::source::{Facts, Viewed};

pub(crate) fn run(args: &StatsArgs) -> Result<Exit> {
    let mut log = Viewed::open(&args.place)?;
    let facts = log.facts()?;
    if args.json {
        print_json(&facts.json())?;
    } else {
        let codec = Codec::new(&facts.schema)?;
        print(&facts, codec.shape(), &mut io::stdout().lock())?;
    }
    Ok(Exit::Ok)
}

fn print(facts: &Facts, shape: &Shape, out: &mut impl Write) -> io::Result<()> {
    let bold = heading();
    let mut line = |name: &str, text: String| writeln!(out, "{bold}{name:<12}{bold:#}  {text}");
    line("log", facts.path.clone())?;
    line("id", facts.id.clone())?;
    line("generation", facts.generation.to_string())?;
    for (format, tag) in shape.formats.iter().zip(0_u32..) {
        let fields: Vec<String> = format.columns.iter().map(Column::label).collect();
        let name = if shape.tagged() { format!("format {tag}") } else { "format".to_owned() };
        let text = if shape.raw { "none: raw records" } else { &format.format };
        let fields = if shape.raw { String::new() } else { fields.join(", ") };
        line(&name, format!("{text}  {fields}").trim_end().to_owned())?;
    }
    line("record size", count(facts.schema.record_size.into(), "byte"))?;
    line("bucket size", count(facts.schema.bucket_size.into(), "record"))?;
    line(
        "records",
        match facts.last {
            0 => "none yet".to_owned(),
            last if facts.oldest > last => {
                format!("none any more; the last was number {}", thousands(last))
            }
            last => format!(
                "{} committed: number {} to {}",
                thousands(last + 1 - facts.oldest),
                thousands(facts.oldest),
                thousands(last)
            ),
        },
    )?;
    line(
        "buckets",
        facts.buckets.map_or("none yet".to_owned(), |(oldest, newest)| {
            format!("index {} to {}", thousands(oldest.into()), thousands(newest.into()))
        }),
    )?;
    for reader in &facts.readers {
        let text =
            format!("cursor {}, lag {}", thousands(reader.cursor), count(reader.lag, "record"));
        line(&format!("reader {}", reader.number), text)?;
    }
    line("on disk", count(facts.disk_size, "byte"))?;
    if facts.header_damaged {
        line("damaged", "one of the two copies of the header; the other one serves".to_owned())?;
    }
    if facts.abandoned_size > 0 {
        let size = count(facts.abandoned_size.into(), "byte");
        line("abandoned", format!("{size} behind the last commit, of a write that was cut"))?;
    }
    if facts.missing_size > 0 {
        let size = count(facts.missing_size, "byte");
        line("missing", format!("{size} of the partition, behind the end of the dump"))?;
    }
    Ok(())
}
