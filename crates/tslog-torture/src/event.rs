//! What a worker says it was promised, in lines of 32 bytes that are written whole or not at all.
//!
//! ```text
//! 0      1     2       4        8           16       24        32
//! | kind | who | zeros | life u32 | at_ns u64 | seqn u64 | value u64 |
//! ```

use rustix::time::{ClockId, clock_gettime};

/// The bytes of an event.
pub(crate) const SIZE: usize = 32;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The log is open and `seqn` is its last number.
    Opened = 0x41,
    /// A thread was given `seqn` for its record; `value` is the identity of that.
    Stored,
    /// The log says that everything up to `seqn` is durable.
    Committed,
    /// A reader was given record `seqn`; `value` is the identity found in it.
    Delivered,
    /// A reader is about to commit its cursor.
    Acking,
    /// The commit of that cursor returned.
    Acked,
    /// The log was full.
    Full,
    /// A call failed; the reason is on standard error.
    Failed,
    /// A reader was told that numbers are gone, up to `seqn`.
    Gap,
    /// Bytes came that nobody stored, as record `seqn`.
    Wrong,
    /// The log was closed in order.
    Closed,
}

const KINDS: [Kind; 11] = [
    Kind::Opened,
    Kind::Stored,
    Kind::Committed,
    Kind::Delivered,
    Kind::Acking,
    Kind::Acked,
    Kind::Full,
    Kind::Failed,
    Kind::Gap,
    Kind::Wrong,
    Kind::Closed,
];

/// One thing a worker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    /// The thread or the reader.
    pub(crate) who: u8,
    pub(crate) life: u32,
    /// When, on the monotonic clock, which all processes share.
    pub(crate) at_ns: u64,
    pub(crate) seqn: u64,
    pub(crate) value: u64,
}

impl Event {
    pub(crate) fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        (bytes[0], bytes[1]) = (self.kind as u8, self.who);
        bytes[4..8].copy_from_slice(&self.life.to_le_bytes());
        for (at, number) in [(8, self.at_ns), (16, self.seqn), (24, self.value)] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; SIZE]) -> Option<Self> {
        let number =
            |at: usize| u64::from_le_bytes(bytes[at..].first_chunk().copied().unwrap_or_default());
        let kind = KINDS.into_iter().find(|kind| *kind as u8 == bytes[0])?;
        let life = u32::from_le_bytes(bytes[4..].first_chunk().copied().unwrap_or_default());
        let (at_ns, seqn, value) = (number(8), number(16), number(24));
        Some(Self { kind, who: bytes[1], life, at_ns, seqn, value })
    }
}

/// All events in `bytes`, up to the first that is not whole.
pub(crate) fn decode_all(bytes: &[u8]) -> Vec<Event> {
    let (chunks, _) = bytes.as_chunks::<SIZE>();
    chunks.iter().map_while(Event::decode).collect()
}

/// The monotonic clock now.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let [seconds, rest] = [now.tv_sec, now.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_they_were_written_and_a_torn_one_ends_them() {
        let mut bytes = Vec::new();
        let mut events = Vec::new();
        for (kind, n) in KINDS.into_iter().zip(1..) {
            let [at_ns, seqn, value] = [u64::MAX - n, n << 40, n];
            events.push(Event { kind, who: 3, life: 0x0102_0304, at_ns, seqn, value });
            bytes.extend(events.last().unwrap().encode());
        }
        assert_eq!(decode_all(&bytes), events);
        bytes.extend(&events[0].encode()[..31]);
        assert_eq!(decode_all(&bytes).len(), KINDS.len());
        bytes[0] = 0;
        assert_eq!(decode_all(&bytes), []);
        assert!(now_ns() > 0);
    }
}
