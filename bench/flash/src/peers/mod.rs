//! The peers, behind one trait: what the workload asks of each.

mod files;
mod keys;
mod log;
mod queue;
mod sensor;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_storage::nor_flash::{ErrorType, NorFlash as _, ReadNorFlash as _};
use embedded_storage_async::nor_flash::{MultiwriteNorFlash, NorFlash, ReadNorFlash};
use tslog_sim::nor::Nor;
use tslog_sim::power::SimError;

/// Bytes in a sector.
pub const SECTOR_SIZE: u32 = 4096;

/// The flash, in words of `W` bytes.
pub type Chip<const W: usize> = Nor<W, { SECTOR_SIZE as usize }>;

/// Why a peer did not do what it was asked.
pub enum Stop {
    /// It has no room.
    Full,
    /// It failed, for this reason.
    Failed(Reason),
}

/// A reason in words.
pub struct Reason(pub String);

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Failed(Reason(reason)) => f.write_str(reason),
        }
    }
}

/// Any other error.
fn failed(error: impl std::fmt::Debug) -> Stop {
    Stop::Failed(Reason(format!("{error:?}")))
}

/// What is stored, and where.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Bytes in a record.
    pub record_size: usize,
    /// Records in a commit.
    pub delta: usize,
    /// Sectors of the partition.
    pub sectors: u32,
}

impl Shape {
    /// Bytes of the partition.
    pub fn partition(&self) -> u32 {
        self.sectors * SECTOR_SIZE
    }
}

/// One way to keep records on flash. A record begins with its number, 32 bits.
pub trait Peer {
    /// Takes one record.
    fn store(&mut self, record: &[u8]) -> Result<(), Stop>;

    /// Makes what was taken durable, where that is not so already.
    fn commit(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    /// Hands over up to `most` records and then makes that durable, where the peer can. Returns how
    /// many there were.
    fn take(&mut self, most: usize, hand: &mut dyn FnMut(&[u8])) -> Result<usize, Stop>;

    /// Bytes of RAM it keeps between two calls, on this machine.
    fn ram(&self) -> usize;
}

/// What is done with an open peer.
pub type Session<'s> = &'s mut dyn FnMut(&mut dyn Peer) -> Result<(), Stop>;

/// The peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This project.
    Log,
    /// The queue of `sequential-storage`.
    Queue,
    /// The same with its caches.
    QueueCached,
    /// The same, one item a commit.
    QueuePacked,
    /// `sensor-db` with pages of 256 bytes.
    Sensor,
    /// `ekv`.
    Keys,
    /// `littlefs2`.
    Files,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Log,
        Self::Queue,
        Self::QueueCached,
        Self::QueuePacked,
        Self::Sensor,
        Self::Keys,
        Self::Files,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "**tslog**",
            Self::Queue => "sequential-storage",
            Self::QueueCached => "sequential-storage, cached",
            Self::QueuePacked => "sequential-storage, packed",
            Self::Sensor => "sensor-db",
            Self::Keys => "ekv",
            Self::Files => "littlefs2",
        }
    }

    /// Whether it takes this word size and this size of a commit.
    pub fn takes(self, word: usize, delta: usize) -> bool {
        match self {
            Self::Keys => word == 4,
            Self::QueuePacked => delta > 1,
            _ => true,
        }
    }

    /// Rewrites so much that a tenth of the work tells all.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::Keys | Self::Files)
    }

    /// Forgets the oldest records by itself when the partition is full.
    pub fn is_ring(self) -> bool {
        self == Self::Sensor
    }

    /// Opens what is on `chip`, or makes it if `new`, and works with it.
    pub fn with<const W: usize>(
        self,
        chip: &Chip<W>,
        shape: Shape,
        new: bool,
        session: Session<'_>,
    ) -> Result<(), Stop> {
        let chip = chip.clone();
        match self {
            Self::Log => log::with(chip, shape, session),
            Self::Queue => queue::with(chip, shape, 1, queue::uncached(), session),
            Self::QueueCached => queue::with(chip, shape, 1, queue::cached(), session),
            Self::QueuePacked => queue::with(chip, shape, shape.delta, queue::cached(), session),
            Self::Sensor => sensor::with(chip, shape, new, session),
            Self::Keys => keys::with(chip, shape, new, session),
            Self::Files => files::with(chip, shape, new, session),
        }
    }
}

/// Runs a future that is always ready.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The chip, for those who would wait for it.
#[derive(Debug)]
struct Later<const W: usize>(Chip<W>);

impl<const W: usize> ErrorType for Later<W> {
    type Error = SimError;
}

impl<const W: usize> ReadNorFlash for Later<W> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimError> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<const W: usize> NorFlash for Later<W> {
    const WRITE_SIZE: usize = W;
    const ERASE_SIZE: usize = SECTOR_SIZE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), SimError> {
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimError> {
        self.0.write(offset, bytes)
    }
}

impl<const W: usize> MultiwriteNorFlash for Later<W> {}
