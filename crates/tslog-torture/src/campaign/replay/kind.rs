//! The file systems that images are replayed on.

/// A file system and how a small one is made.
pub(super) struct FileSystem {
    pub(super) name: &'static str,
    pub(super) size: u64,
    pub(super) make: &'static [&'static str],
    pub(super) options: Option<&'static std::ffi::CStr>,
    /// Sectors of the superblock, which the file system trusts no disk to tear: torn, it does not
    /// mount, whatever is on it.
    pub(super) whole: core::ops::Range<usize>,
}

pub(super) const EXT4: FileSystem =
    FileSystem { name: "ext4", size: 8 << 20, make: &["-b", "1024"], options: None, whole: 2..4 };

/// Images of one file system have one name, which xfs mounts once unless told so.
pub(super) const XFS: FileSystem =
    FileSystem { name: "xfs", size: 304 << 20, make: &[], options: Some(c"nouuid"), whole: 0..1 };

pub(super) const BTRFS: FileSystem = FileSystem {
    name: "btrfs",
    size: 128 << 20,
    make: &["--mixed"],
    options: None,
    whole: 128..136,
};
