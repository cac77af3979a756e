//! Running other programs, always in the root of the repository and by a line that a person can
//! type again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task stopped, and the command that shows it again.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What went wrong, as a sentence without its stop.
    pub(crate) what: String,
    /// The command to type.
    pub(crate) rerun: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.\nRun again: {}", self.what, self.rerun)
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// A command from a line as one types it: `NAME=value` words in front go to the environment, and
/// blanks part the words. There is no quoting.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_whitespace().peekable();
    let mut environment = Vec::new();
    while let Some(pair) = words.peek().and_then(|word| word.split_once('=')) {
        environment.push(pair);
        words.next();
    }
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).envs(environment).current_dir(root());
    command
}

/// Runs `line`, its output shown; fails if it does.
pub(crate) fn run(line: &str) -> Result<(), Failure> {
    println!("$ {line}");
    ended(line, command(line).status().map(|status| status.success()))
}

/// Runs `line` like [`run`], with all its output on standard error: where standard output belongs
/// to the figures.
pub(crate) fn run_aside(line: &str) -> Result<(), Failure> {
    eprintln!("$ {line}");
    let status = command(line).stdout(std::io::stderr()).status();
    ended(line, status.map(|status| status.success()))
}

/// What became of a command, as a result that names its line.
pub(crate) fn ended(line: &str, success: std::io::Result<bool>) -> Result<(), Failure> {
    let what = match success {
        Ok(true) => return Ok(()),
        Ok(false) => "the command ended with an error".to_owned(),
        Err(error) => format!("the command cannot be run: {error}"),
    };
    Err(Failure { what, rerun: line.to_owned() })
}

/// True if `line` can be run and ends well; nothing is shown.
pub(crate) fn succeeds(line: &str) -> bool {
    let mut command = command(line);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What `line` prints, or `None` if it cannot be run or fails.
pub(crate) fn output(line: &str) -> Option<String> {
    let output = command(line).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_sign_in_front_of_the_program_are_its_environment() {
        assert_eq!(output("GREETING=hello printenv GREETING").as_deref(), Some("hello\n"));
        assert_eq!(output("echo NAME=value").as_deref(), Some("NAME=value\n"));
    }

    #[test]
    fn a_command_that_fails_or_is_not_there_is_a_failure_with_its_line() {
        for line in ["false", "no-such-program --flag"] {
            let failure = run(line).unwrap_err();
            assert!(failure.to_string().ends_with(&format!("Run again: {line}")), "{failure}");
            assert!(!succeeds(line));
            assert_eq!(output(line), None);
        }
        assert!(run("true").is_ok() && succeeds("true"));
    }

    #[test]
    fn commands_run_in_the_root_of_the_repository() {
        assert!(succeeds("test -f xtask/Cargo.toml"));
    }
}
