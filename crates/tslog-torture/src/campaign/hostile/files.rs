//! Files that are none, files of others, and who may have them.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use rustix::mount::MountFlags;
use tslog::{Error, Options};

use super::{looking, make_log, open, open_in_little_memory};
use crate::Result;
use crate::look::look;
use crate::machine::disk::Mounted;
use crate::machine::program::{self, Spoken, wait_until};
use crate::machine::{at, own_path};
use crate::work::{FAILED, Manner, Work};

const SEED: u64 = 7;

pub(super) fn belong_to_their_owner(place: &Path) -> Result<()> {
    for mask in ["0000", "0022", "0077", "0777"] {
        let log = place.join(mask).join("log");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {mask}; exec \"$@\""), "sh"]).arg(own_path());
        program::run(command.args(Work::alone(SEED).words(&log, Path::new("-"))))?;
        let mode = |path: &Path| -> Result<u32> {
            Ok(std::fs::metadata(path).map_err(at(path))?.permissions().mode() & 0o7777)
        };
        for folder in [log.parent().unwrap_or(&log), &log] {
            if mode(folder)? != 0o700 {
                return Err(format!("{} has mode {:o}", folder.display(), mode(folder)?));
            }
        }
        for file in std::fs::read_dir(&log).map_err(at(&log))?.flatten() {
            if mode(&file.path())? != 0o600 {
                return Err(format!("{} is {:o}", file.path().display(), mode(&file.path())?));
            }
        }
    }
    Ok(())
}

pub(super) fn a_link_is_no_folder(place: &Path) -> Result<()> {
    let (log, link) = (place.join("log"), place.join("link"));
    let work = make_log(&log, SEED)?;
    std::os::unix::fs::symlink(&log, &link).map_err(at(&link))?;
    let before = look(&log, SEED)?;
    let (code, complaints) = open(&looking(&work), &link, &[])?;
    if code != FAILED || !complaints.contains("symbolic link") {
        return Err(format!("it ended with {code}: {complaints}"));
    }
    if look(&log, SEED)? == before { Ok(()) } else { Err("the log has changed".to_owned()) }
}

pub(super) fn what_is_no_file_is_refused(place: &Path) -> Result<()> {
    const KINDS: [&str; 6] = ["link", "dangling", "fifo", "folder", "socket", "hard link"];
    for name in ["header-0", "header-1", "bucket-0000000002", "reader-0", "lock"] {
        for kind in KINDS {
            let log = place.join("log");
            let work = make_log(&log, SEED)?;
            let (file, precious) = (log.join(name), place.join("precious"));
            std::fs::copy(&file, &precious).map_err(at(&precious))?;
            std::fs::remove_file(&file).map_err(at(&file))?;
            let text = std::fs::read(&precious).map_err(at(&precious))?;
            let _socket = put(kind, &file, &precious)?;
            let (code, complaints) = open(&looking(&work), &log, &[])?;
            if code != FAILED {
                return Err(format!("{kind} as {name} is taken for a file: {complaints}"));
            }
            if std::fs::read(&precious).map_err(at(&precious))? != text {
                return Err(format!("{kind} as {name}: the file elsewhere has changed"));
            }
            std::fs::remove_dir_all(&log).map_err(at(&log))?;
        }
    }
    Ok(())
}

/// Puts something that is no file of its own at `file`.
fn put(kind: &str, file: &Path, precious: &Path) -> Result<Option<UnixListener>> {
    match kind {
        "link" => std::os::unix::fs::symlink(precious, file),
        "dangling" => std::os::unix::fs::symlink("nowhere", file),
        "folder" => std::fs::create_dir(file),
        "hard link" => std::fs::hard_link(precious, file),
        "socket" => return UnixListener::bind(file).map(Some).map_err(at(file)),
        _ => return program::run(Command::new("mkfifo").arg(file)).map(|_| None),
    }
    .map(|()| None)
    .map_err(at(file))
}

pub(super) fn foreign_files_are_left_alone(place: &Path) -> Result<()> {
    let log = place.join("log");
    let work = make_log(&log, SEED)?;
    let names = ["bucket-7", "bucket-0000000000.bak", "bucket-00000000001", "reader-4", "header-2"];
    let names = names.into_iter().chain(["LOCK", "..bucket-0000000001", "notes.txt", "-rf"]);
    for name in names.clone() {
        std::fs::write(log.join(name), name).map_err(at(&log))?;
    }
    for recreate in [false, true] {
        let next = Work { life: 2, recreate, ..work.clone() };
        let (code, complaints) = open(&next, &log, &[])?;
        if code != 0 {
            return Err(format!("beside foreign files it ended with {code}: {complaints}"));
        }
    }
    for name in names {
        if std::fs::read(log.join(name)).map_err(at(&log))? != name.as_bytes() {
            return Err(format!("{name} has changed"));
        }
    }
    Ok(())
}

pub(super) fn a_second_writer_is_told_who_has_the_lock(place: &Path) -> Result<()> {
    let log = place.join("log");
    let work = Work { manner: Manner::Threads, records: u32::MAX, ..Work::alone(SEED) };
    let mut first = Spoken::start(&mut work.command(&log), place, "first")?;
    wait_until("the log opens", || first.has_spoken())?;
    let pid = first.program.id();
    let (code, complaints) = open(&looking(&work), &log, &[])?;
    if code != FAILED || !complaints.contains(&format!("locked by process {pid}\n")) {
        return Err(format!("beside process {pid} it ended with {code}: {complaints}"));
    }
    first.program.kill()?;
    let (code, complaints) = open(&looking(&work), &log, &[])?;
    if code == 0 { Ok(()) } else { Err(format!("the lock of the dead holds: {complaints}")) }
}

/// Who looks and who reads may; who writes is refused in words.
pub(super) fn a_read_only_medium_is_read(place: &Path) -> Result<()> {
    let medium = place.join("medium");
    std::fs::create_dir(&medium).map_err(at(&medium))?;
    let mounted = Mounted::mount(Path::new("tmpfs"), "tmpfs", &medium)?;
    let log = medium.join("log");
    let work = Work { reading: 0, ..make_log(&log, SEED)? };
    let (before, flags) = (look(&log, SEED)?, MountFlags::RDONLY);
    rustix::mount::mount_remount(&medium, flags, c"").map_err(at(&medium))?;
    if look(&log, SEED)? != before {
        return Err("it reads otherwise".to_owned());
    }
    match looking(&work).options().open_raw(&log) {
        Err(Error::Storage(error)) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {}
        opened => return Err(format!("a writer gets {:?}", opened.map(|log| log.stats()))),
    }
    let told = |error: Error<std::io::Error>| format!("a reader gets: {error}");
    let mut reader = Options::open_reader(&log, 0).map_err(told)?;
    let begun = reader.cursor();
    reader.seek(before.first).map_err(told)?;
    while reader.next_record().map_err(told)?.is_some() {}
    let committed = reader.commit().is_ok() && reader.cursor() != begun;
    if reader.cursor() != before.last || committed {
        return Err(format!("a reader is at {}, committed: {committed}", reader.cursor()));
    }
    drop(reader);
    mounted.unmount()?;
    // What every other case does with mutated images must be possible with a sound one.
    let sound = place.join("log");
    let work = make_log(&sound, SEED)?;
    let (code, complaints) = open_in_little_memory(&looking(&work), &sound)?;
    if code == 0 { Ok(()) } else { Err(format!("32 MiB do not do: {complaints}")) }
}
