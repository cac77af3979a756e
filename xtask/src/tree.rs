//! The files of the repository, as text.

use std::path::Path;

use crate::sh::Failure;

/// One file: its path from the root, with slashes, and its text.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// True if the name ends with one of these.
    pub(crate) fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// The text before the tests at the foot of a Rust file, a module marked `cfg(test)`.
    pub(crate) fn before_tests(&self) -> &str {
        let is_attribute = |line: &&str| line.starts_with(['#', ' ', ')']);
        let mut marks = self.text.match_indices("#[cfg(test)]\n");
        let end = marks.find(|(at, mark)| {
            let behind = self.text.get(at + mark.len()..).unwrap_or_default();
            behind.lines().find(|line| !is_attribute(line)).is_some_and(|l| l.starts_with("mod "))
        });
        end.and_then(|(at, _)| self.text.get(..at)).unwrap_or(&self.text)
    }
}

/// Something against the rules, at a line from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn new(file: &File, line: usize, what: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, what: what.into() }
    }
}

/// Prints the findings; any one is a failure.
pub(crate) fn report(findings: &[Finding], rerun: &str) -> Result<(), Failure> {
    for Finding { path, line, what } in findings {
        println!("{path}:{line}: {what}");
    }
    if findings.is_empty() {
        return Ok(());
    }
    let what = format!("places against the rules of the house: {}", findings.len());
    Err(Failure { what, rerun: rerun.to_owned() })
}

/// All Rust, TOML, Markdown and Python files below `root` that are the project's own. Bytes that
/// are not UTF-8 become replacement characters, which the rule about ASCII finds.
pub(crate) fn files(root: &Path) -> std::io::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.extend((!is_foreign(&path)).then_some(path));
            } else if is_ours(&path) {
                let name = path.strip_prefix(root).unwrap_or(&path);
                let name = name.to_string_lossy().replace('\\', "/");
                let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
                files.push(File { path: name, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_ours(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("rs" | "toml" | "md" | "py"))
}

/// True for folders that tools make: hidden ones, build outputs, Python environments.
fn is_foreign(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let marks = ["CACHEDIR.TAG", "pyvenv.cfg", ".package-lock.json"];
    hidden || path.ends_with("target") || marks.iter().any(|mark| path.join(mark).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_repository_are_found_and_those_of_tools_are_not() {
        let files = files(&crate::sh::root()).unwrap();
        let has = |path: &str| files.iter().any(|file| file.path == path);
        assert!(has("xtask/src/tree.rs") && has("Cargo.toml") && has("CONTRIBUTING.md"));
        let stray = files.iter().find(|file| file.path.contains("target/"));
        assert!(stray.is_none(), "{stray:?}");
    }

    #[test]
    fn tests_at_the_foot_are_cut_off_and_a_test_only_item_is_not() {
        let code = "a\n#[cfg(test)]\nuse b;\nc\n";
        for attribute in ["", "#[expect(\n    x,\n)]\n"] {
            let text = format!("{code}#[cfg(test)]\n{attribute}mod tests {{\n}}\n");
            assert_eq!(File::new("a.rs", &text).before_tests(), code);
        }
        assert_eq!(File::new("a.rs", code).before_tests(), code);
    }

    #[test]
    fn a_finding_is_a_failure() {
        let finding = Finding::new(&File::new("a.rs", ""), 3, "too long");
        assert!(report(&[], "again").is_ok());
        assert!(report(&[finding], "again").unwrap_err().what.ends_with(": 1"));
    }
}
