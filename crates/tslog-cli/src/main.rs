//! The `tslog` command: makes, fills, shows and checks logs, and shows what a log is for.
//!
//! `args` says what each command takes, `cmd` does it. `source` stands
//! between the commands and the library; `codec`, `cell` and `shape` say what a record looks like,
//! `input` reads records
//! and `output` prints them. `exit` has the exit codes and how an error is told.

#![expect(clippy::wildcard_enum_match_arm, reason = "most kinds of a value print alike")]
#![expect(clippy::struct_excessive_bools, reason = "flags of a command line are bools")]

mod args;
mod cell;
mod cmd;
mod codec;
mod demo;
mod exit;
mod input;
mod output;
mod shape;
mod shell;
mod source;
mod time;

use std::process::ExitCode;

use args::{Arguments, Command};

fn main() -> ExitCode {
    let command = match Arguments::read() {
        Ok(command) => command,
        Err(failure) => return end(Err(failure)),
    };
    end(match command {
        Command::Create(args) => cmd::create::run(&args),
        Command::Append(args) => cmd::append::run(&args),
        Command::Cat(args) => cmd::cat::run(&args),
        Command::Read(args) => cmd::read::run(&args),
        Command::Stats(args) => cmd::stats::run(&args),
        Command::Verify(args) => cmd::verify::run(&args),
        Command::Demo(args) => cmd::demo::run(&args),
        Command::DemoWriter(args) => demo::child::run(&args),
    })
}

fn end(outcome: exit::Result<exit::Exit>) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit.into()
        }
    }
}
