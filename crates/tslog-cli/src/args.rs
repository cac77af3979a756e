//! The command line: what each command takes, and what `--help` says of it.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::exit::{Exit, Failure, Result};
use crate::time::TimeArg;

const EXAMPLES: &str = "\
Examples:
  tslog demo
  tslog create data --format Qff --fields time:s,temperature:degC,humidity:%
  tslog append data < readings.csv
  tslog cat data --tail 5
";

/// A crash-safe time-series log: store records now, send them later, know to the record what you
/// have.
#[derive(Debug, Parser)]
#[command(name = "tslog", version, max_term_width = 100)]
#[command(after_help = format!("{EXAMPLES}\n{}", Exit::help()))]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// What the command line asks for. `--help` and `--version` are answered here and end the
    /// program.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the arguments, and the command that shows the right
    /// ones.
    pub(crate) fn read() -> Result<Command> {
        let error = match Self::try_parse() {
            Ok(arguments) => return Ok(arguments.command),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
            _ => Err(refusal(&error.render().to_string(), std::env::args().nth(1).as_deref())),
        }
    }
}

/// One sentence of what the parser says in paragraphs, and the help of the command that was meant.
fn refusal(text: &str, first: Option<&str>) -> Failure {
    let paragraphs = text
        .trim_start_matches("error: ")
        .split("\n\n")
        .take_while(|text| !text.starts_with("Usage:") && !text.starts_with("For more"))
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let sentence = paragraphs.collect::<Vec<_>>().join("; ");
    let command = first.filter(|name| Arguments::command().find_subcommand(name).is_some());
    let space = if command.is_some() { " " } else { "" };
    Failure::usage(sentence).hint(format!("tslog {}{space}--help", command.unwrap_or_default()))
}

/// A number on the command line, with a refusal that says what was expected.
fn whole<T: TryFrom<u64>>(text: &str) -> std::result::Result<T, String> {
    let bits = u32::try_from(size_of::<T>() * 8).unwrap_or(64).clamp(1, 64);
    let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
    let most =
        if bits < 64 { format!(" from 0 to {}", u64::MAX >> (64 - bits)) } else { String::new() };
    number.ok_or_else(|| format!("expected a whole number{most}"))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Create(CreateArgs),
    Append(AppendArgs),
    Cat(CatArgs),
    Read(ReadArgs),
    Stats(StatsArgs),
    Verify(VerifyArgs),
    Demo(DemoArgs),
    #[command(hide = true)]
    DemoWriter(DemoWriterArgs),
}

const CREATE_EXAMPLES: &str = "\
Examples:
  tslog create data --format Qff --fields time:s,temperature:degC,humidity:%
  tslog create mixed --format Qf --fields time:s,level:m --format QH --fields time:s,alarm
  tslog create raw --record-size 64 --readers 2

A format is as Python's struct has it: Q is an integer of 8 bytes, f a float of 4, ? a truth \
value, 8s a text of 8 bytes.";

/// Create an empty log in a folder
#[derive(Args, Debug)]
#[command(after_help = CREATE_EXAMPLES)]
pub(crate) struct CreateArgs {
    /// The folder; it is made if it is missing
    pub(crate) dir: PathBuf,
    /// The format of the records, such as Qff; once for each kind of record, in the order of tags
    #[arg(long = "format", value_name = "FORMAT")]
    pub(crate) formats: Vec<String>,
    /// Names and units of the values, such as time:s,level; once for each --format, or never
    #[arg(long, value_name = "NAME:UNIT,...", requires = "formats")]
    pub(crate) fields: Vec<String>,
    /// Bytes in a record of a log without formats [default: 128]
    #[arg(long, value_name = "BYTES", conflicts_with = "formats", value_parser = whole::<u32>)]
    pub(crate) record_size: Option<u32>,
    /// Records in a bucket, which is what is forgotten at once [default: 1024]
    #[arg(long, value_name = "RECORDS", value_parser = whole::<u32>)]
    pub(crate) bucket_size: Option<u32>,
    /// How many readers the log keeps records for, 1 to 4
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u8>)]
    pub(crate) readers: u8,
    /// Replace the log that is there: ALL ITS RECORDS GO
    #[arg(long)]
    pub(crate) recreate: bool,
    /// Print the new log as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const APPEND_EXAMPLES: &str = "\
Examples:
  tslog append data < readings.csv
  echo 2026-01-01T00:00:00Z,21.5,40 | tslog append data
  sensor | tslog append data --json-lines --commit-delta 1
  tslog append mixed --tag 1 < alarms.csv
  sensor | tslog append data --json-lines --max-buckets 100 --drop-oldest

A header line is found by itself, and then names the columns. A time is a number in the unit of \
its field, or RFC 3339. Everything is committed at the end, and on Ctrl-C.";

/// Store records from standard input
#[derive(Args, Debug)]
#[command(after_help = APPEND_EXAMPLES)]
pub(crate) struct AppendArgs {
    /// The folder of the log
    pub(crate) dir: PathBuf,
    /// Store all lines under this tag, which is the position of a format, from 0
    #[arg(long, value_name = "N", value_parser = whole::<u8>)]
    pub(crate) tag: Option<u8>,
    /// The input is CSV; the default for a log with formats
    #[arg(long, group = "syntax")]
    pub(crate) csv: bool,
    /// The input has a JSON object or array on each line; the default if it begins with `{`
    #[arg(long, group = "syntax")]
    pub(crate) json_lines: bool,
    /// Each line is a record as it is; the default for a log without formats
    #[arg(long, group = "syntax")]
    pub(crate) text: bool,
    /// Commit after so many records: 1 is the safest, more is faster
    #[arg(long, value_name = "RECORDS", default_value_t = 16, value_parser = whole::<u32>)]
    pub(crate) commit_delta: u32,
    /// Let the log have at most so many buckets; then it is full [default: as the disk allows]
    #[arg(long, value_name = "BUCKETS", value_parser = whole::<u32>)]
    pub(crate) max_buckets: Option<u32>,
    /// When the log is full, give the oldest bucket up, read or not, instead of failing
    #[arg(long)]
    pub(crate) drop_oldest: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a log is that is only looked at.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The folder of the log, or with --image a file
    pub(crate) path: PathBuf,
    /// The path is a dump of a flash partition
    #[arg(long)]
    pub(crate) image: bool,
    /// Bytes in an erase sector of the flash; the header in the dump says it too, if it is sound
    #[arg(long, value_name = "BYTES", requires = "image", value_parser = whole::<u32>)]
    pub(crate) sector_size: Option<u32>,
}

/// How records are printed.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Print CSV
    #[arg(long, group = "output")]
    pub(crate) csv: bool,
    /// Print JSON lines
    #[arg(long, group = "output")]
    pub(crate) json: bool,
    /// Print the bytes of the records
    #[arg(long, group = "output")]
    pub(crate) hex: bool,
    /// Print the field named `time` as a date and time in UTC
    #[arg(long)]
    pub(crate) utc: bool,
}

const CAT_EXAMPLES: &str = "\
Examples:
  tslog cat data --tail 10
  tslog cat data --since 10m -f
  tslog cat data --from 1000 --to 1999 --csv > part.csv
  tslog cat flash.bin --image --sector-size 4096 --json

--since and --until look at the field named `time`, whose unit is s, ms, us or ns: 10m is ten \
minutes ago, 2026-01-01T00:00:00Z and 2026-01-01 are UTC, a bare number is in the unit of the field.
Damaged records are named on standard error, all others are printed, and the exit code is then 4.";

/// Print records, beside a running writer too
#[derive(Args, Debug)]
#[command(after_help = CAT_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Begin with this number
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) from: Option<u64>,
    /// End with this number
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) to: Option<u64>,
    /// Only records of this time or later
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<TimeArg>,
    /// Only records before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<TimeArg>,
    /// Only the last N records of these
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) tail: Option<u64>,
    /// Go on with records as they are committed
    #[arg(short, long, conflicts_with = "image")]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

const READ_EXAMPLES: &str = "\
Examples:
  tslog read data --reader 0
  tslog read data --reader 0 --limit 100 --json --commit | ./send

Without --commit the same records come again. With --commit they are acknowledged once they are \
written to standard output, and the log may then forget them.";

/// Print what one reader has not read yet
#[derive(Args, Debug)]
#[command(after_help = READ_EXAMPLES)]
pub(crate) struct ReadArgs {
    /// The folder of the log
    pub(crate) dir: PathBuf,
    /// The number of the reader, from 0
    #[arg(long, value_name = "N", value_parser = whole::<u8>)]
    pub(crate) reader: u8,
    /// Acknowledge what was printed
    #[arg(long)]
    pub(crate) commit: bool,
    /// At most so many records
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

const STATS_EXAMPLES: &str = "\
Examples:
  tslog stats data
  tslog stats data --json | jq .readers
  tslog stats flash.bin --image";

/// Show the formats, the numbers and the readers of a log
#[derive(Args, Debug)]
#[command(after_help = STATS_EXAMPLES)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  tslog verify data
  tslog verify flash.bin --image --sector-size 4096 --json";

/// Check every frame of every bucket, and name what is damaged
#[derive(Args, Debug)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  tslog demo
  tslog demo --dir /tmp/demo && tslog stats /tmp/demo/log";

/// Show it at work: real readings, a link that breaks, a process that is killed
#[derive(Args, Debug)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Work in this new folder and keep it, instead of a temporary one
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Keep the temporary folder
    #[arg(long)]
    pub(crate) keep: bool,
}

/// The storing process of the demo
#[derive(Args, Debug)]
pub(crate) struct DemoWriterArgs {
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_sentence_and_the_help_of_the_command_that_was_meant() {
        for (words, told) in [
            (
                &["tslog", "create"][..],
                "the following required arguments were not provided: <DIR>\n  tslog create --help",
            ),
            (
                &["tslog", "cat", "data", "--tail", "-1"],
                "invalid value '-1' for '--tail <N>': expected a whole number\n  \
                 tslog cat --help",
            ),
            (
                &["tslog", "append", "data", "--tag", "256"],
                "invalid value '256' for '--tag <N>': expected a whole number from 0 to 255\n  \
                 tslog append --help",
            ),
            (
                &["tslog", "creat"],
                "unrecognized subcommand 'creat'; tip: some similar subcommands exist: 'read', \
                 'create'\n  tslog --help",
            ),
        ] {
            let error = Arguments::try_parse_from(words).unwrap_err();
            let failure = refusal(&error.render().to_string(), words.get(1).copied());
            assert_eq!((failure.exit, failure.to_string()), (Exit::Usage, told.to_owned()));
        }
    }

    #[test]
    fn the_definitions_are_sound_and_every_command_has_examples() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let help = sub.clone().render_help().to_string();
            let example = format!("\n  tslog {} ", sub.get_name());
            assert!(help.contains(&example) || help.contains(example.trim_end()), "{help}");
        }
    }
}
