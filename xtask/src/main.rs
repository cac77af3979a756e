//! The tasks of the project: `cargo xtask test` is what CI runs, `figures` measures, and `torture`
//! tries to make the log lose something.
//!
//! It owns the rules of the house that no compiler checks: which module may use which, line
//! lengths, links in Markdown, and the bars the figures are held to.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

mod arrows;
mod figures;
mod links;
mod measure;
mod need;
mod no_std;
mod sh;
mod steps;
mod tidy;
mod torture;
mod tree;

use std::process::ExitCode;

use sh::Failure;
use steps::Pace;
use torture::Size;

const USAGE: &str = "\
The tasks of the project.

usage: cargo xtask test [--quick] [STEP]...   run what CI runs, or only the steps named
       cargo xtask figures NAME               measure, and compare with the bars
       cargo xtask torture [--quick|--ci|--release] [--seed S] [NAME]...
                                              run campaigns that try to break the log
       cargo xtask firmware                   link the firmware, and run it in an emulator
";

const NOTES: &str = "\
What a task lacks is installed by its name. Where that does not work the check is skipped, which is
a failure with CI=true.
exit codes: 0 ok, 1 something failed, 2 usage";

/// The usage, with the names there are.
fn help() -> String {
    let words = |names: Vec<&str>| names.join(" ");
    let steps = words(steps::all().iter().map(|step| step.name).collect());
    let figures = words(figures::all().iter().map(|figure| figure.name).collect());
    let campaigns = torture::list();
    format!(
        "{USAGE}\nsteps:     {steps}\nfigures:   {figures}\ncampaigns:\n{campaigns}\n\
         test --quick: {}\ntorture:   --ci unless another size is named\n\n{NOTES}",
        steps::quick()
    )
}

/// A task that could not be understood, and why.
struct Usage(String);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match *words.as_slice() {
        ["-h" | "--help" | "help", ..] | [_, "-h" | "--help"] => {
            println!("{}", help());
            return ExitCode::SUCCESS;
        }
        ["test", ref words @ ..] => test(words),
        ["figures", ref words @ ..] => measure(words),
        ["torture", ref words @ ..] => torture(words),
        ["firmware"] => Ok(figures::run_firmware().map(|_| ())),
        [] => Err(Usage("no task was named".to_owned())),
        [task, ..] => Err(Usage(format!("there is no task {task:?}"))),
    };
    let result = match result {
        Ok(result) => result,
        Err(Usage(why)) => {
            eprintln!("{why}\n\n{}", help());
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nfailed: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Parts options from names.
fn options<'w>(words: &[&'w str]) -> (Vec<&'w str>, Vec<&'w str>) {
    words.iter().partition(|word| word.starts_with("--"))
}

fn test(words: &[&str]) -> Result<Result<(), Failure>, Usage> {
    let (options, names) = options(words);
    let pace = match options.as_slice() {
        [] => Pace::Full,
        ["--quick"] => Pace::Quick,
        [first, ..] => return Err(Usage(format!("test has no option {first:?}"))),
    };
    let steps = steps::named(&names, pace)
        .map_err(|unknown| Usage(format!("there is no step {unknown:?}")))?;
    Ok(steps::run(&steps, pace))
}

fn measure(words: &[&str]) -> Result<Result<(), Failure>, Usage> {
    let [name] = words else { return Err(Usage("figures takes one name".to_owned())) };
    let figure =
        figures::named(name).ok_or_else(|| Usage(format!("there is no figure {name:?}")))?;
    Ok(figures::run(figure).map(|_| ()))
}

fn torture(words: &[&str]) -> Result<Result<(), Failure>, Usage> {
    let mut words = words.to_vec();
    let mut seed = None;
    if let Some(at) = words.iter().position(|word| *word == "--seed") {
        words.remove(at);
        if at == words.len() {
            return Err(Usage("--seed takes a number".to_owned()));
        }
        seed = Some(words.remove(at));
    }
    let (options, names) = options(&words);
    let size = match options.as_slice() {
        [] | ["--ci"] => Size::Ci,
        ["--quick"] => Size::Quick,
        ["--release"] => Size::Release,
        [_, second] => return Err(Usage(format!("one size is enough, and {second:?} is another"))),
        [first, ..] => return Err(Usage(format!("torture has no option {first:?}"))),
    };
    let campaigns = torture::named(&names)
        .map_err(|unknown| Usage(format!("there is no campaign {unknown:?}")))?;
    Ok(torture::run(&campaigns, size, seed).map(|_| ()))
}
