//! The campaigns by name.

mod down;
mod eio;
mod full;
mod hostile;
mod kill;
mod replay;
mod strace;

use std::process::ExitCode;

use crate::Result;
use crate::args::Args;
use crate::machine::space;
use crate::tally::Tally;

/// A campaign: its name, and what it does.
pub(crate) struct Campaign {
    name: &'static str,
    run: fn(&Args, &Tally<'_>) -> Result<()>,
}

const CAMPAIGNS: &[Campaign] = &[
    Campaign { name: "kill", run: kill::run },
    Campaign { name: "full", run: full::run },
    Campaign { name: "hostile", run: hostile::run },
    Campaign { name: "replay", run: replay::run },
    Campaign { name: "strace", run: strace::run },
    Campaign { name: "eio", run: eio::run },
    Campaign { name: "down", run: down::run },
];

pub(crate) fn named(name: &str) -> Option<&'static Campaign> {
    CAMPAIGNS.iter().find(|campaign| campaign.name == name)
}

/// Runs it and prints its figures, or that it cannot run on this machine.
pub(crate) fn run(campaign: &Campaign, args: &Args) -> ExitCode {
    let tally = Tally::new(args);
    let ended = space::prepare().and_then(|()| (campaign.run)(args, &tally));
    match ended {
        Ok(()) => {
            if tally.report() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(why) if tally.runs() == 0 => {
            println!("skipped: {why}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("the campaign broke off: {why}");
            tally.report();
            ExitCode::FAILURE
        }
    }
}
