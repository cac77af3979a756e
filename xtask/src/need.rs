//! What a check needs from the machine: it is installed by name, or the check is named as skipped.

use crate::sh::{self, Failure};

/// Something a machine may lack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Succeeds, in silence, where it is there.
    pub(crate) probe: &'static str,
    pub(crate) package: Package,
}

/// Where it comes from, by its name there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Package {
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// A package of Debian and its kin.
    Debian(&'static str),
}

impl Package {
    const fn name(&self) -> &'static str {
        match self {
            Self::Component(name) | Self::Debian(name) => name,
        }
    }

    /// The commands that install it, to be tried one after the other until it is there. The list
    /// of a fresh Debian is empty, hence the second try.
    fn installers(&self) -> Vec<String> {
        match self {
            Self::Component(name) => vec![format!("rustup component add {name}")],
            Self::Debian(name) => {
                let install =
                    format!("DEBIAN_FRONTEND=noninteractive apt-get install --yes {name}");
                vec![install.clone(), "apt-get update".to_owned(), install]
            }
        }
    }
}

/// Whether all of a check was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    All,
    Skipped,
}

/// Sees to it that `need` is met, if necessary by installing it. If it cannot be met, the check is
/// named as skipped, and `CI=true` makes that a failure.
pub(crate) fn met(need: &Need, rerun: &str) -> Result<Done, Failure> {
    let installers = need.package.installers();
    if obtain(need.probe, &installers) {
        return Ok(Done::All);
    }
    let name = need.package.name();
    let by = installers.last().map(String::as_str).unwrap_or_default();
    let reason = format!("`{}` does not run, and this did not help: {by}", need.probe);
    skip(name, &reason, rerun)
}

/// Names `what` as skipped, and why; `CI=true` makes that a failure.
pub(crate) fn skip(what: &str, reason: &str, rerun: &str) -> Result<Done, Failure> {
    let on_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    skip_if(!on_ci, what, reason, rerun)
}

fn skip_if(allowed: bool, what: &str, reason: &str, rerun: &str) -> Result<Done, Failure> {
    eprintln!("skipped: {what}: {reason}");
    if allowed {
        return Ok(Done::Skipped);
    }
    let what = format!("{what} was skipped, which CI=true forbids: {reason}");
    Err(Failure { what, rerun: rerun.to_owned() })
}

fn obtain(probe: &str, installers: &[String]) -> bool {
    let present = || sh::succeeds(probe);
    present() || installers.iter().any(|line| sh::run_aside(line).is_ok() && present())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_a_failure_on_ci_and_only_there() {
        let skip = |allowed| skip_if(allowed, "strace", "is missing", "cargo xtask figures linux");
        assert_eq!(skip(true).unwrap(), Done::Skipped);
        let failure = skip(false);
        let text = failure.unwrap_err().to_string();
        assert!(text.contains("strace was skipped, which CI=true forbids"), "{text}");
        assert!(text.ends_with("Run again: cargo xtask figures linux"), "{text}");
    }

    #[test]
    fn what_is_there_is_not_installed_again() {
        let folder = Folder::new("present");
        assert!(obtain("true", &[folder.make()]));
        assert!(!folder.exists());
    }

    #[test]
    fn installers_are_tried_until_one_helps() {
        let folder = Folder::new("absent");
        let probe = format!("test -d {}", folder.0.display());
        assert!(!obtain(&probe, &["true".to_owned(), "no-such-program".to_owned()]));
        assert!(obtain(&probe, &["false".to_owned(), folder.make(), folder.make()]));
    }

    /// A folder that stands for what is to be installed; gone with the test.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id())))
        }
        fn make(&self) -> String {
            format!("mkdir {}", self.0.display())
        }
        fn exists(&self) -> bool {
            self.0.exists()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir(&self.0);
        }
    }
}
