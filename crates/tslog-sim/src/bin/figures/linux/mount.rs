//! An ext4 in a file in memory, and what its block device counts.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::tool;

/// Bytes of the image. It is sparse: memory is used for what is written.
const IMAGE_SIZE: u64 = 512 << 20;

/// The two folders to mount on, gone with this value.
///
/// They lie side by side. An ext4 below the memory that holds its image would keep itself alive: if
/// the folder is removed from outside while it is mounted on, the memory waits for the device, the
/// device for the ext4, and the ext4 for the memory it is mounted on.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn make() -> Result<Self, String> {
        let name = format!("tslog-figures-{}", std::process::id());
        let place = Self(std::env::temp_dir().join(name));
        for folder in [place.path(), &place.memory(), &place.root()] {
            let made = fs::create_dir(folder);
            made.map_err(|error| format!("{} cannot be made ({error})", folder.display()))?;
        }
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
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
pub(super) struct Ext4 {
    memory: PathBuf,
    root: PathBuf,
    stat: PathBuf,
}

impl Ext4 {
    /// Mounts memory, and an ext4 in a file there, on the folders of the [`Place`] at `path`. Call
    /// it in a mount namespace of its own.
    pub(super) fn mount(path: &Path) -> Result<Self, String> {
        let (memory, root) = (path.join("memory"), path.join("root"));
        tool(&format!("mount -t tmpfs -o mode=700,size=1g tslog-figures {}", memory.display()))?;
        let image = memory.join("image");
        let mut ext4 = Self { memory, root, stat: PathBuf::new() };
        let made = fs::File::create(&image).and_then(|file| file.set_len(IMAGE_SIZE));
        made.map_err(|error| format!("the image cannot be made ({error})"))?;
        // What mkfs leaves to be filled in later would be counted as the log's.
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

    /// A folder that does not exist yet.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What `act` costs the device, with nothing of what was written before.
    pub(super) fn cost_of(&self, act: impl FnOnce()) -> Counters {
        tool(&format!("sync --file-system {}", self.root.display())).expect("ext4 syncs");
        let before = self.counters().expect("the device counts");
        act();
        let after = self.counters().expect("the device counts");
        Counters {
            sectors: after.sectors - before.sectors,
            flushes: after.flushes - before.flushes,
        }
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

/// Counters of a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    /// Of 512 bytes, written.
    pub(super) sectors: u64,
    pub(super) flushes: u64,
}

impl Counters {
    /// Reads the line `stat` of a device: sectors written are its 7th number, flushes its 16th.
    fn parse(stat: &str) -> Option<Self> {
        let number = |at| stat.split_whitespace().nth(at)?.parse().ok();
        Some(Self { sectors: number(6)?, flushes: number(15)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_to_mount_on_lie_side_by_side_and_go_with_their_value() {
        let place = Place::make().unwrap();
        let path = place.path().to_owned();
        assert!(path.join("memory").is_dir() && path.join("root").is_dir());
        drop(place);
        assert!(!path.exists());
    }

    #[test]
    fn the_counters_are_the_7th_and_the_16th_number() {
        let stat = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n";
        assert_eq!(Counters::parse(stat), Some(Counters { sectors: 7, flushes: 16 }));
        assert_eq!(Counters::parse("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"), None);
    }
}
