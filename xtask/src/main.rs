//! The tasks of the project: `cargo xtask test` is what CI runs, `cargo xtask figures` measures.
//!
//! It owns the rules of the house that no compiler checks: which module may use which, line
//! lengths, links in Markdown, and the bars the figures are held to.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

mod arrows;
mod figures;
mod links;
mod need;
mod no_std;
mod sh;
mod steps;
mod tidy;
mod tree;

use std::process::ExitCode;

use steps::Pace;

const USAGE: &str = "\
The tasks of the project.

usage: cargo xtask test [--quick] [STEP]...   run what CI runs, or only the steps named
       cargo xtask figures NAME               measure, and compare with the bars

steps:   format lints tests no-std docs links tidy crash
figures: flash linux crash

--quick  tries 20,000 crash states instead of 1,000,000

What a check lacks is installed by its name. Where that does not work the check is skipped, which is
a failure with CI=true.
exit codes: 0 ok, 1 something failed, 2 usage";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match *words.as_slice() {
        ["-h" | "--help" | "help", ..] | [_, "-h" | "--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ["test", ref words @ ..] => {
            let (options, names): (Vec<&str>, Vec<&str>) =
                words.iter().partition(|word| word.starts_with("--"));
            let pace = match options.as_slice() {
                [] => Pace::Full,
                ["--quick"] => Pace::Quick,
                [first, ..] => return usage(&format!("there is no option {first:?}")),
            };
            match steps::named(&names) {
                Ok(steps) => steps::run(&steps, pace),
                Err(unknown) => return usage(&format!("there is no step {unknown:?}")),
            }
        }
        ["figures", name] => match figures::named(name) {
            Some(figure) => figures::run(figure).map(|_| ()),
            None => return usage(&format!("there is no figure {name:?}")),
        },
        ["figures", ..] => return usage("figures takes one name"),
        [] => return usage("no task was named"),
        [task, ..] => return usage(&format!("there is no task {task:?}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nfailed: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("{why}\n\n{USAGE}");
    ExitCode::from(2)
}
