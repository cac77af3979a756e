//! The arrows between the modules of the crate `tslog`: who may use whom.
//!
//! Paths are read from the text: `use crate::...` trees, `crate::` and `super::` paths in the code.
//! Comments and the tests at the foot of a file are free to name anything.

use crate::tree::{File, Finding};

/// The folder the rules are about.
const SOURCES: &str = "crates/tslog/src/";

/// Each layer and the layers it may use, lowest first; a layer may always use itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("error", &["words"]),
    ("format", &["words", "error"]),
    ("record", &["words", "error", "format"]),
    ("config", &["words", "error", "format"]),
    ("storage", &["words", "error"]),
    ("layout", &["words", "error", "format", "storage"]),
    ("log", &["words", "error", "format", "config", "storage", "layout"]),
];

/// What lies above all layers: it may use them all, by the names of the root too.
const TOP: &[&str] = &["lib", "shared"];

/// The media, which no layer but the topmost may know: the algorithm sees the trait alone.
const MEDIA: &[&str] = &["blocking", "dir", "flash", "folder", "image", "ram"];

/// The only files that may talk to the file system of the machine.
const FILE_SYSTEM: &[&str] = &[
    "crates/tslog/src/storage/dir/lent.rs",
    "crates/tslog/src/storage/dir/real.rs",
    "crates/tslog/src/storage/dir/read_only.rs",
    "crates/tslog/src/storage/dir/watch.rs",
];

/// Everything in the crate `tslog` that points the wrong way.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let sources = files.iter().filter(|file| file.path.starts_with(SOURCES));
    let sources = sources.filter(|file| file.ends_with(&[".rs"]));
    sources
        .flat_map(|file| {
            let code = without_comments(file.before_tests());
            let found = arrows(&file.path, &code).into_iter().chain(file_system(&file.path, &code));
            found.map(|(line, what)| Finding::new(file, line, what)).collect::<Vec<_>>()
        })
        .collect()
}

fn arrows(path: &str, code: &str) -> Vec<(usize, String)> {
    let module = path.trim_start_matches(SOURCES).trim_end_matches(".rs").trim_end_matches("/mod");
    let own = module.split('/').next().unwrap_or_default();
    if TOP.contains(&own) {
        return Vec::new();
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == own) else {
        return vec![(1, format!("{own} has no row in LAYERS of xtask/src/arrows.rs"))];
    };
    let to_root = "super::".repeat(module.split('/').count());
    let mut found = Vec::new();
    for (line, path) in paths(code, "crate::").into_iter().chain(paths(code, &to_root)) {
        let mut names = path.split("::");
        let (target, inner) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        if target != own && !allowed.contains(&target) {
            found.push((line, format!("{own} must not use {target}")));
        } else if target != own && target == "storage" && MEDIA.contains(&inner) {
            found.push((line, format!("{own} must not know the medium {inner}")));
        }
    }
    found
}

fn file_system(path: &str, code: &str) -> Vec<(usize, String)> {
    if FILE_SYSTEM.contains(&path) {
        return Vec::new();
    }
    let mut uses = paths(code, "std::");
    uses.retain(|(_, path)| path.split("::").next() == Some("fs"));
    uses.extend(paths(code, "rustix::"));
    let what =
        "only lent.rs, read_only.rs, real.rs and watch.rs of storage/dir may use the file system";
    uses.into_iter().map(|(line, _)| (line, what.to_owned())).collect()
}

/// The code with its line comments taken out, lines kept.
fn without_comments(code: &str) -> String {
    let bare = |line: &str| line.find("//").and_then(|at| line.get(..at)).unwrap_or(line).len();
    code.lines().map(|line| line.get(..bare(line)).unwrap_or(line).to_owned() + "\n").collect()
}

/// All paths behind `root` with their line, `use` trees taken apart: `crate::{a::B, c}` gives
/// `a::B` and `c` for the root `crate::`.
fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (at, _) in code.match_indices(root) {
        let (before, behind) = code.split_at(at);
        let is_longer = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if is_longer {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let mut found = Vec::new();
        tree(behind.trim_start_matches(root), "", &mut found);
        all.extend(found.into_iter().map(|path| (line, path)));
    }
    all
}

/// Adds the paths of the tree that `text` begins with, and gives what is left behind it.
fn tree<'t>(text: &'t str, prefix: &str, paths: &mut Vec<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = tree(rest, prefix, paths);
            let Some(end) = rest.find([',', '}']) else { return "" };
            let (_, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default().trim_start();
            if tail.starts_with('}') {
                return rest;
            }
            if let Some(behind) = rest.strip_prefix('}') {
                return behind;
            }
        }
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
    let (name, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
    let path = format!("{prefix}{name}");
    if let Some(rest) = rest.strip_prefix("::") {
        return tree(rest, &format!("{path}::"), paths);
    }
    paths.push(path);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let file = File::new(&format!("{SOURCES}{path}"), text);
        check(&[file]).into_iter().map(|f| format!("{}: {}", f.line, f.what)).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let up = "use crate::words::Seqn;\nuse crate::log::Log;\n";
        assert_eq!(findings("layout/frame.rs", up), ["2: layout must not use log"]);
        assert_eq!(findings("log/mod.rs", up), [""; 0]);
        assert_eq!(findings("words.rs", "fn f(e: crate::error::Error) {}\n").len(), 1);
        assert_eq!(findings("error.rs", "use crate::config::Config;\n").len(), 1);
        assert_eq!(findings("storage/ram.rs", "use crate::layout::Frame;\n").len(), 1);
        assert_eq!(findings("lib.rs", "pub use crate::log::Log;\n"), [""; 0]);
        assert_eq!(findings("shared/mod.rs", "use crate::{Error, log::Log};\n"), [""; 0]);
    }

    #[test]
    fn an_arrow_inside_a_use_tree_or_by_super_is_found() {
        let group = "use crate::{\n    error::{Error, Invalid},\n    shared::Shared as S,\n};\n";
        assert_eq!(findings("log/mod.rs", group), ["1: log must not use shared"]);
        assert_eq!(findings("words.rs", "use super::log;\n").len(), 1);
        assert_eq!(findings("log/store.rs", "use super::state::State;\n"), [""; 0]);
        assert_eq!(findings("layout/frame.rs", "use super::super::log::Log;\n").len(), 1);
        assert_eq!(findings("storage/mod.rs", "use super::log::Log;\n").len(), 1);
    }

    #[test]
    fn a_name_taken_from_the_root_of_the_crate_is_found() {
        assert_eq!(findings("log/mod.rs", "use crate::Error;\n"), ["1: log must not use Error"]);
        assert_eq!(findings("log/mod.rs", "use crate::*;\n"), ["1: log must not use *"]);
    }

    #[test]
    fn a_module_without_a_row_is_found() {
        assert_eq!(findings("cache.rs", "\n").len(), 1);
    }

    #[test]
    fn a_medium_named_in_a_layer_is_found() {
        for medium in ["use crate::storage::ram::Ram;\n", "use crate::storage::{Storage, dir};\n"] {
            assert_eq!(findings("log/mod.rs", medium).len(), 1, "{medium}");
            assert_eq!(findings("layout/plan.rs", medium).len(), 1, "{medium}");
            assert_eq!(findings("storage/folder.rs", medium), [""; 0]);
            assert_eq!(findings("shared/mod.rs", medium), [""; 0]);
        }
        assert_eq!(findings("log/mod.rs", "use crate::storage::{Geometry, Storage};\n"), [""; 0]);
    }

    #[test]
    fn the_file_system_outside_dir_is_found() {
        let uses =
            ["use std::{io, fs::File};\n", "    std::fs::read(p)\n", "rustix::fs::flock();\n"];
        for text in uses {
            assert_eq!(findings("storage/folder.rs", text).len(), 1, "{text}");
            assert_eq!(findings("shared/view.rs", text).len(), 1, "{text}");
            assert_eq!(findings("storage/dir/real.rs", text), [""; 0]);
        }
        assert_eq!(findings("storage/folder.rs", "use std::{io, path::Path};\n"), [""; 0]);
    }

    #[test]
    fn comments_and_tests_may_name_anything() {
        let text = "//! [`crate::log::Log`]\n#[cfg(test)]\nmod tests { use crate::log::Log; }\n";
        assert_eq!(findings("words.rs", text), [""; 0]);
    }

    #[test]
    fn a_tree_gives_each_of_its_paths() {
        let all = |code| paths(code, "crate::").into_iter().map(|(_, path)| path);
        let group = "use crate::{a::{B, c::*}, d as e, f::G,};";
        assert_eq!(all(group).collect::<Vec<_>>(), ["a::B", "a::c::*", "d", "f::G"]);
        assert_eq!(all("x(crate::a::b(), mycrate::c)").collect::<Vec<_>>(), ["a::b"]);
        assert_eq!(all("use crate::{").count() + all("crate::{a, ").count(), 3);
    }
}
