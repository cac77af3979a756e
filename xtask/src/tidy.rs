//! The rules of the house that need no more than the text of a file.

use crate::tree::{File, Finding};

/// The most columns of a line of Rust; rustfmt keeps code to it, but no comments and strings.
const COLUMNS_MAX: usize = 100;

/// The most lines of a source file before its tests.
const LINES_MAX: usize = 400;

/// Everything in `files` that is against these rules.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let rules = [ascii, columns, length, simulator_stays_home];
    files.iter().flat_map(|file| rules.iter().flat_map(move |rule| rule(file))).collect()
}

/// Files are ASCII, so that they look the same in every editor and on every terminal.
fn ascii(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().zip(1..).filter(|(line, _)| !line.is_ascii());
    lines.map(|(_, number)| Finding::new(file, number, "not ASCII")).collect()
}

fn columns(file: &File) -> Vec<Finding> {
    if !file.ends_with(&[".rs"]) {
        return Vec::new();
    }
    let width = |line: &str| line.chars().count();
    let long = file.text.lines().zip(1..).filter(|(line, _)| width(line) > COLUMNS_MAX);
    long.map(|(line, number)| {
        let what = format!("{} columns, at most {COLUMNS_MAX}", width(line));
        Finding::new(file, number, what)
    })
    .collect()
}

fn length(file: &File) -> Vec<Finding> {
    let is_source = file.path.starts_with("crates/") && file.path.contains("/src/");
    let lines = file.before_tests().lines().count();
    if !is_source || !file.ends_with(&[".rs"]) || lines <= LINES_MAX {
        return Vec::new();
    }
    vec![Finding::new(file, lines, format!("{lines} lines before the tests, at most {LINES_MAX}"))]
}

/// What is shipped never depends on the simulator, except to be tested.
fn simulator_stays_home(file: &File) -> Vec<Finding> {
    let is_manifest = file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml");
    if !is_manifest || file.text.lines().any(|line| line == "publish = false") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut section = "";
    for (line, number) in file.text.lines().zip(1..) {
        let code = line.split('#').next().unwrap_or_default().trim();
        if code.starts_with('[') {
            section = code.trim_matches(['[', ']']);
        }
        if code.contains("tslog-sim") && !section.contains("dev-dependencies") {
            findings.push(Finding::new(file, number, "tslog-sim is for dev-dependencies only"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&File) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&File::new(path, text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_character_that_is_not_ascii_is_found() {
        assert_eq!(lines(ascii, "README.md", "a\nb \u{2192} c\n"), [2]);
        assert_eq!(lines(ascii, "README.md", "a\nb -> c\n"), []);
    }

    #[test]
    fn a_line_of_101_columns_is_found_in_rust_alone() {
        let text = format!("{}\n{}\n", "x".repeat(100), "x".repeat(101));
        assert_eq!(lines(columns, "xtask/src/a.rs", &text), [2]);
        assert_eq!(lines(columns, "README.md", &text), []);
    }

    #[test]
    fn a_source_file_of_401_lines_before_its_tests_is_found() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(1000));
        let text = |count| "x\n".repeat(count) + &tests;
        assert_eq!(lines(length, "crates/tslog/src/log/mod.rs", &text(400)), []);
        assert_eq!(lines(length, "crates/tslog/src/log/mod.rs", &text(401)), [401]);
        assert_eq!(lines(length, "crates/tslog/tests/a.rs", &text(401)), []);
    }

    #[test]
    fn the_simulator_outside_the_dev_dependencies_is_found() {
        let manifest = |section| format!("[{section}]\ntslog-sim = {{ workspace = true }}\n");
        let rule = simulator_stays_home;
        let path = "crates/tslog-cli/Cargo.toml";
        assert_eq!(lines(rule, path, &manifest("dependencies")), [2]);
        assert_eq!(lines(rule, path, &manifest("target.'cfg(unix)'.dependencies")), [2]);
        assert_eq!(lines(rule, path, "[dependencies.tslog-sim]\nworkspace = true\n"), [1]);
        assert_eq!(lines(rule, path, &manifest("dev-dependencies")), []);
        let unpublished = format!("publish = false\n{}", manifest("dependencies"));
        assert_eq!(lines(rule, "crates/tslog-torture/Cargo.toml", &unpublished), []);
        assert_eq!(lines(rule, "xtask/Cargo.toml", &manifest("dependencies")), []);
        assert_eq!(lines(rule, "crates/tslog/src/lib.rs", &manifest("dependencies")), []);
    }

    #[test]
    fn all_rules_are_asked() {
        let long = File::new("crates/tslog/src/a.rs", &("\u{e9}".repeat(101) + &"\n".repeat(401)));
        let sim = File::new("crates/tslog/Cargo.toml", "[dependencies]\ntslog-sim = \"1\"\n");
        assert_eq!(check(&[long, sim]).len(), 4);
    }
}
