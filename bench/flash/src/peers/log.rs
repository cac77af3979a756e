//! tslog: one reader, which commits after each batch.

use tslog::storage::flash::Flash;
use tslog::{Config, Error, Log, Reader, buffer_size};
use tslog_sim::nor::Nor;

use super::{Chip, Peer, SECTOR_SIZE, Session, Shape, Stop, failed};

type FlashLog<const W: usize> = Log<Flash<Chip<W>>, Vec<u8>>;

struct Tslog<const W: usize> {
    log: FlashLog<W>,
    reader: Reader,
}

pub(super) fn with<const W: usize>(
    chip: Nor<W, { SECTOR_SIZE as usize }>,
    shape: Shape,
    session: Session<'_>,
) -> Result<(), Stop> {
    let storage = Flash::new(chip, 0..shape.partition(), SECTOR_SIZE).map_err(failed)?;
    let buffer = vec![0; buffer_size(shape.record_size, shape.delta)];
    let config = Config {
        record_size: u32::try_from(shape.record_size).ok(),
        bucket_size: Some(100_000),
        commit_delta: u32::try_from(shape.delta).unwrap_or(1),
        ..Config::default()
    };
    let mut log = Log::open_or_create(storage, buffer, &config).map_err(stop)?;
    let reader = log.reader(0).map_err(stop)?;
    session(&mut Tslog { log, reader })
}

fn stop<E: std::fmt::Debug>(error: Error<E>) -> Stop {
    match error {
        Error::Full => Stop::Full,
        error => failed(error),
    }
}

impl<const W: usize> Peer for Tslog<W> {
    fn store(&mut self, record: &[u8]) -> Result<(), Stop> {
        self.log.store_record(record).map(drop).map_err(stop)
    }

    fn commit(&mut self) -> Result<(), Stop> {
        self.log.commit().map(drop).map_err(stop)
    }

    fn take(&mut self, most: usize, hand: &mut dyn FnMut(&[u8])) -> Result<usize, Stop> {
        let size = self.log.record_size();
        let mut records = vec![0; size * most];
        let batch = self.log.read_batch(&mut self.reader, &mut records).map_err(stop)?;
        let count = batch.map_or(0, |batch| batch.count as usize);
        records.chunks_exact(size).take(count).for_each(hand);
        self.log.commit_reader(&mut self.reader).map_err(stop)?;
        Ok(count)
    }

    fn ram(&self) -> usize {
        let rest = size_of::<Flash<Chip<W>>>() + size_of::<Vec<u8>>();
        size_of::<FlashLog<W>>() - rest + size_of::<Reader>()
    }
}
