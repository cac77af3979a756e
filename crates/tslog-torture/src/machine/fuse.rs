//! A disk whose every write passes through a daemon: one that writes it down, or makes it fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::disk::{Loop, Mounted};
use super::program::{self, Program};
use super::{at, space};
use crate::Result;

/// A file system on a loop device on a file that a daemon shows. The parts go in this order.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) mounted: Option<Mounted>,
    pub(crate) loop_device: Option<Loop>,
    daemon: Program,
    /// The file the daemon shows.
    pub(crate) shown: PathBuf,
}

impl Exported {
    /// Lets the daemon show the block node `top` of `nodes`, and mounts its first `size` bytes.
    pub(crate) fn mount(nodes: &[String], top: &str, kind: &str, size: u64) -> Result<Self> {
        if !Path::new("/dev/fuse").exists() {
            return Err("there is no /dev/fuse".to_owned());
        }
        let shown = space::folder().join(space::disk_name(0)).with_extension("shown");
        std::fs::write(&shown, "").map_err(at(&shown))?;
        let mut command = Command::new("qemu-storage-daemon");
        for node in nodes {
            command.args(["--blockdev", node]);
        }
        let place = shown.display();
        let export = format!("type=fuse,id=e0,node-name={top},mountpoint={place},writable=on");
        let mut daemon = Program::start(command.arg("--export").arg(export))?;
        let is_there = || std::fs::metadata(&shown).is_ok_and(|shown| shown.len() > 0);
        program::wait_until("the daemon shows the disk", || is_there() || daemon.has_ended())?;
        if !is_there() {
            return Err("qemu-storage-daemon shows no disk".to_owned());
        }
        let loop_device = Loop::attach(&shown, size)?;
        let folder = space::folder().join("mounted");
        let mounted = Mounted::mount(&loop_device.device, kind, &folder)?;
        Ok(Self { mounted: Some(mounted), loop_device: Some(loop_device), daemon, shown })
    }

    /// Unmounts, and ends the daemon in good order, so that all it had to write is written.
    pub(crate) fn end(mut self) -> Result<()> {
        if let Some(mounted) = self.mounted.take() {
            mounted.unmount()?;
        }
        self.loop_device = None;
        self.daemon.terminate().map(|_| ())
    }
}
