//! Measuring: runs a command that prints `name value unit` a line, and holds the values to bars.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::need::{self, Done, Need};
use crate::sh::{self, Failure};
use Bar::{AtLeast, AtMost, Below};

/// The name of a value, what it is held to, and its unit.
pub(crate) type BarOf = (&'static str, Bar, &'static str);

/// What a value is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

/// What is measured, by which commands, what they need, and what they must show.
#[derive(Debug)]
pub(crate) struct Measure<'m> {
    /// The task that measures it, without `cargo xtask` in front.
    pub(crate) task: String,
    pub(crate) commands: Vec<String>,
    pub(crate) needs: &'m [Need],
    pub(crate) bars: Vec<BarOf>,
}

/// What a measurement printed, line by line.
pub(crate) type Lines = Vec<String>;

/// Measures: the lines on standard output as they come, then the bars on standard error. What
/// cannot be measured on this machine is skipped. The lines come back even if a bar does not hold.
pub(crate) fn run(measure: &Measure<'_>) -> (Lines, Result<Done, Failure>) {
    let rerun = format!("cargo xtask {}", measure.task);
    for need in measure.needs {
        match need::met(need, &rerun) {
            Ok(Done::All) => {}
            unmet => return (Lines::new(), unmet),
        }
    }
    let mut measured = Lines::new();
    let mut skipped = None;
    let mut ended = Ok(());
    for command in &measure.commands {
        eprintln!("$ {command}");
        let one = lines_of(command, |line| {
            if let Some(reason) = line.strip_prefix("skipped: ") {
                skipped = Some(reason.to_owned());
            } else {
                println!("{line}");
                measured.push(line.to_owned());
            }
        });
        ended = ended.and(sh::ended(command, one));
    }
    let result = match skipped {
        Some(reason) => need::skip(&measure.task, &reason, &rerun),
        None => judge(measure, &measured, ended, rerun),
    };
    (measured, result)
}

/// Compares what was measured with the bars.
fn judge(
    measure: &Measure<'_>,
    measured: &[String],
    ended: Result<(), Failure>,
    rerun: String,
) -> Result<Done, Failure> {
    let verdicts: Vec<_> = measure.bars.iter().map(|bar| verdict(*bar, measured)).collect();
    eprintln!("\n{:32} {:>12} {:>12}  unit", "figure", "bar", "measured");
    for verdict in &verdicts {
        eprintln!("{verdict}");
    }
    let failed: Vec<_> = verdicts.iter().filter(|verdict| !verdict.ok).collect();
    if failed.is_empty() {
        ended?;
        eprintln!("all {} bars hold", verdicts.len());
        return Ok(Done::All);
    }
    // A program that breaks off measures less than it should, and says itself why.
    let names: Vec<_> = failed.iter().map(|verdict| verdict.name).collect();
    let (count, all, names) = (names.len(), verdicts.len(), names.join(", "));
    Err(Failure { what: format!("{count} of {all} bars do not hold: {names}"), rerun })
}

/// Runs `line` and hands on each line it prints; true if it ended well.
fn lines_of(line: &str, mut each: impl FnMut(&str)) -> std::io::Result<bool> {
    let mut child = sh::command(line).stdout(Stdio::piped()).spawn()?;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            each(&line?);
        }
    }
    Ok(child.wait()?.success())
}

/// The value of this name among `lines`, as it was printed; `None` if it is not there just once.
pub(crate) fn value<'l>(lines: &'l [String], name: &str) -> Option<&'l str> {
    let mut own = lines.iter().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(name)).then(|| words.next()).flatten()
    });
    own.next().filter(|_| own.next().is_none())
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
        write!(f, "{name:32} {bar:>12} {measured:>12}  {unit:20} {mark}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(bar: Bar, lines: &[&str]) -> bool {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        verdict(("speed", bar, "m/s"), &lines).ok
    }

    fn measure(command: &str, bars: &[BarOf]) -> Result<Done, Failure> {
        let bars = bars.to_vec();
        let commands = vec![command.to_owned()];
        run(&Measure { task: "figures speed".to_owned(), commands, needs: &[], bars }).1
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
    fn a_value_is_found_by_its_whole_name_if_it_is_there_once() {
        let lines: Vec<String> = ["a 1 s", "ab 2 s", "c 3 s", "c 4 s"].map(str::to_owned).into();
        assert_eq!(value(&lines, "a"), Some("1"));
        assert_eq!(value(&lines, "c"), None);
        assert_eq!(value(&lines, "d"), None);
    }

    #[test]
    fn a_measurement_whose_bars_or_command_fail_is_a_failure() {
        const SPEED: &[BarOf] = &[("speed", AtMost(1.0), "m/s")];
        assert!(measure("echo speed 1 m/s", SPEED).is_ok());
        let bar = measure("echo speed 2 m/s", SPEED).unwrap_err();
        assert_eq!(
            bar.to_string(),
            "1 of 1 bars do not hold: speed.\nRun again: cargo xtask figures speed"
        );
        for command in ["false", "no-such-program"] {
            assert_eq!(measure(command, &[]).unwrap_err().rerun, command);
        }
    }

    #[test]
    fn a_measurement_that_says_it_is_skipped_is_skipped() {
        // Under CI=true, which the tests of CI run in, that is a failure.
        match measure("echo skipped: there is no disk", &[]) {
            Ok(done) => assert_eq!(done, Done::Skipped),
            Err(failure) => assert!(failure.what.contains("there is no disk"), "{failure}"),
        }
    }
}
