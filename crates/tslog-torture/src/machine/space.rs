//! A space of its own for a campaign: mounts and processes nobody else sees, and memory for disks.
//!
//! The program runs itself again in there. When that second one ends, however it ends, the kernel
//! ends every process in the space and undoes every mount. Loop devices belong to the whole
//! machine: both the first and the second program see to those. The second one watches its standard
//! input, which the first one holds, so that it ends with it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use rustix::mount::MountFlags;

use super::{at, own_path, program};
use crate::Result;

/// Names the folder of the space, for the second program.
const VARIABLE: &str = "TSLOG_TORTURE_SPACE";

/// True in the second program.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The folder of the space: memory, and gone afterwards.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os(VARIABLE).map(PathBuf::from).unwrap_or_default()
}

/// A name for a disk's file that tells which campaign it belongs to.
pub(crate) fn disk_name(job: usize) -> String {
    let token = folder().file_name().map(|name| name.to_string_lossy().into_owned());
    format!("{}-{job}.disk", token.unwrap_or_default())
}

/// Runs this program with `words` in a space of its own, and ends as it does.
pub(crate) fn enter(words: &[String]) -> ExitCode {
    let folder = std::env::temp_dir().join(format!("tslog-torture-{}", std::process::id()));
    match run_inside(words, &folder) {
        Ok(code) => code,
        Err(why) => {
            println!("skipped: {why}");
            ExitCode::SUCCESS
        }
    }
}

fn run_inside(words: &[String], folder: &Path) -> Result<ExitCode> {
    let mut space = vec!["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
    space.push("--mount-proc");
    if !rustix::process::geteuid().is_root() {
        space.extend(["--user", "--map-root-user"]);
    }
    let probed = program::run(Command::new("unshare").args(&space).arg("true"));
    probed.map_err(|why| format!("no space of its own for a campaign: {why}"))?;
    std::fs::create_dir(folder).map_err(at(folder))?;
    let mut again = Command::new("unshare");
    again.args(&space).arg(own_path()).args(words).env(VARIABLE, folder).stdin(Stdio::piped());
    let ended = again.spawn().and_then(|mut child| {
        // Taken out, so that waiting does not close it.
        let held = child.stdin.take();
        let ended = child.wait();
        drop(held);
        ended
    });
    detach_disks(folder);
    std::fs::remove_dir(folder).map_err(at(folder))?;
    let code = ended.map_err(|error| format!("unshare: {error}"))?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Mounts the memory of the space, and ends the program when the first one has.
pub(crate) fn prepare() -> Result<()> {
    let folder = folder();
    let size = Some(c"size=75%,mode=0700");
    rustix::mount::mount("tmpfs", &folder, "tmpfs", MountFlags::NOATIME, size)
        .map_err(at(&folder))?;
    std::thread::spawn(move || {
        let mut nothing = [0];
        while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
        detach_disks(&folder);
        std::process::exit(130);
    });
    Ok(())
}

/// Detaches what is attached to a disk's file of the space; a device in use goes when it is free.
fn detach_disks(folder: &Path) {
    let token = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let (Some(token), Ok(devices)) = (token, std::fs::read_dir("/sys/block")) else { return };
    for device in devices.flatten() {
        let file = std::fs::read_to_string(device.path().join("loop/backing_file"));
        if file.is_ok_and(|file| file.contains(&format!("{token}-"))) {
            let device = Path::new("/dev").join(device.file_name());
            let _ = program::run(Command::new("losetup").arg("--detach").arg(device));
        }
    }
}
