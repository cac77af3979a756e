//! The page, out of what was measured.

use std::fmt::Write;

use crate::groups::{commits, cut, kill, open, read, rot, unsynced};
use crate::peers::Kind;
use crate::results::{Case, Results, Spread};

/// The page in Markdown.
pub fn write(results: &Results) -> String {
    let rounds = |case, metric| results.count(case, Kind::Tslog, metric).to_string();
    let head = include_str!("head.md").trim_end();
    let head = head.replace("{commits}", &rounds((commits::NAME, "16/16"), "us"));
    let head = head.replace("{unsynced}", &rounds((unsynced::NAME, "16"), "rate"));
    let mut page = head.replace("{read}", &rounds((read::NAME, "16/1024"), "batches"));
    page.push_str(
        "\n\n![Bars: durable commits, bytes written, storing, reading](linux-peers.svg)\n",
    );
    page.push_str(&peers());
    page.push_str(&durable(results));
    page.push_str(&device(results));
    page.push_str(&unsynced(results));
    page.push_str(&reading(results));
    page.push_str(&opening(results));
    page.push_str(&one_bit(results));
    page.push_str(&many_bits(results));
    page.push_str(&kills(results));
    page.push_str(&cuts(results));
    page.push_str("\n\n");
    page.push_str(&include_str!("foot.md").replace("{failures}", &failures(results)));
    page
}

/// A table under a heading.
fn section(heading: &str, text: &str, columns: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut out = format!("\n## {heading}\n\n");
    if !text.is_empty() {
        let _ = write!(out, "{}\n\n", text.trim());
    }
    out + &table(columns, rows)
}

fn table(columns: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

fn name(kind: Kind) -> String {
    match kind {
        Kind::Tslog => "**tslog**".to_owned(),
        kind if kind.is_baseline() => format!("*{}*", kind.name()),
        kind => kind.name().to_owned(),
    }
}

/// One row a peer, of those that have a cell.
fn rows(kinds: impl Fn(Kind) -> bool, cells: impl Fn(Kind) -> Vec<String>) -> Vec<Vec<String>> {
    let kinds = Kind::ALL.iter().copied().filter(|&kind| kinds(kind));
    kinds.map(|kind| [vec![name(kind)], cells(kind)].concat()).collect()
}

fn peers() -> String {
    let row = |kind: Kind| {
        let version = kind.package().map_or(String::new(), version);
        vec![version, kind.settings().to_owned()]
    };
    let rows = rows(|_| true, row);
    section(
        "Who is measured, and how",
        "",
        &["", "version", "settings, and what a commit is"],
        rows,
    )
}

/// The version of a package, out of the manifest of this program.
fn version(package: &str) -> String {
    let manifest = include_str!("../Cargo.toml");
    let line = manifest.lines().find(|line| line.split(' ').next() == Some(package));
    let version = line.and_then(|line| line.split_once("\"=")?.1.split_once('"'));
    version.map_or("this one".to_owned(), |(version, _)| version.to_owned())
}

/// A number with about three digits that count.
fn short(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn spread(spread: Option<Spread>, unit: f64) -> String {
    spread.map_or("-".to_owned(), |spread| {
        let [least, median, most] =
            [spread.least, spread.median, spread.most].map(|value| short(value / unit));
        format!("{median} ({least} to {most})")
    })
}

fn median(results: &Results, case: Case<'_>, kind: Kind, metric: &str, unit: f64) -> String {
    results.median(case, kind, metric).map_or("-".to_owned(), |value| short(value / unit))
}

/// A cell for each case of durable commits.
fn each_commit(cell: impl Fn(Case<'_>) -> String) -> Vec<String> {
    let cases = commits::CASES.iter();
    cases.map(|&(size, commit)| cell((commits::NAME, &commits::name(size, commit)))).collect()
}

const COMMITS: [&str; 7] = ["", "16/1", "16/16", "16/1024", "128/1", "128/16", "128/1024"];

fn durable(results: &Results) -> String {
    let kinds = |kind: Kind| kind.is_durable();
    let cells = |kind| each_commit(|case| spread(results.spread(case, kind, "us"), 1.0));
    section("Durable commits: time", include_str!("durable.md"), &COMMITS, rows(kinds, cells))
}

fn device(results: &Results) -> String {
    let kinds = |kind: Kind| kind.is_durable();
    let pair = |kind, case: Case<'_>| {
        let flushes = results.median(case, kind, "flushes");
        let kib = results.median(case, kind, "kib");
        flushes.zip(kib).map_or("-".to_owned(), |(flushes, kib)| format!("{flushes:.2} / {kib:.1}"))
    };
    let cells = |kind| {
        let mut cells = each_commit(|case| pair(kind, case));
        cells.push(median(results, (commits::NAME, "16/16"), kind, "cpu", 1.0));
        cells
    };
    let columns = [&COMMITS[..], &["CPU of 16/16, us"]].concat();
    let heading = "Durable commits: flushes and KiB, as the device counts them";
    section(heading, include_str!("device.md"), &columns, rows(kinds, cells))
}

fn unsynced(results: &Results) -> String {
    let cells = |kind: Kind| {
        let cases = unsynced::CASES.iter();
        let mut cells: Vec<String> = cases
            .map(|(size, _)| {
                let size = size.to_string();
                spread(results.spread((unsynced::NAME, &size), kind, "rate"), 1e6)
            })
            .collect();
        cells.push(median(results, (unsynced::NAME, "16"), kind, "memory", 1e6));
        cells.push(kind.unsynced_commit().to_string());
        cells
    };
    let columns = ["", "16 bytes, M records/s", "128 bytes", "memory of 16 bytes, MB", "commit"];
    section("Storing without a sync", include_str!("unsynced.md"), &columns, rows(|_| true, cells))
}

fn reading(results: &Results) -> String {
    let kinds = |kind: Kind| kind.is_kept();
    let cells = |kind: Kind| {
        let cases = read::CASES.map(|(size, commit, _)| format!("{size}/{commit}"));
        let rate =
            |case: &String, metric| spread(results.spread((read::NAME, case), kind, metric), 1e6);
        let next = if kind.reads_both_ways() { "next" } else { "batches" };
        let [small, large, wide] = &cases;
        let cell = |case, metric, unit| median(results, (read::NAME, case), kind, metric, unit);
        vec![
            (if kind.verifies() { "yes" } else { "no" }).to_owned(),
            rate(small, "batches"),
            rate(large, "batches"),
            rate(wide, "batches"),
            rate(large, next),
            cell(large, "memory", 1e6),
            format!("{} / {}", cell(small, "disk", 1.0), cell(large, "disk", 1.0)),
        ]
    };
    let columns = [
        "",
        "verified",
        "16/16, M records/s",
        "16/1024",
        "128/1024",
        "one at a time, 16/1024",
        "memory, MB",
        "disk, bytes a record of 16",
    ];
    section("Reading all", include_str!("read.md"), &columns, rows(kinds, cells))
}

fn opening(results: &Results) -> String {
    let kinds = |kind: Kind| kind.is_kept() && !kind.is_baseline();
    let cells = |kind| {
        let (million, more) = ((read::NAME, "16/1024"), (open::NAME, open::CASE));
        vec![
            median(results, million, kind, "open", 1e-3),
            median(results, more, kind, "open", 1e-3),
            median(results, more, kind, "open-memory", 1e6),
        ]
    };
    let columns = ["", "2^20 records, ms", "10 million, ms", "10 million, memory, MB"];
    section("Opening", include_str!("open.md"), &columns, rows(kinds, cells))
}

fn one_bit(results: &Results) -> String {
    let case = (rot::NAME, rot::ONE);
    let cells = |kind| {
        let text = |metric| results.text(case, kind, metric).unwrap_or("-").to_owned();
        let outcome = match text("outcome").as_str() {
            "right" => "all is right".to_owned(),
            "told" => "one commit is lost, and told".to_owned(),
            "told-more" => "refused, or more lost, and told".to_owned(),
            "lost" => "**records are lost, and nothing told**".to_owned(),
            "wrong" => "**a wrong record is handed out**".to_owned(),
            other => other.to_owned(),
        };
        let words = text("words").replace('|', "/");
        let words = words.char_indices().nth(110).map_or(words.as_str(), |(at, _)| &words[..at]);
        vec![text("right"), text("wrong"), outcome, words.to_owned()]
    };
    let columns = ["", "right records", "wrong records", "outcome", "what it says"];
    let rows = rows(|kind| !kind.is_baseline(), cells);
    section("One bit flipped in record 800 of 1600", include_str!("one_bit.md"), &columns, rows)
}

fn many_bits(results: &Results) -> String {
    let case = (rot::NAME, rot::SPREAD);
    let cells = |kind| {
        let count = |outcome: &&str| results.count(case, kind, outcome);
        let all: usize = rot::OUTCOMES.iter().map(count).sum();
        let missing = rot::OUTCOMES.iter().filter(|outcome| **outcome != "panicked");
        let most = missing.filter_map(|outcome| Some(results.spread(case, kind, outcome)?.most));
        let most = most.fold(0.0, f64::max);
        let mut cells =
            vec![results.text(case, kind, "bytes").unwrap_or("-").to_owned(), all.to_string()];
        cells.extend(rot::OUTCOMES.iter().map(|outcome| count(outcome).to_string()));
        cells.push(format!("{most:.0}"));
        cells
    };
    let columns = [
        "",
        "bytes",
        "flips",
        "right",
        "told, a commit lost",
        "refused or more lost, told",
        "lost, nothing told",
        "a wrong record handed out",
        "panic or hang",
        "most not delivered",
    ];
    let rows = rows(|kind| !kind.is_baseline(), cells);
    section("Side by side: single bits flipped", include_str!("rot.md"), &columns, rows)
}

fn kills(results: &Results) -> String {
    let text = include_str!("kill.md");
    held(results, "Side by side: killed while storing", text, (kill::NAME, kill::CASE), "kills")
}

fn cuts(results: &Results) -> String {
    let heading = "Side by side: the power goes while storing, on ext4";
    held(results, heading, include_str!("cut.md"), (cut::NAME, kill::CASE), "cuts")
}

/// What was left, held against what was acknowledged, each time that it was `tried`.
fn held(results: &Results, heading: &str, text: &str, case: Case<'_>, tried: &str) -> String {
    let cells = |kind| {
        kill::COUNTS.iter().map(|metric| results.count(case, kind, metric).to_string()).collect()
    };
    let columns = [
        "",
        tried,
        "acknowledged records lost",
        "wrong records",
        "did not open",
        "opened after a repair by hand",
        "did not go on",
    ];
    section(heading, text, &columns, rows(|kind| !kind.is_baseline(), cells))
}

/// Stands in the page about testing above the summary, and below.
const MARKS: [&str; 2] = ["<!-- linux-bench page -->\n", "<!-- end -->"];

/// The page about testing, with the summary of what broke whom.
pub fn with_summary(testing: &str, results: &Results) -> Result<String, String> {
    let [begin, end] = MARKS;
    let parts = testing.split_once(begin).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(end)?;
        Some((head, tail))
    });
    let (head, tail) = parts.ok_or("docs/testing.md has lost the marks around its table")?;
    Ok(format!("{head}{begin}{}\n{end}{tail}", summary(results)))
}

fn summary(results: &Results) -> String {
    let cells = |kind| {
        let rot = |metric| results.count((rot::NAME, rot::SPREAD), kind, metric);
        let flips: usize = rot::OUTCOMES.iter().map(|outcome| rot(outcome)).sum();
        let mut cells = vec![
            format!("{} / {} / {}", rot("wrong"), rot("lost"), rot("panicked")),
            flips.to_string(),
        ];
        for group in [kill::NAME, cut::NAME] {
            let count = |metric| results.count((group, kill::CASE), kind, metric);
            let [tried, lost, wrong, unopened, _, stopped] = kill::COUNTS.map(count);
            cells.push(format!("{} / {unopened} / {stopped}", lost + wrong));
            cells.push(tried.to_string());
        }
        cells
    };
    let columns = [
        "",
        "flipped bits: wrong / lost silently / panicked",
        "of",
        "killed: lost / not opened / not gone on",
        "of",
        "power cuts: lost / not opened / not gone on",
        "of",
    ];
    let rows = rows(|kind| !kind.is_baseline(), cells);
    table(&columns, rows)
}

/// What could not be measured, and why.
fn failures(results: &Results) -> String {
    let mut text = String::new();
    for (case, peer, failure) in results.failures() {
        let _ = writeln!(text, "- {peer}, {case}: {failure}");
    }
    if text.is_empty() { "- none".to_owned() } else { text.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_the_version_of_the_manifest() {
        let peers = Kind::ALL.iter().filter(|kind| !kind.is_baseline() && **kind != Kind::Tslog);
        for kind in peers {
            let version = version(kind.package().unwrap());
            assert!(version.split('.').count() == 3, "{}: {version}", kind.name());
        }
    }

    #[test]
    fn the_summary_goes_between_its_marks_and_a_page_without_them_is_refused() {
        let results = Results::load(std::path::Path::new("there is none"));
        let page = "above\n<!-- linux-bench page -->\nold\n<!-- end -->\nbelow";
        let written = with_summary(page, &results).unwrap();
        assert!(written.starts_with("above\n<!-- linux-bench page -->\n|  |"), "{written}");
        assert!(written.ends_with("|\n\n<!-- end -->\nbelow"), "{written}");
        assert!(written.contains("**tslog**") && !written.contains("old"), "{written}");
        assert_eq!(with_summary(&written, &results).unwrap(), written);
        assert!(with_summary("above", &results).is_err());
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([1234.5, 12.345, 1.2345].map(short), ["1234", "12.3", "1.23"]);
    }
}
