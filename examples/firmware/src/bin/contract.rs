//! Checks the flash driver of the board against what the log expects of it, on the board itself.
//! What is on the flash is lost.
#![no_std]
#![no_main]

use firmware::board;
use firmware::semihosting::{Outcome, exit, say};
use tslog::storage::contract;

firmware::entry!(start);

fn start() -> ! {
    let Some((mut medium, _)) = board::take().and_then(board::Board::split) else {
        say(format_args!("failed: the flash chip does not answer"));
        exit(Outcome::Failure)
    };
    match contract::check(&mut medium) {
        Ok(()) => {
            say(format_args!("the driver keeps the contract"));
            exit(Outcome::Success)
        }
        Err(broken) => {
            say(format_args!("failed: {broken:?}"));
            exit(Outcome::Failure)
        }
    }
}
