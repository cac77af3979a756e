//! tslog beside its peers on Linux. `page` measures all there is and writes `docs/linux-peers.md`
//! and its plot; `figures` prints what `cargo xtask figures` holds to its bars.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to a person")]
#![expect(clippy::cast_precision_loss, reason = "what is counted is far below 2^52")]

mod figures;
mod groups;
mod image;
mod page;
mod part;
mod peers;
mod plot;
mod random;
mod record;
mod recorded;
mod results;
mod run;
mod visit;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use groups::Pace;
use peers::Kind;
use results::Results;
use tslog_sim::mount::{self, Ext4, Place};

const USAGE: &str = "\
usage: linux-bench page [--quick | --long] [--only GROUP[,GROUP...]]
       linux-bench page --kept
       linux-bench figures
groups: commits, unsynced, read, open, rot, kill, cut

`page` measures the groups, keeps what it measured, and writes docs/linux-peers.md and its plot from
all that was kept, and the table of docs/testing.md; with `--kept` it measures nothing. It has to be
root, to mount a file system of its own.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        ["part", ref words @ ..] => part::run(words).map_err(|error| error.to_string()),
        ["mounted", place, ref words @ ..] => mounted(Path::new(place), words),
        ["figures"] => match outside(&words) {
            Err(reason) if reason.starts_with(NO_MOUNT) => {
                println!("skipped: {reason}");
                Ok(())
            }
            done => done,
        },
        ["page", "--kept"] => document(&Results::load(&kept())),
        ["page", ..] => outside(&words),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes of the ext4's image.
const IMAGE_SIZE: u64 = 4 << 30;

const NO_MOUNT: &str = "a file system can be mounted by root alone";

/// Runs this program again in a mount namespace that ends with it, however it ends, so that no
/// mount is left behind.
fn outside(words: &[&str]) -> Result<(), String> {
    // A wrong word is told before anything is mounted.
    Plan::read(words)?;
    let unshare = ["--mount", "--propagation", "private"];
    mount::tool(&format!("unshare {} true", unshare.join(" ")))
        .map_err(|error| format!("{NO_MOUNT} ({error})"))?;
    let place = Place::make("linux-bench")?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut again = Command::new("unshare");
    again.args(unshare).arg(own).arg("mounted").arg(place.path()).args(words);
    match again.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the measurement failed: {status}")),
        Err(error) => Err(format!("unshare: {error}")),
    }
}

/// What the words on the command line ask for.
struct Plan {
    figures: bool,
    pace: Pace,
    groups: Vec<groups::Group>,
}

impl Plan {
    fn read(words: &[&str]) -> Result<Self, String> {
        let figures = words.first() == Some(&"figures");
        let mut plan = Self { figures, pace: Pace::Full, groups: groups::ALL.to_vec() };
        let mut words = words.iter().skip(1);
        while let Some(word) = words.next() {
            match *word {
                "--quick" => plan.pace = Pace::Quick,
                "--long" => plan.pace = Pace::Long,
                "--only" => {
                    let names = words.next().ok_or(USAGE)?.split(',');
                    let find = |name: &str| {
                        let known = groups::ALL.into_iter().find(|(known, _)| *known == name);
                        known.ok_or_else(|| format!("there is no group {name:?}\n{USAGE}"))
                    };
                    plan.groups = names.map(find).collect::<Result<_, _>>()?;
                }
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(plan)
    }
}

fn mounted(place: &Path, words: &[&str]) -> Result<(), String> {
    let plan = Plan::read(words)?;
    let ext4 = Ext4::mount(place, IMAGE_SIZE)?;
    if plan.figures {
        return figures::run(&ext4);
    }
    let mut results = Results::load(&kept());
    for (name, run) in plan.groups {
        let begun = std::time::Instant::now();
        results.forget(name);
        run(&ext4, plan.pace, &mut results);
        results.save()?;
        eprintln!("{name}: {:.0} s", begun.elapsed().as_secs_f64());
    }
    document(&results)?;
    let case = (groups::read::NAME, "16/1024");
    let is_read = |kind: &&Kind| results.median(case, **kind, "disk").is_some();
    let peers = Kind::ALL.iter().filter(|kind| !kind.is_baseline() && **kind != Kind::Tslog);
    println!("linux-peers_measured {} count", peers.filter(is_read).count());
    Ok(())
}

/// Writes the page and the plot, and its summary into the page about testing.
fn document(results: &Results) -> Result<(), String> {
    let docs = home().join("../../docs");
    write(&docs.join("linux-peers.svg"), &plot::draw(results)?)?;
    write(&docs.join("linux-peers.md"), &page::write(results))?;
    let testing = docs.join("testing.md");
    let text = std::fs::read_to_string(&testing);
    let text = text.map_err(|error| format!("{} cannot be read ({error})", testing.display()))?;
    write(&testing, &page::with_summary(&text, results)?)
}

/// Where results are kept from one run to the next.
fn kept() -> PathBuf {
    home().join("target/results.txt")
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let text = text.trim_end();
    let written = std::fs::write(path, format!("{text}\n"));
    written.map_err(|error| format!("{} cannot be written ({error})", path.display()))
}

/// The folder of this package, as it was when it was built.
fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
