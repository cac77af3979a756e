//! Campaigns against the log as it runs: a real process, the real kernel, real file systems.
//!
//! A campaign runs workers (`work`), which are this program again: they store and read, and say
//! what they were promised. Something then goes wrong on purpose: a kill, a failing call, a broken
//! or full disk. What is left is compared with what was said (`ledger`). `machine` has the disks.
//! Every campaign runs in mount and process namespaces of its own, so that nothing it mounts,
//! attaches or starts outlives it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to people")]

mod args;
mod campaign;
mod event;
mod ledger;
mod look;
mod machine;
mod record;
mod tally;
mod work;

use std::process::ExitCode;

use args::Args;
use machine::space;

/// What went wrong, in a sentence. It is for a person: nobody acts on it.
type Result<T> = core::result::Result<T, String>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [part, rest @ ..] = words.as_slice()
        && part == work::PART
    {
        return work::run(rest);
    }
    let args = match Args::parse(&words) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    let Some(campaign) = campaign::named(&args.name) else {
        eprintln!("there is no campaign {:?}\n\n{}", args.name, args::USAGE);
        return ExitCode::from(2);
    };
    if space::is_inside() { campaign::run(campaign, &args) } else { space::enter(&words) }
}
