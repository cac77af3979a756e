//! The command line of a campaign.

/// How to call it.
pub(crate) const USAGE: &str = "\
usage: tslog-torture NAME [--size quick|ci|release] [--seed S] [--jobs N]
       tslog-torture NAME --seed S --case N        runs one case again

campaigns: kill full hostile strace replay eio down";

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Quick,
    Ci,
    Release,
}

impl Size {
    /// The one of three numbers that belongs to this size.
    pub(crate) const fn of(self, quick: u64, ci: u64, release: u64) -> u64 {
        match self {
            Self::Quick => quick,
            Self::Ci => ci,
            Self::Release => release,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Ci => "ci",
            Self::Release => "release",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) name: String,
    pub(crate) size: Size,
    pub(crate) seed: u64,
    pub(crate) jobs: usize,
    /// Only this case.
    pub(crate) case: Option<u64>,
}

impl Args {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let [name, options @ ..] = words else { return Err("no campaign was named".to_owned()) };
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut args = Self { name: name.clone(), size: Size::Quick, seed: 1, jobs, case: None };
        for option in options.chunks(2) {
            let [word, value] = option else { return Err(format!("{} needs a value", option[0])) };
            let number = || value.parse().map_err(|error| format!("{word} {value}: {error}"));
            match word.as_str() {
                "--size" => {
                    let all = [Size::Quick, Size::Ci, Size::Release];
                    let size = all.into_iter().find(|size| size.name() == value);
                    args.size = size.ok_or_else(|| format!("there is no size {value}"))?;
                }
                "--seed" => args.seed = number()?,
                "--case" => args.case = Some(number()?),
                "--jobs" => args.jobs = usize::try_from(number()?.max(1)).unwrap_or(1),
                _ => return Err(format!("{word} is not known")),
            }
        }
        Ok(args)
    }
}

#[cfg(test)]
mod tests {
    use super::{Args, Size};

    fn parse(text: &str) -> Result<Args, String> {
        Args::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_come_in_any_order_and_a_wrong_one_is_named() {
        let args = parse("kill --case 7 --size release --seed 3 --jobs 0").unwrap();
        assert_eq!((args.name.as_str(), args.size, args.seed), ("kill", Size::Release, 3));
        assert_eq!((args.case, args.jobs), (Some(7), 1));
        assert_eq!(parse("").unwrap_err(), "no campaign was named");
        assert_eq!(parse("kill --seed").unwrap_err(), "--seed needs a value");
        assert_eq!(parse("kill --size big").unwrap_err(), "there is no size big");
        assert_eq!(parse("kill --speed 1").unwrap_err(), "--speed is not known");
        assert!(parse("kill --seed x").unwrap_err().starts_with("--seed x: "));
    }
}
