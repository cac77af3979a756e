//! `sequential-storage`: a queue whose one consumer pops each item once it has handed it over.

use sequential_storage::Error;
use sequential_storage::cache::page_pointers::ArrayPagePointers;
use sequential_storage::cache::page_states::ArrayPageStates;
use sequential_storage::cache::{Cache, CacheImpl, Uncached};
use sequential_storage::queue::{QueueConfig, QueueStorage};

use super::{Chip, Later, Peer, Session, Shape, Stop, block_on, failed};

/// Sectors that the caches can tell of.
const PAGES: usize = 256;

struct Queue<const W: usize, C: CacheImpl<()>> {
    items: QueueStorage<Later<W>, C>,
    record_size: usize,
    /// Records that become one item.
    pack: usize,
    item: Vec<u8>,
}

pub(super) fn uncached() -> Cache<Uncached, Uncached, Uncached> {
    Cache::new_uncached()
}

pub(super) fn cached() -> Cache<ArrayPageStates<PAGES>, ArrayPagePointers<PAGES>, Uncached> {
    Cache::new(ArrayPageStates::new(), ArrayPagePointers::new(), Uncached)
}

pub(super) fn with<const W: usize, C: CacheImpl<()>>(
    chip: Chip<W>,
    shape: Shape,
    pack: usize,
    cache: C,
    session: Session<'_>,
) -> Result<(), Stop> {
    let config = QueueConfig::try_new(0..shape.partition()).map_err(failed)?;
    let queue = QueueStorage::new(Later(chip), config, cache);
    session(&mut Queue { items: queue, record_size: shape.record_size, pack, item: Vec::new() })
}

fn stop<E: std::fmt::Debug>(error: Error<E>) -> Stop {
    match error {
        Error::FullStorage => Stop::Full,
        error => failed(error),
    }
}

impl<const W: usize, C: CacheImpl<()>> Peer for Queue<W, C> {
    fn store(&mut self, record: &[u8]) -> Result<(), Stop> {
        self.item.extend_from_slice(record);
        if self.item.len() >= self.pack * self.record_size { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<(), Stop> {
        if self.item.is_empty() {
            return Ok(());
        }
        block_on(self.items.push(&self.item, false)).map_err(stop)?;
        self.item.clear();
        Ok(())
    }

    fn take(&mut self, most: usize, hand: &mut dyn FnMut(&[u8])) -> Result<usize, Stop> {
        let mut buffer = vec![0; self.pack * self.record_size + 64];
        let (size, mut count) = (self.record_size, 0);
        block_on(async {
            let mut oldest_first = self.items.iter().await?;
            while count < most
                && let Some(item) = oldest_first.next(&mut buffer).await?
            {
                item.chunks(size).for_each(&mut *hand);
                count += item.len() / size;
                item.pop().await?;
            }
            Ok(count)
        })
        .map_err(stop)
    }

    fn ram(&self) -> usize {
        size_of::<QueueStorage<Later<W>, C>>() - size_of::<Later<W>>()
    }
}
