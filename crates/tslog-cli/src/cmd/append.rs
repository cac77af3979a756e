//! `tslog append`: records from standard input.
//!
//! What was read is committed however the command ends, unless it is killed: at the end of the
//! input, in front of a line that is no record, when the log is full, and on SIGINT and SIGTERM.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::AppendArgs;
use crate::codec::Codec;
use crate::exit::{Exit, Failure, Result, note};
use crate::input::{self, Lines, Syntax};
use crate::output::{count, print_json, thousands};
use crate::shell::shell;
use crate::source::{HowToStore, Store};

pub(crate) fn run(args: &AppendArgs) -> Result<Exit> {
    let how = HowToStore {
        commit_delta: args.commit_delta,
        max_buckets: args.max_buckets.unwrap_or(0),
        drop_oldest: args.drop_oldest,
    };
    let store = Store::open(&args.dir, &how)?;
    let codec = Codec::new(store.schema())?;
    let shape = codec.shape();
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        note("reading records from the terminal; end them with Ctrl-D");
    }
    let syntax = match (args.csv, args.json_lines, args.text) {
        (_, true, _) => Syntax::JsonLines,
        (_, _, true) => Syntax::Text,
        (false, ..) if shape.raw => Syntax::Text,
        (false, ..) if input::begins_with_object(&mut input) => Syntax::JsonLines,
        _ => Syntax::Csv,
    };
    let mut lines = input::lines(input, syntax, shape, args.tag)?;
    let before = store.last();
    commit_on_signals(&store, before, args)?;
    let stored = store_all(&store, &codec, lines.as_mut(), args);
    let (last, closed) = (store.last(), store.close());
    if !lines.ignored().is_empty() {
        note(format_args!("columns that no field asks for: {}", lines.ignored().join(", ")));
    }
    if let Err(failure) = stored {
        // Where the last commit failed too, that is the graver news.
        closed?;
        let done = last - before;
        return Err(failure.after(&format!(
            "{} before it {} stored and committed{}",
            if done == 0 { "no record".to_owned() } else { count(done, "record") },
            if done <= 1 { "is" } else { "are" },
            if done == 0 { String::new() } else { format!(", up to number {}", thousands(last)) },
        )));
    }
    closed?;
    tell(args, last - before, last)?;
    Ok(Exit::Ok)
}

/// Stores line after line, and fails at the first that cannot be.
fn store_all(
    store: &Store,
    codec: &Codec<'_>,
    lines: &mut dyn Lines,
    args: &AppendArgs,
) -> Result<()> {
    loop {
        match lines.next_line() {
            Ok(None) => return Ok(()),
            Ok(Some(line)) => {
                let record = codec.record(line.tag, &line.cells);
                record
                    .and_then(|record| store.store(&record))
                    .map_err(|failure| failure.in_front(&format!("line {}: ", lines.line())))?;
            }
            Err(bad) => {
                let hint = go_on(bad.line, lines.has_header(), args);
                return Err(Failure::error(bad.to_string()).hint(hint));
            }
        }
    }
}

/// The command that stores the input from this line on, once the line is mended.
fn go_on(line: u64, has_header: bool, args: &AppendArgs) -> String {
    let mut command = format!("tslog append {}", shell(&args.dir));
    let flags = [
        (args.csv, "--csv"),
        (args.json_lines, "--json-lines"),
        (args.text, "--text"),
        (args.drop_oldest, "--drop-oldest"),
    ];
    for (_, flag) in flags.into_iter().filter(|(given, _)| *given) {
        command.push(' ');
        command.push_str(flag);
    }
    let numbers = [("--tag", args.tag.map(u32::from)), ("--max-buckets", args.max_buckets)];
    for (name, number) in numbers {
        command += &number.map_or(String::new(), |number| format!(" {name} {number}"));
    }
    match (line, has_header) {
        (1, _) | (2, true) => format!("{command} < INPUT"),
        (_, false) => format!("tail -n +{line} INPUT | {command}"),
        (_, true) => format!("(head -n 1 INPUT; tail -n +{line} INPUT) | {command}"),
    }
}

/// Ends the command on Ctrl-C as the end of the input does: with a commit.
fn commit_on_signals(store: &Store, before: u64, args: &AppendArgs) -> Result<()> {
    let refused =
        |error: std::io::Error| Failure::error(format!("signals cannot be caught: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let (committer, json, dir) = (store.handle(), args.json, args.dir.clone());
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let outcome = committer.commit().and_then(|last| {
                let told = tell_as(json, &dir, last.saturating_sub(before), last);
                told.map_err(Failure::from)
            });
            if let Err(failure) = &outcome {
                failure.report();
            }
            let exit = outcome.map_or_else(|failure| failure.exit, |()| Exit::Ok);
            std::process::exit(exit.code().into());
        }
    });
    Ok(())
}

fn tell(args: &AppendArgs, stored: u64, last: u64) -> std::io::Result<()> {
    tell_as(args.json, &args.dir, stored, last)
}

fn tell_as(json: bool, dir: &Path, stored: u64, last: u64) -> std::io::Result<()> {
    if json {
        return print_json(&json!({ "stored": stored, "last": last }));
    }
    let last =
        if last == 0 { String::new() } else { format!("; the last is number {}", thousands(last)) };
    writeln!(
        std::io::stdout(),
        "{} stored and committed in {}{last}",
        count(stored, "record"),
        shell(dir)
    )
}
