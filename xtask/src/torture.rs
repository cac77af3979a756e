//! `cargo xtask torture`: the campaigns that try to make the log lose something.
//!
//! A campaign is a program that takes `--size` and `--seed`, prints `name value unit` a line, and
//! for each failure the command that replays it. Here stand how much each must try, and that
//! nothing may go wrong.

use std::fmt::Write as _;
use std::time::Instant;

use crate::measure::Bar::{AtLeast, AtMost};
use crate::measure::{self, BarOf, Measure};
use crate::need::{Done, Need, Package};
use crate::sh::Failure;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As one works.
    Quick,
    /// With every run of CI.
    Ci,
    /// Before a release.
    Release,
}

impl Size {
    /// Its word on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Ci => "ci",
            Self::Release => "release",
        }
    }
}

/// What runs a campaign.
#[derive(Clone, Copy)]
enum Program {
    /// The adversary: media that fail, and a model.
    Simulated,
    /// Real processes, the real kernel, real disks.
    Real,
    /// A program of its own.
    Own(&'static str),
}

/// A campaign: its name, the program that runs it, what that needs, and how much it must try.
#[derive(Clone, Copy)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    /// What is tried, for people.
    about: &'static str,
    program: Program,
    needs: &'static [Need],
    /// The value that counts what was tried and its least at each size: quick, CI, release.
    tried: (&'static str, [f64; 3]),
    /// The value that counts what went wrong.
    wrong: &'static str,
    /// What else must hold, at any size.
    bars: &'static [BarOf],
}

const EXT4: Need = Need { probe: "mkfs.ext4 -V", package: Package::Debian("e2fsprogs") };
const XFS: Need = Need { probe: "mkfs.xfs -V", package: Package::Debian("xfsprogs") };
const BTRFS: Need = Need { probe: "mkfs.btrfs --version", package: Package::Debian("btrfs-progs") };
const STRACE: Need = Need { probe: "strace -V", package: Package::Debian("strace") };
const NBDKIT: Need = Need { probe: "nbdkit --version", package: Package::Debian("nbdkit") };
const QEMU: Need =
    Need { probe: "qemu-storage-daemon --version", package: Package::Debian("qemu-system-common") };

const PYTHON: Need = Need { probe: "python3 --version", package: Package::Debian("python3") };
const CXX: Need = Need { probe: "g++ --version", package: Package::Debian("g++") };

/// Every campaign, in the order they run.
const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "cuts",
        about: "power cuts at every step, with every subset of what was not synced",
        program: Program::Simulated,
        needs: &[],
        tried: ("cuts_states", [500_000.0, 10e6, 200e6]),
        wrong: "cuts_violations",
        bars: &[("cuts_workloads", AtLeast(24.0), "count")],
    },
    Campaign {
        name: "recovery",
        about: "power cuts inside recovery, two and three deep",
        program: Program::Simulated,
        needs: &[],
        tried: ("recovery_states", [100_000.0, 1e6, 10e6]),
        wrong: "recovery_violations",
        bars: &[("recovery_workloads", AtLeast(8.0), "count")],
    },
    Campaign {
        name: "nor",
        about: "flash cut at every byte, with bits that read differently next time",
        program: Program::Simulated,
        needs: &[],
        tried: ("nor_states", [300_000.0, 3e6, 50e6]),
        wrong: "nor_violations",
        bars: &[("nor_geometries", AtLeast(6.0), "count")],
    },
    Campaign {
        name: "rot",
        about: "every bit flipped, sectors zeroed, set, doubled and swapped, bursts",
        program: Program::Simulated,
        needs: &[],
        tried: ("rot_states", [50_000.0, 624_288.0, 624_288.0]),
        wrong: "rot_violations",
        bars: &[],
    },
    Campaign {
        name: "calls",
        about: "every call of the storage fails, once and for good",
        program: Program::Simulated,
        needs: &[],
        tried: ("calls_states", [1000.0, 10_000.0, 10_000.0]),
        wrong: "calls_violations",
        bars: &[],
    },
    Campaign {
        name: "threads",
        about: "the protocols between threads, under every schedule",
        program: Program::Own("cargo run --release --package tslog-threads --bin threads --"),
        needs: &[],
        tried: ("threads_states", [1000.0, 300_000.0, 1e6]),
        wrong: "threads_violations",
        bars: &[],
    },
    Campaign {
        name: "kill",
        about: "kill -9 of the real program at random",
        program: Program::Real,
        needs: &[EXT4],
        tried: ("kill_runs", [150.0, 1500.0, 10_000.0]),
        wrong: "kill_violations",
        bars: &[],
    },
    Campaign {
        name: "full",
        about: "full disks, for each write and each bucket",
        program: Program::Real,
        needs: &[EXT4],
        tried: ("full_runs", [120.0, 1200.0, 12_000.0]),
        wrong: "full_violations",
        bars: &[],
    },
    Campaign {
        name: "strace",
        about: "every call of the real program fails",
        program: Program::Real,
        needs: &[STRACE],
        tried: ("strace_runs", [150.0, 1500.0, 3000.0]),
        wrong: "strace_violations",
        bars: &[],
    },
    Campaign {
        name: "replay",
        about: "what a cut could have left of a real file system",
        program: Program::Real,
        needs: &[EXT4, XFS, BTRFS, QEMU, STRACE],
        tried: ("replay_runs", [200.0, 2000.0, 21_000.0]),
        wrong: "replay_violations",
        bars: &[],
    },
    Campaign {
        name: "eio",
        about: "a disk that fails under ext4 and heals",
        program: Program::Real,
        needs: &[EXT4, NBDKIT, QEMU],
        tried: ("eio_runs", [2.0, 5.0, 100.0]),
        wrong: "eio_violations",
        bars: &[],
    },
    Campaign {
        name: "down",
        about: "file systems that are shut down under a writer and two readers",
        program: Program::Real,
        needs: &[EXT4, XFS],
        tried: ("down_runs", [20.0, 100.0, 1000.0]),
        wrong: "down_violations",
        bars: &[],
    },
    Campaign {
        name: "firmware",
        about: "firmware in an emulator, cut off at any instruction",
        program: Program::Own(
            "env -C examples/firmware cargo run --quiet --package torture --bin torture --",
        ),
        needs: &[],
        tried: ("firmware_runs", [20.0, 200.0, 1000.0]),
        wrong: "firmware_violations",
        bars: &[],
    },
    Campaign {
        name: "soak",
        about: "years of a device that is cut daily, and the wear of its flash",
        program: Program::Simulated,
        needs: &[],
        tried: ("soak_states", [100_000.0, 1e6, 300e6]),
        wrong: "soak_violations",
        bars: &[],
    },
    Campaign {
        name: "hostile",
        about: "folders that somebody prepared, and a limit on memory",
        program: Program::Real,
        needs: &[EXT4],
        tried: ("hostile_runs", [200.0, 2000.0, 2000.0]),
        wrong: "hostile_violations",
        bars: &[],
    },
    Campaign {
        name: "fuzz",
        about: "hostile bytes into every reader, under the address sanitizer",
        program: Program::Own("cargo run --manifest-path fuzz/Cargo.toml --bin campaign --"),
        needs: &[PYTHON, CXX],
        tried: ("fuzz_runs", [8000.0, 40_000.0, 1e6]),
        wrong: "fuzz_violations",
        bars: &[],
    },
    Campaign {
        name: "sabotage",
        about: "bugs put in on purpose, each of which a test must notice",
        program: Program::Own("python3 crates/tslog-sim/sabotage/sabotage.py"),
        needs: &[PYTHON],
        tried: ("sabotage_bugs", [25.0, 25.0, 25.0]),
        wrong: "sabotage_missed",
        bars: &[],
    },
];

/// The campaigns that build the log once more, in a way of their own: `cargo xtask test --quick`
/// leaves them out.
const SLOW: &[&str] = &["fuzz", "sabotage"];

/// The campaigns that `cargo xtask test` runs at this size.
pub(crate) fn tested(size: Size) -> Vec<&'static Campaign> {
    let runs = |c: &&Campaign| size != Size::Quick || !SLOW.contains(&c.name);
    CAMPAIGNS.iter().filter(runs).collect()
}

/// Every campaign.
pub(crate) fn all() -> Vec<&'static Campaign> {
    CAMPAIGNS.iter().collect()
}

/// The campaigns of these names, in the order given, or all for no name; the first unknown name.
pub(crate) fn named<'n>(names: &[&'n str]) -> Result<Vec<&'static Campaign>, &'n str> {
    if names.is_empty() {
        return Ok(all());
    }
    let find =
        |name: &&'n str| CAMPAIGNS.iter().find(|campaign| campaign.name == *name).ok_or(*name);
    names.iter().map(find).collect()
}

/// A line for each campaign: its name, and what it tries.
pub(crate) fn list() -> String {
    let line = |campaign: &Campaign| format!("  {:10} {}\n", campaign.name, campaign.about);
    CAMPAIGNS.iter().map(line).collect()
}

/// Runs all of `campaigns`, even behind one that fails, and prints what came of each.
pub(crate) fn run(
    campaigns: &[&Campaign],
    size: Size,
    seed: Option<&str>,
) -> Result<Done, Failure> {
    let begun = Instant::now();
    let mut table = format!("{:10} {:>12} {:>12} {:>9}\n", "campaign", "tried", "violations", "s");
    let mut done = Done::All;
    let mut failures = Vec::new();
    for campaign in campaigns {
        eprintln!("\n-- {}: {} --", campaign.name, campaign.about);
        let start = Instant::now();
        let (lines, result) = measure::run(&measure_of(campaign, size, seed));
        let of = |name| measure::value(&lines, name).unwrap_or("-");
        let (tried, wrong) = (of(campaign.tried.0), of(campaign.wrong));
        let seconds = start.elapsed().as_secs_f64();
        let verdict = match &result {
            Ok(Done::All) => "ok",
            Ok(Done::Skipped) => "skipped, see above",
            Err(_) => "FAILED",
        };
        let name = campaign.name;
        let _ = writeln!(table, "{name:10} {tried:>12} {wrong:>12} {seconds:>9.1}  {verdict}");
        match result {
            Ok(Done::All) => {}
            Ok(Done::Skipped) => done = Done::Skipped,
            Err(failure) => failures.push(failure),
        }
    }
    println!("\n{table}{:10} {:>35.1}", "all", begun.elapsed().as_secs_f64());
    // The table says which others failed, and each has said above what to type.
    failures.into_iter().next().map_or(Ok(done), Err)
}

fn measure_of(campaign: &Campaign, size: Size, seed: Option<&str>) -> Measure<'static> {
    let name = campaign.name;
    let seed = seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
    let (what, least) = campaign.tried;
    let least = match (size, least) {
        (Size::Quick, [quick, ..]) => quick,
        (Size::Ci, [_, ci, _]) => ci,
        (Size::Release, [.., release]) => release,
    };
    let program = match campaign.program {
        Program::Simulated => {
            format!("cargo run --profile torture --package tslog-sim --bin torture -- {name}")
        }
        Program::Real => format!("cargo run --profile torture --package tslog-torture -- {name}"),
        Program::Own(program) => program.to_owned(),
    };
    let mut bars = vec![(what, AtLeast(least), "count"), (campaign.wrong, AtMost(0.0), "count")];
    bars.extend(campaign.bars);
    Measure {
        task: format!("torture {name} --{}{seed}", size.name()),
        commands: vec![format!("{program} --size {}{seed}", size.name())],
        needs: campaign.needs,
        bars,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_all_campaigns_and_an_unknown_name_is_refused() {
        assert_eq!(named(&[]).unwrap().len(), CAMPAIGNS.len());
        assert_eq!(named(&["cuts"]).unwrap()[0].name, "cuts");
        assert_eq!(named(&["cuts", "cut"]).err(), Some("cut"));
    }

    #[test]
    fn a_campaign_is_told_its_size_and_seed_and_held_to_the_bar_of_that_size() {
        let cuts = named(&["cuts"]).unwrap()[0];
        let measure = measure_of(cuts, Size::Ci, Some("7"));
        assert!(
            measure.commands[0].ends_with(" cuts --size ci --seed 7"),
            "{:?}",
            measure.commands
        );
        assert_eq!(measure.task, "torture cuts --ci --seed 7");
        assert_eq!(measure.bars[0], ("cuts_states", AtLeast(10e6), "count"));
        assert_eq!(measure.bars[1], ("cuts_violations", AtMost(0.0), "count"));
        assert!(measure_of(cuts, Size::Quick, None).commands[0].ends_with("--size quick"));
    }

    #[test]
    fn a_campaign_tries_more_at_a_larger_size() {
        for campaign in CAMPAIGNS {
            let (name, [quick, ci, release]) = campaign.tried;
            assert!(0.0 < quick && quick <= ci && ci <= release, "{name}");
        }
    }

    #[test]
    fn a_quick_test_leaves_out_what_builds_the_log_once_more() {
        let names = |size| tested(size).iter().map(|c| c.name).collect::<Vec<_>>();
        assert_eq!(names(Size::Ci).len(), CAMPAIGNS.len());
        assert!(SLOW.iter().all(|slow| !names(Size::Quick).contains(slow)));
        assert!(names(Size::Quick).contains(&"cuts"));
    }

    #[test]
    fn a_campaign_that_fails_does_not_stop_the_others() {
        let campaign = |name, program| Campaign {
            name,
            about: "a test",
            program: Program::Own(program),
            needs: &[],
            tried: ("runs", [1.0; 3]),
            wrong: "violations",
            bars: &[],
        };
        let (first, second) = (campaign("first", "false"), campaign("second", "true"));
        let failure = run(&[&first, &second], Size::Quick, None).unwrap_err();
        assert_eq!(failure.rerun, "cargo xtask torture first --quick");
    }
}
