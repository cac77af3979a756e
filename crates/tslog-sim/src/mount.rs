//! An ext4 in a file in memory, and what its block device counts, for figures of real file systems.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The two folders to mount on, gone with this value.
///
/// They lie side by side. An ext4 below the memory that holds its image would keep itself alive: if
/// the folder is removed from outside while it is mounted on, the memory waits for the device, the
/// device for the ext4, and the ext4 for the memory it is mounted on.
#[derive(Debug)]
pub struct Place(PathBuf);

impl Place {
    /// Makes them in the folder for what is temporary, under a name that begins with `name`.
    ///
    /// # Errors
    ///
    /// They cannot be made, in words for a person. So it is with all errors here.
    pub fn make(name: &str) -> Result<Self, String> {
        let name = format!("{name}-{}", std::process::id());
        let place = Self(std::env::temp_dir().join(name));
        for folder in [place.path(), &place.memory(), &place.root()] {
            let made = fs::create_dir(folder);
            made.map_err(|error| format!("{} cannot be made ({error})", folder.display()))?;
        }
        Ok(place)
    }

    /// The folder that both lie in.
    #[must_use]
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
    /// Mounts memory, and an ext4 of `size` bytes in a file there, on the folders of the [`Place`]
    /// at `path`. The file is sparse: memory is used for what is written. Call it in a mount
    /// namespace of its own.
    ///
    /// # Errors
    ///
    /// It is not root's process, or the kernel does not count flushes, which it does from 5.5 on.
    pub fn mount(path: &Path, size: u64) -> Result<Self, String> {
        let (memory, root) = (path.join("memory"), path.join("root"));
        // Half as much again for what lies beside the image.
        let enough = size + size / 2;
        tool(&format!("mount -t tmpfs -o mode=700,size={enough} tslog {}", memory.display()))?;
        let image = memory.join("image");
        let mut ext4 = Self { memory, root, stat: PathBuf::new() };
        let made = fs::File::create(&image).and_then(|file| file.set_len(size));
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
    #[must_use]
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
        tool(&format!("sync --file-system {}", self.root.display())).expect("ext4 syncs");
        let before = self.counters().expect("the device counts");
        let done = act();
        let after = self.counters().expect("the device counts");
        let sectors = after.sectors - before.sectors;
        (done, Counters { sectors, flushes: after.flushes - before.flushes })
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Of 512 bytes, written.
    pub sectors: u64,
    /// Of its cache.
    pub flushes: u64,
}

impl Counters {
    /// Reads the line `stat` of a device: sectors written are its 7th number, flushes its 16th.
    fn parse(stat: &str) -> Option<Self> {
        let number = |at| stat.split_whitespace().nth(at)?.parse().ok();
        Some(Self { sectors: number(6)?, flushes: number(15)? })
    }
}

/// Runs a line of words.
///
/// # Errors
///
/// What the tool says, in one line.
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

    #[test]
    fn the_folders_to_mount_on_lie_side_by_side_and_go_with_their_value() {
        let place = Place::make("tslog-sim").unwrap();
        let path = place.path().to_owned();
        assert!(path.join("memory").is_dir() && path.join("root").is_dir());
        drop(place);
        assert!(!path.exists());
    }

    #[test]
    fn a_tool_that_fails_says_why_in_one_line() {
        assert_eq!(tool("true"), Ok(()));
        assert_eq!(tool("false"), Err("false: exit status: 1".to_owned()));
        let missing = tool("cat /no/such/file").unwrap_err();
        assert!(missing.contains("No such file") && !missing.contains('\n'), "{missing}");
        assert!(tool("no-such-program").unwrap_err().starts_with("no-such-program: "));
    }
}
