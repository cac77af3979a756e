//! The bytes on the medium, from and to values: pure, no I/O. `docs/layout.md` is the law here, and
//! `tests/layout_md.rs` holds the two together.
//!
//! Everything that is read back is checked here and nowhere else: a decoder returns a value only if
//! its checksum, seeded with the life of the bytes it should stem from, holds.

pub(crate) mod bucket;
pub(crate) mod crc;
pub(crate) mod cursor;
pub(crate) mod frame;
pub(crate) mod header;
pub(crate) mod plan;

/// The version of the layout that this library writes, and the only one it reads.
pub(crate) const VERSION: u8 = 1;

/// Where a field lies in its structure; `tests/layout_md.rs` compares these with the document.
///
/// ```
/// let seal = tslog::layout_fields::FRAME_FIELDS.last().expect("a frame has fields");
/// println!("{} at {}, {} bytes", seal.name, seal.offset, seal.size);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutField {
    /// The name of the field, as in `docs/layout.md`.
    pub name: &'static str,
    /// Bytes from the start of the structure.
    pub offset: u32,
    /// Bytes it takes.
    pub size: u32,
}

/// Writes the sequence number and the version byte above it.
pub(crate) fn put_seqn(seqn: u64) -> [u8; 8] {
    let mut bytes = seqn.to_le_bytes();
    bytes[7] = VERSION;
    bytes
}

/// Reads a sequence number if the version byte above it is ours.
pub(crate) fn get_seqn(bytes: [u8; 8]) -> Option<u64> {
    let [.., version] = bytes;
    (version == VERSION).then_some(u64::from_le_bytes(bytes) & crate::words::MAX_SEQN)
}

/// Reads `N` bytes at a fixed place of a fixed structure; short input reads as zeros, which no
/// checksum of ours accepts.
pub(crate) fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<N>).copied().unwrap_or([0; N])
}

/// Writes bytes at a fixed place of a fixed structure.
pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(room) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..value.len())) {
        room.copy_from_slice(value);
    }
}
