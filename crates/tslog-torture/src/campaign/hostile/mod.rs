//! Folders that somebody prepared: what is no file of ours, what belongs to somebody else, lengths
//! that lead nowhere, a medium that is read only, a second writer.
//!
//! The log refuses in words, at once, with a small memory, and leaves alone what is not its own.

mod files;
mod image;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::args::Args;
use crate::machine::program::Spoken;
use crate::machine::{self, at, own_path, space};
use crate::tally::Tally;
use crate::work::{self, Manner, Work};

/// The memory a log must open in, in bytes of address space.
const MEMORY: u64 = 32 << 20;

/// One trick, by its name.
type Trick = (&'static str, fn(&Path) -> Result<()>);

const TRICKS: &[Trick] = &[
    ("permissions", files::belong_to_their_owner),
    ("a symbolic link as the folder", files::a_link_is_no_folder),
    ("something else as a file", files::what_is_no_file_is_refused),
    ("foreign files", files::foreign_files_are_left_alone),
    ("two writers", files::a_second_writer_is_told_who_has_the_lock),
    ("a read-only medium", files::a_read_only_medium_is_read),
    ("a forged record size", image::records_larger_than_memory_end_no_process),
];

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let tricks = TRICKS.len() as u64;
    let images = args.size.of(200, 2_000, 20_000);
    let make = |job| {
        let place = space::folder().join(format!("hostile-{job}"));
        std::fs::create_dir(&place).map_err(at(&place))?;
        Ok(place)
    };
    tally.each(0..tricks + images, make, |place: &mut PathBuf, case| {
        tally.ran();
        let trick = usize::try_from(case).ok().and_then(|case| TRICKS.get(case));
        let tried = match trick {
            Some((name, trick)) => trick(place).map_err(|what| format!("{name}: {what}")),
            None => image::try_one(args.seed, case, place),
        };
        let tried = tried.map_err(|what| format!("{what}; {}", machine::keep(args, case, place)));
        std::fs::remove_dir_all(&*place)
            .and_then(|()| std::fs::create_dir(&*place))
            .map_err(at(place))?;
        tried
    })
}

/// A log of a few buckets, made in order by a worker of its own.
fn make_log(log: &Path, seed: u64) -> Result<Work> {
    let work = Work { commit_delta: 4, ..Work::alone(seed) };
    let (code, complaints) = open(&work, log, &[])?;
    if code == 0 { Ok(work) } else { Err(format!("a sound log ended with {code}: {complaints}")) }
}

/// Lets a worker open the log, behind the words of `before`: what it ended with and said. Anything
/// but a good end or a named failure is an error.
fn open(work: &Work, log: &Path, before: &[&str]) -> Result<(u8, String)> {
    let mut words = before.iter().map(|word| (*word).into()).collect::<Vec<std::ffi::OsString>>();
    words.push(own_path().into());
    words.extend(work.words(log, Path::new("-")));
    let place = log.parent().unwrap_or(log);
    let mut worker = Spoken::start(Command::new(&words[0]).args(&words[1..]), place, "worker")?;
    let status = worker.program.wait()?;
    let complaints = worker.complaints()?;
    match status.code() {
        Some(0) => Ok((0, complaints)),
        Some(code) if code == work::FAILED.into() && complaints.contains("failed: ") => {
            Ok((work::FAILED, complaints))
        }
        _ => Err(format!("it ended with {status}: {complaints}")),
    }
}

/// The same, with little memory.
fn open_in_little_memory(work: &Work, log: &Path) -> Result<(u8, String)> {
    open(work, log, &["prlimit", &format!("--as={MEMORY}")])
}

/// Only looks, stores one record, and reads.
fn looking(work: &Work) -> Work {
    Work { manner: Manner::Alone, life: 2, records: 1, ..work.clone() }
}
