//! What a log costs a machine with Linux, on an ext4 of its own in a file.
//!
//! Flushes and bytes are those that the block device counts, from the empty folder on: making the
//! log and its buckets is part of it, and what a later writeback would add is not. Beside them
//! stands what the same commits cost without a log: writes into one file filled with zeros before.
//!
//! The file system is mounted in a mount namespace that ends with this program, however it ends;
//! its loop device and its memory go with it. So the program runs itself again in there.

mod commits;
mod open;
mod rounds;
mod speed;
mod syscalls;

use std::path::Path;
use std::process::{Command, ExitCode};

use tslog::{Options, SharedLog};
use tslog_sim::mount::{Ext4, Place, tool};

/// Bytes of the ext4's image.
const IMAGE_SIZE: u64 = 512 << 20;

/// Prints all figures of Linux, or one line `skipped: reason` where they cannot be measured.
pub(crate) fn run() -> ExitCode {
    match measure() {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => return ExitCode::FAILURE,
        Err(reason) => println!("skipped: {reason}"),
    }
    ExitCode::SUCCESS
}

fn measure() -> Result<bool, String> {
    let place = Place::make("tslog-figures")?;
    tool("unshare --mount --propagation private true")
        .map_err(|error| format!("a file system can be mounted by root alone ({error})"))?;
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private"]).arg(own_path());
    let ended = again.args(["linux", "mounted"]).arg(place.path()).status();
    Ok(ended.is_ok_and(|status| status.success()))
}

/// The parts of the measurement that run in processes of their own; false if there is no such part.
pub(crate) fn run_part(part: &str, args: &[&str]) -> bool {
    match (part, args) {
        ("mounted", [folder]) => match Ext4::mount(Path::new(folder), IMAGE_SIZE) {
            Ok(ext4) => run_mounted(&ext4),
            Err(reason) => println!("skipped: {reason}"),
        },
        ("speed", [folder]) => match Ext4::mount(Path::new(folder), IMAGE_SIZE) {
            Ok(ext4) => speed::run(&ext4),
            Err(reason) => println!("skipped: {reason}"),
        },
        ("append", [folder, commits]) => {
            let commits = commits.parse().expect("a number of commits");
            commits::append(Path::new(folder), syscalls::SHAPE, commits);
        }
        ("open", [folder, name]) => open::run_child(Path::new(folder), name),
        ("memory", [folder, name]) => open::run_memory(Path::new(folder), name),
        _ => return false,
    }
    true
}

fn run_mounted(ext4: &Ext4) {
    if let Err(reason) = tool("strace -f -c -o /dev/null true") {
        println!("skipped: strace cannot trace here ({reason})");
        return;
    }
    commits::run(ext4);
    syscalls::run(ext4);
    open::run(ext4);
    speed::run(ext4);
}

/// The shape of a log of raw records.
#[derive(Clone, Copy, Debug)]
struct Shape {
    record_size: u32,
    bucket_size: u32,
    commit_delta: u32,
}

impl Shape {
    fn open(self, folder: &Path) -> SharedLog {
        let options = Options::new().record_size(self.record_size).bucket_size(self.bucket_size);
        options.commit_delta(self.commit_delta).open_raw(folder).expect("the log opens")
    }
}

fn own_path() -> std::path::PathBuf {
    std::env::current_exe().expect("a program knows where it is")
}

/// Runs this program again for one of its parts, under `wrapper` if that is not empty.
fn run_again(wrapper: &[&str], part: &str, folder: &Path, last: &str) {
    let words = wrapper.iter().map(std::ffi::OsString::from);
    let mut words = words.chain([own_path().into_os_string()]);
    let mut command = Command::new(words.next().expect("a program to run"));
    command.args(words).args(["linux", part]).arg(folder).arg(last);
    let status = command.status().expect("this program runs once more");
    assert!(status.success(), "the part {part:?} of the measurement failed: {status}");
}
