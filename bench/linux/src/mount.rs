//! An ext4 in a file in memory, and what its block device counts.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of the image. It is sparse: memory is used for what is written.
const IMAGE_SIZE: u64 = 4 << 30;

/// The two folders to mount on, side by side, gone with this value.
#[derive(Debug)]
pub struct Place(PathBuf);

impl Place {
    pub fn make() -> Result<Self, String> {
        let place = Self(std::env::temp_dir().join(format!("linux-bench-{}", std::process::id())));
        for folder in [place.path(), &place.memory(), &place.root()] {
            let made = fs::create_dir(folder);
            made.map_err(|error| format!("{} cannot be made ({error})", folder.display()))?;
        }
        Ok(place)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn memory(&self) -> PathBuf {
        self.0.join("memory")
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for folder in [&self.memory(), &self.root(), self.path()] {
            // Only an empty folder goes: whatever else came to lie in there is not ours.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A mounted ext4, unmounted with this value. The device frees itself when it is unmounted.
#[derive(Debug)]
pub struct Ext4 {
    memory: PathBuf,
    root: PathBuf,
    stat: PathBuf,
}

impl Ext4 {
    /// Mounts memory, and an ext4 in a file there, on the folders of the [`Place`] at `path`. Call
    /// it in a mount namespace of its own.
    pub fn mount(path: &Path) -> Result<Self, String> {
        let (memory, root) = (path.join("memory"), path.join("root"));
        tool(&format!("mount -t tmpfs -o mode=700,size=6g linux-bench {}", memory.display()))?;
        let image = memory.join("image");
        let mut ext4 = Self { memory, root, stat: PathBuf::new() };
        let made = fs::File::create(&image).and_then(|file| file.set_len(IMAGE_SIZE));
        made.map_err(|error| format!("the image cannot be made ({error})"))?;
        // What mkfs leaves to be filled in later would be counted as somebody's.
        let eager = "lazy_itable_init=0,lazy_journal_init=0";
        tool(&format!("mkfs.ext4 -q -F -m 0 -E {eager} {}", image.display()))?;
        tool(&format!("mount -o loop {} {}", image.display(), ext4.root.display()))?;
        let device = fs::metadata(&ext4.root).map_err(|error| error.to_string())?.dev();
        // Numbers below 2^20, which all are on Linux for loop devices: 12 bits over 8.
        let (major, minor) = ((device >> 8) & 0xFFF, (device & 0xFF) | ((device >> 12) & 0xF_FF00));
        ext4.stat = PathBuf::from(format!("/sys/dev/block/{major}:{minor}/stat"));
        match ext4.counters() {
            Ok(_) => Ok(ext4),
            Err(error) => Err(format!("flushes cannot be counted ({error})")),
        }
    }

    /// Where a folder on the ext4 is.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A folder on the ext4 that does not exist, with what was there removed.
    pub fn folder(&self, name: &str) -> PathBuf {
        clear(self.path_of(name))
    }

    /// A folder in memory, without the ext4, that does not exist.
    pub fn memory_folder(&self, name: &str) -> PathBuf {
        clear(self.memory.join(name))
    }

    /// Writes out what is on its way, and gives back the memory of what was removed.
    pub fn settle(&self) {
        for line in ["sync --file-system", "fstrim"] {
            // Where memory is not given back, there is enough of it for one group.
            let _ = tool(&format!("{line} {}", self.root.display()));
        }
    }

    /// What `act` costs the device, with nothing of what was written before.
    pub fn cost_of<T>(&self, act: impl FnOnce() -> T) -> (T, Counters) {
        // Nothing but figures is lost if that fails, and they would show it.
        let _ = tool(&format!("sync --file-system {}", self.root.display()));
        let before = self.counters().unwrap_or_default();
        let done = act();
        let after = self.counters().unwrap_or_default();
        let sectors = after.sectors.saturating_sub(before.sectors);
        (done, Counters { sectors, flushes: after.flushes.saturating_sub(before.flushes) })
    }

    fn counters(&self) -> io::Result<Counters> {
        let text = fs::read_to_string(&self.stat)?;
        Counters::parse(&text).ok_or_else(|| io::Error::other("the kernel is older than 5.5"))
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        for folder in [&self.root, &self.memory] {
            // Where the mount failed there is nothing to undo; the namespace sees to the rest.
            let _ = tool(&format!("umount {}", folder.display()));
        }
    }
}

fn clear(path: PathBuf) -> PathBuf {
    // Where there is none, there is nothing to remove.
    let _ = fs::remove_dir_all(&path);
    path
}

/// Counters of a block device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Of 512 bytes, written.
    pub sectors: u64,
    pub flushes: u64,
}

impl Counters {
    /// Reads the line `stat` of a device: sectors written are its 7th number, flushes its 16th.
    fn parse(stat: &str) -> Option<Self> {
        let number = |at| stat.split_whitespace().nth(at)?.parse().ok();
        Some(Self { sectors: number(6)?, flushes: number(15)? })
    }
}

/// Runs a line of words. The error is what the tool says, in one line.
pub fn tool(line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().find(|line| !line.trim().is_empty());
    Err(said.map_or_else(|| format!("{program}: {}", output.status), |line| line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_the_7th_and_the_16th_number() {
        let stat = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n";
        assert_eq!(Counters::parse(stat), Some(Counters { sectors: 7, flushes: 16 }));
        assert_eq!(Counters::parse("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"), None);
    }
}
