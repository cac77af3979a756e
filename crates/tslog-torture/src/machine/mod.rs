//! What a campaign takes from the machine, and gives back: a space of its own, disks, programs.

pub(crate) mod disk;
pub(crate) mod fuse;
pub(crate) mod program;
pub(crate) mod space;

use std::path::{Path, PathBuf};

use crate::args::Args;

/// This program.
pub(crate) fn own_path() -> PathBuf {
    PathBuf::from("/proc/self/exe").read_link().unwrap_or_default()
}

/// An error of the machine in words.
pub(crate) fn at<E: core::fmt::Display>(path: &Path) -> impl Fn(E) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// Copies what a case left to where it outlives the campaign, and says where.
pub(crate) fn keep(args: &Args, case: u64, what: &Path) -> String {
    let name = format!("{}-{}-{case}", args.name, args.seed);
    let kept = std::env::temp_dir().join("tslog-torture-kept").join(name);
    let copied = kept.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        let _ = std::fs::remove_dir_all(&kept);
        let _ = std::fs::remove_file(&kept);
        copy(what, &kept)
    });
    match copied {
        Ok(()) => format!("kept in {}", kept.display()),
        Err(error) => format!("{} could not be kept: {error}", what.display()),
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(|_| ());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
