//! The file systems that images are replayed on.

/// A file system and how a small one is made.
pub(super) struct FileSystem {
    pub(super) name: &'static str,
    pub(super) size: u64,
    pub(super) make: &'static [&'static str],
    pub(super) options: Option<&'static std::ffi::CStr>,
}

pub(super) const EXT4: FileSystem =
    FileSystem { name: "ext4", size: 16 << 20, make: &["-b", "1024"], options: None };

/// Images of one file system have one name, which xfs mounts once unless told so.
pub(super) const XFS: FileSystem =
    FileSystem { name: "xfs", size: 304 << 20, make: &[], options: Some(c"nouuid") };

pub(super) const BTRFS: FileSystem =
    FileSystem { name: "btrfs", size: 128 << 20, make: &["--mixed"], options: None };
