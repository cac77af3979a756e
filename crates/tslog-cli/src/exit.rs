//! How the command ends: the table of exit codes, and the error that a person gets to read.
//!
//! An error is one sentence and, where there is one, the command to type next.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

/// What the command reports to the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    Error,
    Usage,
    NoLog,
    Damage,
    Locked,
    Full,
}

/// The one table: `--help` prints it, and [`Exit::code`] reads it.
const TABLE: [(Exit, u8, &str); 7] = [
    (Exit::Ok, 0, "done"),
    (Exit::Error, 1, "something failed: the message says what"),
    (Exit::Usage, 2, "the arguments were wrong, and nothing changed"),
    (Exit::NoLog, 3, "there is no log at this place"),
    (Exit::Damage, 4, "damage was found: the sound records were read, the damaged ones are named"),
    (Exit::Locked, 6, "another process writes the log, or has this reader of it"),
    (Exit::Full, 7, "the log is full, and its readers still need every bucket"),
];

impl Exit {
    /// The number the shell sees.
    pub(crate) fn code(self) -> u8 {
        TABLE.iter().find(|(exit, ..)| *exit == self).map_or(1, |(_, code, _)| *code)
    }

    /// The table as text for `--help`.
    pub(crate) fn help() -> String {
        TABLE.iter().fold("Exit codes:\n".to_owned(), |help, (_, code, meaning)| {
            help + &format!("  {code}  {meaning}\n")
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
}

/// What every command returns: how it ended, or why it could not.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Something failed that has no code of its own.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Exit::Error, message)
    }

    /// The arguments do not fit each other or the log.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The command to type next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with its place in front of the sentence.
    pub(crate) fn in_front(mut self, place: &str) -> Self {
        self.message.insert_str(0, place);
        self
    }

    /// The same with a second sentence: what was done before it.
    pub(crate) fn after(mut self, done: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(done);
        self
    }

    /// Tells the person at the terminal, and says nothing about a closed pipe.
    pub(crate) fn report(&self) {
        if self.exit == Exit::Ok {
            return;
        }
        let bold = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        // Where standard error is gone too, nobody is left to tell.
        let _ = writeln!(anstream::stderr(), "{bold}error:{bold:#} {self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  {hint}"))
    }
}

/// For writes to standard output: `tslog cat data | head` ends well when `head` has had enough.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Exit::Ok, String::new())
        } else {
            Self::error(format!("standard output cannot be written: {error}"))
        }
    }
}

/// One line on standard error for something that does not end the command.
pub(crate) fn note(text: impl fmt::Display) {
    // Where standard error is gone, nobody is left to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_one_code_of_its_own() {
        let all = [
            Exit::Ok,
            Exit::Error,
            Exit::Usage,
            Exit::NoLog,
            Exit::Damage,
            Exit::Locked,
            Exit::Full,
        ];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 6, 7]);
    }

    #[test]
    fn an_error_is_a_sentence_and_then_the_command_to_type() {
        let failure =
            Failure::new(Exit::NoLog, "there is no log in data").hint("tslog create data");
        assert_eq!(failure.to_string(), "there is no log in data\n  tslog create data");
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is() {
        assert_eq!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).exit, Exit::Ok);
        assert_eq!(Failure::from(io::Error::from(io::ErrorKind::StorageFull)).exit, Exit::Error);
    }
}
