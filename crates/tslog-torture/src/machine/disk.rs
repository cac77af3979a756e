//! Disks in memory: files, loop devices over them, and file systems on those.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::{at, program, space};
use crate::Result;

/// A loop device; detached with this value.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) device: PathBuf,
}

impl Loop {
    /// Attaches the first `size` bytes of `file`.
    pub(crate) fn attach(file: &Path, size: u64) -> Result<Self> {
        if !rustix::process::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
            return Err("loop devices are for root alone, and need /dev/loop-control".to_owned());
        }
        let mut command = Command::new("losetup");
        command.args(["--find", "--show", "--sizelimit", &size.to_string()]);
        Ok(Self { device: program::run(command.arg(file))?.into() })
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = program::run(Command::new("losetup").arg("--detach").arg(&self.device));
    }
}

/// A file system that is mounted as long as this value lives.
#[derive(Debug)]
pub(crate) struct Mounted {
    pub(crate) at: PathBuf,
}

impl Mounted {
    pub(crate) fn mount(device: &Path, kind: &str, at_folder: &Path) -> Result<Self> {
        Self::mount_with(device, kind, at_folder, None)
    }

    /// Mounts with options of the file system's own.
    pub(crate) fn mount_with(
        device: &Path,
        kind: &str,
        at_folder: &Path,
        options: Option<&std::ffi::CStr>,
    ) -> Result<Self> {
        std::fs::create_dir_all(at_folder).map_err(at(at_folder))?;
        // A loop device that was another disk's a moment ago may still show what was read of that.
        if device.starts_with("/dev") {
            program::run(Command::new("blockdev").arg("--flushbufs").arg(device))?;
        }
        rustix::mount::mount(device, at_folder, kind, MountFlags::NOATIME, options)
            .map_err(|error| format!("{kind} is not mounted: {error}"))?;
        Ok(Self { at: at_folder.to_owned() })
    }

    /// Unmounts. The kernel may need a moment to let go of what a killed process had open.
    pub(crate) fn unmount(self) -> Result<()> {
        let unmount = || rustix::mount::unmount(&self.at, UnmountFlags::empty());
        let mut unmounted = unmount();
        program::wait_until("the file system is free", || {
            if unmounted == Err(Errno::BUSY) {
                unmounted = unmount();
            }
            unmounted != Err(Errno::BUSY)
        })?;
        unmounted.map_err(at(&self.at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Also where it is no mount any more, or somebody is still in there.
        let _ = rustix::mount::unmount(&self.at, UnmountFlags::DETACH);
    }
}

/// Makes a file of `size` bytes with a file system of `kind` in it.
pub(crate) fn make(file: &Path, size: u64, kind: &str, options: &[&str]) -> Result<()> {
    let made = std::fs::File::create(file).and_then(|made| made.set_len(size));
    made.map_err(at(file))?;
    let force = if kind == "ext4" { "-F" } else { "-f" };
    let mut command = Command::new(format!("mkfs.{kind}"));
    program::run(command.args(["-q", force]).args(options).arg(file)).map(|_| ())
}

/// A file system on a disk in memory, and its parts in the order in which they go.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) mounted: Mounted,
    _loop_device: Loop,
    pub(crate) file: PathBuf,
}

impl Disk {
    /// An ext4 of `size` bytes for `job`.
    pub(crate) fn ext4(job: usize, size: u64, options: &[&str]) -> Result<Self> {
        let file = space::folder().join(space::disk_name(job));
        make(&file, size, "ext4", options)?;
        let loop_device = Loop::attach(&file, size)?;
        let folder = space::folder().join(format!("mounted-{job}"));
        let mounted = Mounted::mount(&loop_device.device, "ext4", &folder)?;
        Ok(Self { mounted, _loop_device: loop_device, file })
    }
}
