//! What was measured, kept in a file so that groups can be measured one at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::peers::Kind;

/// The group that was measured, and the case in it, such as `16/1024` for records of 16 bytes in
/// commits of 1024.
pub type Case<'a> = (&'a str, &'a str);

type Key = (String, String, String, String);

#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    /// Values in the order they were measured, by group, case, peer and metric.
    values: BTreeMap<Key, Vec<String>>,
}

impl Results {
    /// Reads what an earlier run kept, if there was one.
    pub fn load(path: &Path) -> Self {
        let mut results = Self { path: path.to_owned(), values: BTreeMap::new() };
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            if let [group, case, peer, metric, value] = line.split('\t').collect::<Vec<_>>()[..] {
                let key = [group, case, peer, metric].map(str::to_owned);
                results.values.entry(key.into()).or_default().push(value.to_owned());
            }
        }
        results
    }

    /// Forgets a group, to measure it anew.
    pub fn forget(&mut self, group: &str) {
        self.values.retain(|(known, ..), _| known != group);
    }

    pub fn save(&self) -> Result<(), String> {
        let mut text = String::new();
        for ((group, case, peer, metric), values) in &self.values {
            for value in values {
                text.push_str(&[group, case, peer, metric, value].map(String::as_str).join("\t"));
                text.push('\n');
            }
        }
        let saved = fs::write(&self.path, text);
        saved.map_err(|error| format!("{} cannot be written ({error})", self.path.display()))
    }

    pub fn add(&mut self, case: Case<'_>, kind: Kind, metric: &str, value: &dyn ToString) {
        let key = [case.0, case.1, kind.name(), metric].map(str::to_owned);
        let value = value.to_string().replace(['\t', '\n'], " ");
        self.values.entry(key.into()).or_default().push(value);
    }

    fn texts(&self, case: Case<'_>, kind: Kind, metric: &str) -> &[String] {
        let key = [case.0, case.1, kind.name(), metric].map(str::to_owned);
        self.values.get(&key.into()).map_or(&[], Vec::as_slice)
    }

    /// The first value, as it was said.
    pub fn text(&self, case: Case<'_>, kind: Kind, metric: &str) -> Option<&str> {
        self.texts(case, kind, metric).first().map(String::as_str)
    }

    /// How many values there are.
    pub fn count(&self, case: Case<'_>, kind: Kind, metric: &str) -> usize {
        self.texts(case, kind, metric).len()
    }

    /// What could not be measured: the group and the case, the peer, and why.
    pub fn failures(&self) -> Vec<(String, &str, &str)> {
        let mut failures = Vec::new();
        for ((group, case, peer, metric), texts) in &self.values {
            if let Some(text) = texts.first().filter(|_| metric == "failure") {
                failures.push((format!("{group} {case}"), peer.as_str(), text.as_str()));
            }
        }
        failures
    }

    /// The values of all rounds.
    pub fn spread(&self, case: Case<'_>, kind: Kind, metric: &str) -> Option<Spread> {
        let values = self.texts(case, kind, metric).iter();
        Spread::of(values.filter_map(|value| value.parse().ok()).collect())
    }

    pub fn median(&self, case: Case<'_>, kind: Kind, metric: &str) -> Option<f64> {
        self.spread(case, kind, metric).map(|spread| spread.median)
    }
}

/// Several measurements of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Self { least, median: values[values.len() / 2], most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let path = std::env::temp_dir().join(format!("linux-bench-{}.txt", std::process::id()));
        let mut results = Results::load(&path);
        for value in [3.0, 1.0, 2.0] {
            results.add(("g", "16/1"), Kind::Tslog, "wall", &value);
        }
        results.add(("h", "-"), Kind::Redb, "failure", &"tab\tand\nline");
        results.save().unwrap();
        let mut loaded = Results::load(&path);
        fs::remove_file(&path).unwrap();
        let spread = loaded.spread(("g", "16/1"), Kind::Tslog, "wall");
        assert_eq!(spread, Some(Spread { least: 1.0, median: 2.0, most: 3.0 }));
        assert_eq!(loaded.text(("h", "-"), Kind::Redb, "failure"), Some("tab and line"));
        loaded.forget("g");
        assert_eq!(loaded.median(("g", "16/1"), Kind::Tslog, "wall"), None);
    }
}
