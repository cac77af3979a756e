//! Links in Markdown that point into the repository: the file must be there, and so must the
//! heading. Nothing is asked of the network.

use std::collections::HashMap;
use std::path::Path;

use crate::tree::{File, Finding};

/// Everything in the Markdown files that points nowhere.
pub(crate) fn check(root: &Path, files: &[File]) -> Vec<Finding> {
    let pages: HashMap<&str, &File> = files
        .iter()
        .filter(|file| file.ends_with(&[".md"]))
        .map(|file| (file.path.as_str(), file))
        .collect();
    let exists = |path: &str| root.join(path).exists();
    let mut findings: Vec<Finding> =
        pages.values().flat_map(|page| check_page(page, &pages, exists)).collect();
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

fn check_page(
    page: &File,
    pages: &HashMap<&str, &File>,
    exists: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, target) in targets(&page.text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let Some(path) = resolve(&page.path, file) else {
            let what = format!("{target} is not a path inside the repository");
            findings.push(Finding::new(page, line, what));
            continue;
        };
        let has_anchor = |other: &&File| anchors(&other.text).iter().any(|a| a == anchor);
        if !exists(&path) {
            findings.push(Finding::new(page, line, format!("{target}: there is no {path}")));
        } else if !anchor.is_empty() && !pages.get(path.as_str()).is_some_and(has_anchor) {
            findings.push(Finding::new(page, line, format!("{target}: no such heading in {path}")));
        }
    }
    findings
}

/// The path from the root that `target` means on the page `from`; `None` if it leaves the root.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    if target.starts_with('/') {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// The lines outside of fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((number, line))
    })
}

/// The targets of all links and link definitions, with their lines.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    for (number, line) in prose(text) {
        let inline = line.match_indices("](").filter_map(|(at, _)| {
            let is_code = line.get(..at)?.matches('`').count() % 2 == 1;
            let target = line.get(at + 2..)?.split(')').next()?;
            (!is_code).then_some(target)
        });
        let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: "));
        for target in inline.chain(definition.map(|(_, target)| target)) {
            let target = target.split_whitespace().next().unwrap_or_default();
            all.push((number, target.trim_matches(['<', '>'])));
        }
    }
    all
}

/// The anchors of all headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose(text).filter_map(|(_, line)| {
        line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
    });
    for heading in headings {
        let heading = without_targets(heading.trim()).to_lowercase();
        let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let anchor = heading.chars().filter(is_kept).collect::<String>().replace(' ', "-");
        let count = seen.entry(anchor.clone()).or_default();
        anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

/// A heading with `[text](target)` reduced to its text.
fn without_targets(heading: &str) -> String {
    let mut parts = heading.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found on the page `docs/a.md`, beside a README and a LICENSE.
    fn findings(text: &str) -> Vec<String> {
        let page = File::new("docs/a.md", text);
        let readme = File::new("README.md", "# Title\n## How it works, in `short`\n## Title\n");
        let pages = HashMap::from([("docs/a.md", &page), ("README.md", &readme)]);
        let exists = |path: &str| ["docs/a.md", "README.md", "LICENSE", "docs"].contains(&path);
        check_page(&page, &pages, exists).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_is_found() {
        assert_eq!(findings("[b](b.md)"), ["b.md: there is no docs/b.md"]);
        assert_eq!(findings("![b](../b.png \"title\")"), ["../b.png: there is no b.png"]);
        assert_eq!(findings("[b]: <./b.md>"), ["./b.md: there is no docs/b.md"]);
        assert_eq!(findings("x [a](a.md) y [`b`](b.md)").len(), 1);
    }

    #[test]
    fn a_link_to_a_heading_that_is_not_there_is_found() {
        let what = "../README.md#works: no such heading in README.md";
        assert_eq!(findings("[a](../README.md#works)"), [what]);
        assert_eq!(findings("[a](#here)\n```\n# Here\n```\n").len(), 1);
        assert_eq!(findings("[a](../LICENSE#part)").len(), 1);
    }

    #[test]
    fn a_link_out_of_the_repository_is_found() {
        for target in ["../../b.md", "/etc/passwd", "/"] {
            let what = format!("{target} is not a path inside the repository");
            assert_eq!(findings(&format!("[a]({target})")), [what]);
        }
    }

    #[test]
    fn links_that_hold_are_not_found() {
        let good = "[a](a.md) [b](../README.md#how-it-works-in-short) [c](#own) [d](../LICENSE)\n\
                    [e](../README.md#title-1) [f](https://example.org/x) [g](mailto:a@b) [h](./)\n\
                    # [Own](a.md)\n```\n[x](nowhere.md)\n```\n`[y](nowhere.md)`\n";
        assert_eq!(findings(good), [""; 0]);
    }
}
