//! Power cuts while a process stores, on a real file system: disks as a cut could have left them.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::{Pace, kill};
use crate::part::Part;
use crate::peers::Kind;
use crate::random::Random;
use crate::recorded::{Mounted, Recorded};
use crate::results::Results;
use tslog_sim::mount::Ext4;

pub const NAME: &str = "cut";

/// How long a process stores.
const STORED: Duration = Duration::from_millis(200);

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    for &kind in Kind::ALL.iter().filter(|kind| !kind.is_baseline()) {
        let folder = ext4.memory_folder("cut");
        if let Err(error) = cut(kind, &folder, pace.tries(50), results) {
            results.add((NAME, kill::CASE), kind, "failure", &error);
        }
        ext4.memory_folder("cut");
    }
}

fn cut(kind: Kind, place: &Path, cuts: u64, results: &mut Results) -> Result<(), String> {
    let mut recorded =
        Recorded::make(place, |root, marks| store(kind, &root.join("store"), marks))?;
    let [image, root] = ["image", "root"].map(|name| place.join(name));
    let mut random = Random::new(9);
    for part in 0..cuts {
        let said = recorded.cut(&image, (part, cuts), &mut random)?;
        let acknowledged = said.trim_end_matches('\0').lines().last().map_or(0, kill::number_of);
        let mounted = Mounted::mount(&image, &root)?;
        results.add((NAME, kill::CASE), kind, "tried", &1);
        kill::hold((NAME, kill::CASE), kind, &root.join("store"), acknowledged, results);
        mounted.unmount()?;
    }
    Ok(())
}

/// Stores for a while, says how far in `marks`, and is killed.
fn store(kind: Kind, folder: &Path, marks: File) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let mut command = kill::job(Part::Endless, kind, folder, 1 << 16).command().map_err(told)?;
    let mut child = command.stdout(marks).stderr(Stdio::null()).spawn().map_err(told)?;
    std::thread::sleep(STORED);
    if let Some(status) = child.try_wait().map_err(told)? {
        return Err(format!("it ended before it was killed: {status}"));
    }
    child.kill().and_then(|()| child.wait()).map(|_| ()).map_err(told)
}
