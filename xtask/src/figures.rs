//! `cargo xtask figures NAME`: measures, prints `name value unit` a line, compares with the bars.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::need::{self, Done, Need, Package};
use crate::sh::{self, Failure};
use Bar::{AtLeast, AtMost, Below};

/// A figure: its name, the command that measures it, what that needs, and what it must show.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    name: &'static str,
    command: &'static str,
    needs: &'static [Need],
    bars: &'static [BarOf],
}

/// The name of a value, what it is held to, and its unit.
type BarOf = (&'static str, Bar, &'static str);

/// What a value is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bar {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

/// The crash harness over all media, with as many states as its bar asks for.
pub(crate) const CRASH: Figure = Figure {
    name: "crash",
    command: "cargo run --profile torture --package tslog-sim --bin crash -- --states 1000000",
    needs: &[],
    bars: &crash_bars(1_000_000.0),
};

/// As [`CRASH`], with so few states that one can wait for it.
pub(crate) const CRASH_QUICK: Figure = Figure {
    command: "cargo run --profile torture --package tslog-sim --bin crash -- --states 20000",
    bars: &crash_bars(20_000.0),
    ..CRASH
};

/// No medium may be left out, however many states there are of the others.
const fn crash_bars(states: f64) -> [BarOf; 6] {
    [
        ("crash_states", AtLeast(states), "count"),
        ("crash_states_nor", AtLeast(1.0), "count"),
        ("crash_states_fixed", AtLeast(1.0), "count"),
        ("crash_states_named", AtLeast(1.0), "count"),
        ("crash_states_folder", AtLeast(1.0), "count"),
        ("crash_violations", AtMost(0.0), "count"),
    ]
}

/// What the project promises to show; the one place where these numbers stand. A name is the
/// figure, the bytes in a record, the records in a commit, and what is measured.
const FIGURES: &[Figure] = &[
    Figure {
        name: "flash",
        command: "cargo run --release --package tslog-sim --bin figures -- flash",
        needs: &[],
        bars: &[
            ("flash_16b_k16_programmed", AtMost(1.11), "bytes/payload_byte"),
            ("flash_16b_k16_erases", AtMost(4.4), "erases/1000_records"),
            ("flash_16b_k16_programmed_twice", AtMost(0.0), "words"),
            ("flash_16b_k16_open_read", AtMost(2700.0), "bytes"),
            ("flash_16b_k1_programmed", AtMost(1.60), "bytes/payload_byte"),
            ("flash_16b_k1_erases", AtMost(6.3), "erases/1000_records"),
            ("flash_16b_k1_programmed_twice", AtMost(0.0), "words"),
            ("flash_16b_k1_open_read", AtMost(2700.0), "bytes"),
            ("flash_128b_k16_programmed", AtMost(1.04), "bytes/payload_byte"),
            ("flash_128b_k16_programmed_twice", AtMost(0.0), "words"),
            ("flash_128b_k16_open_read", AtMost(2700.0), "bytes"),
            ("flash_128b_k1_programmed", AtMost(1.11), "bytes/payload_byte"),
            ("flash_128b_k1_programmed_twice", AtMost(0.0), "words"),
            ("flash_128b_k1_open_read", AtMost(2700.0), "bytes"),
            ("flash_ram_one_reader", AtMost(160.0), "bytes"),
            ("flash_ram_further_reader", AtMost(40.0), "bytes"),
        ],
    },
    Figure {
        name: "linux",
        command: "cargo run --release --package tslog-sim --bin figures -- linux",
        needs: &[
            Need { probe: "unshare --version", package: Package::Debian("util-linux") },
            Need { probe: "mount --version", package: Package::Debian("mount") },
            Need { probe: "mkfs.ext4 -V", package: Package::Debian("e2fsprogs") },
            Need { probe: "strace -V", package: Package::Debian("strace") },
        ],
        bars: &[
            ("linux_16b_k16_flushes", AtMost(1.05), "flushes/commit"),
            ("linux_16b_k16_written", AtMost(5.2), "KiB/commit"),
            ("linux_16b_k16_b1024_flushes", AtMost(1.05), "flushes/commit"),
            ("linux_16b_k16_b1024_written", AtMost(5.2), "KiB/commit"),
            ("linux_16b_k16_syscalls", AtMost(2.0), "syscalls/commit"),
            ("linux_16b_k16_disk", AtMost(17.0), "bytes/record"),
            ("linux_128b_k16_flushes", AtMost(1.06), "flushes/commit"),
            ("linux_128b_k16_written", AtMost(9.0), "KiB/commit"),
            ("linux_128b_k16_b1024_flushes", AtMost(1.06), "flushes/commit"),
            ("linux_128b_k16_b1024_written", AtMost(9.0), "KiB/commit"),
            ("linux_10m_records", AtLeast(10_000_000.0), "records"),
            ("linux_10m_disk", AtMost(17.0), "bytes/record"),
            ("linux_10m_open_median", AtMost(1.0), "ms"),
            ("linux_10m_memory_most", Below(1.0), "MB"),
            ("linux_10m_crashed_open_median", AtMost(1.0), "ms"),
            ("linux_10m_crashed_memory_most", Below(1.0), "MB"),
        ],
    },
    CRASH,
];

/// The figure of this name.
pub(crate) fn named(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name)
}

/// Measures `figure`: its lines on standard output as they come, then the bars on standard error.
/// What cannot be measured on this machine is skipped.
pub(crate) fn run(figure: &Figure) -> Result<Done, Failure> {
    let rerun = format!("cargo xtask figures {}", figure.name);
    for need in figure.needs {
        if need::met(need, &rerun)? == Done::Skipped {
            return Ok(Done::Skipped);
        }
    }
    eprintln!("$ {}", figure.command);
    let mut measured = Vec::new();
    let mut skipped = None;
    let ended = measure(figure.command, |line| {
        if let Some(reason) = line.strip_prefix("skipped: ") {
            skipped = Some(reason.to_owned());
        } else {
            println!("{line}");
            measured.push(line.to_owned());
        }
    });
    if let Some(reason) = skipped {
        return need::skip(&format!("figures {}", figure.name), &reason, &rerun);
    }
    let verdicts: Vec<_> = figure.bars.iter().map(|bar| verdict(*bar, &measured)).collect();
    eprintln!("\n{:32} {:>10} {:>12}  unit", "figure", "bar", "measured");
    for verdict in &verdicts {
        eprintln!("{verdict}");
    }
    let failed: Vec<_> = verdicts.iter().filter(|verdict| !verdict.ok).collect();
    if failed.is_empty() {
        sh::ended(figure.command, ended)?;
        eprintln!("all {} bars hold", verdicts.len());
        return Ok(Done::All);
    }
    // A program that breaks off measures less than it should, and says itself why.
    let names: Vec<_> = failed.iter().map(|verdict| verdict.name).collect();
    let (count, all, names) = (names.len(), verdicts.len(), names.join(", "));
    Err(Failure { what: format!("{count} of {all} bars do not hold: {names}"), rerun })
}

/// Runs `line` and hands on each line it prints; true if it ended well.
fn measure(line: &str, mut each: impl FnMut(&str)) -> std::io::Result<bool> {
    let mut child = sh::command(line).stdout(Stdio::piped()).spawn()?;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            each(&line?);
        }
    }
    Ok(child.wait()?.success())
}

/// How a measured value compares with its bar.
struct Verdict {
    name: &'static str,
    bar: Bar,
    unit: &'static str,
    measured: String,
    ok: bool,
}

/// Finds the value in the lines. A value that is missing, comes twice, is no number or has another
/// unit does not hold.
fn verdict((name, bar, unit): BarOf, lines: &[String]) -> Verdict {
    let words = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own: Vec<_> = words.filter(|words| words.first() == Some(&name)).collect();
    let (measured, ok) = match own.as_slice() {
        [] => ("not measured".to_owned(), false),
        [words] => match words.as_slice() {
            [_, value, measured_in] if *measured_in == unit => {
                let holds = value.parse().is_ok_and(|value| bar.holds(value));
                ((*value).to_owned(), holds)
            }
            _ => (words.join(" "), false),
        },
        _ => ("measured twice".to_owned(), false),
    };
    Verdict { name, bar, unit, measured, ok }
}

impl Bar {
    fn holds(self, value: f64) -> bool {
        match self {
            AtLeast(bar) => value >= bar,
            AtMost(bar) => value <= bar,
            Below(bar) => value < bar,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            AtLeast(bar) => format!(">= {bar}"),
            AtMost(bar) => format!("<= {bar}"),
            Below(bar) => format!("< {bar}"),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, bar, unit, measured, ok } = self;
        let mark = if *ok { "ok" } else { "FAIL" };
        write!(f, "{name:32} {bar:>10} {measured:>12}  {unit:20} {mark}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(bar: Bar, lines: &[&str]) -> bool {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        verdict(("speed", bar, "m/s"), &lines).ok
    }

    #[test]
    fn a_bar_holds_up_to_its_value_and_no_further() {
        assert!(holds(AtMost(1.11), &["speed 1.11 m/s"]));
        assert!(!holds(AtMost(1.11), &["speed 1.12 m/s"]));
        assert!(holds(AtLeast(1e6), &["speed 1000000 m/s"]));
        assert!(!holds(AtLeast(1e6), &["speed 999999 m/s"]));
        assert!(holds(Below(1.0), &["speed 0.99 m/s"]));
        assert!(!holds(Below(1.0), &["speed 1.0 m/s"]));
    }

    #[test]
    fn a_value_that_is_not_measured_as_promised_does_not_hold() {
        for lines in [
            &[][..],
            &["speeds 1 m/s"],
            &["speed 1 km/h"],
            &["speed 1"],
            &["speed NaN m/s"],
            &["speed fast m/s"],
            &["speed 1 m/s", "speed 1 m/s"],
        ] {
            assert!(!holds(AtMost(2.0), lines), "{lines:?}");
        }
        assert!(holds(AtMost(2.0), &["other 9 m/s", "speed 1 m/s"]));
    }

    #[test]
    fn a_figure_whose_bars_or_command_fail_is_a_failure() {
        const SPEED: &[BarOf] = &[("speed", AtMost(1.0), "m/s")];
        let figure = |command, bars| Figure { name: "speed", command, needs: &[], bars };
        assert!(run(&figure("echo speed 1 m/s", SPEED)).is_ok());
        let bar = run(&figure("echo speed 2 m/s", SPEED)).unwrap_err();
        assert_eq!(
            bar.to_string(),
            "1 of 1 bars do not hold: speed.\nRun again: cargo xtask figures speed"
        );
        for command in ["false", "no-such-program"] {
            assert_eq!(run(&figure(command, &[])).unwrap_err().rerun, command);
        }
    }

    #[test]
    fn a_figure_that_says_it_is_skipped_is_skipped() {
        let command = "echo skipped: there is no disk";
        let figure = Figure { name: "speed", command, needs: &[], bars: &[] };
        // Under CI=true, which the tests of CI run in, that is a failure.
        match run(&figure) {
            Ok(done) => assert_eq!(done, Done::Skipped),
            Err(failure) => assert!(failure.what.contains("there is no disk"), "{failure}"),
        }
    }

    #[test]
    fn the_quick_crash_harness_differs_in_its_length_alone() {
        let states = |figure: Figure| figure.command.rsplit_once(' ').unwrap();
        assert_eq!(states(CRASH).0, states(CRASH_QUICK).0);
        for figure in [CRASH, CRASH_QUICK] {
            let asked: f64 = states(figure).1.parse().unwrap();
            assert_eq!(figure.bars[0].1, AtLeast(asked));
        }
    }

    #[test]
    fn every_bar_has_a_name_of_its_own_that_begins_with_its_figure() {
        let mut names = std::collections::HashSet::new();
        for figure in FIGURES {
            for (name, ..) in figure.bars {
                assert!(name.starts_with(figure.name) && names.insert(name), "{name}");
                assert!(!name.contains(char::is_uppercase), "{name}");
            }
        }
    }
}
