//! `littlefs2`: a file for each 1,024 records, opened for each commit, and a file with the number
//! that was handed over last.

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use littlefs2::consts::{U4, U256};
use littlefs2::driver::Storage;
use littlefs2::fs::{Allocation, Filesystem};
use littlefs2::io::{Error, Result as Io, SeekFrom};
use littlefs2::path::PathBuf;

use super::{Chip, Peer, SECTOR_SIZE, Session, Shape, Stop, failed};

/// Records in a file.
const BUCKET: u32 = 1024;

/// The whole partition, in blocks of a sector; it comes in two sizes.
struct Blocks<const W: usize, const N: usize>(Chip<W>);

struct Files<'f, const W: usize, const N: usize> {
    fs: Filesystem<'f, Blocks<W, N>>,
    record_size: usize,
    waiting: Vec<u8>,
    stored: u32,
    taken: u32,
}

pub(super) fn with<const W: usize>(
    chip: Chip<W>,
    shape: Shape,
    new: bool,
    session: Session<'_>,
) -> Result<(), Stop> {
    match shape.sectors {
        256 => mounted::<W, 256>(chip, shape, new, session),
        _ => mounted::<W, 16>(chip, shape, new, session),
    }
}

fn mounted<const W: usize, const N: usize>(
    chip: Chip<W>,
    shape: Shape,
    new: bool,
    session: Session<'_>,
) -> Result<(), Stop> {
    let mut blocks = Blocks::<W, N>(chip);
    if new {
        Filesystem::format(&mut blocks).map_err(failed)?;
    }
    let mut allocation = Allocation::new();
    let fs = Filesystem::mount(&mut allocation, &mut blocks).map_err(failed)?;
    let record_size = shape.record_size;
    let mut files = Files { fs, record_size, waiting: Vec::new(), stored: 0, taken: 0 };
    files.look().map_err(failed)?;
    session(&mut files)
}

impl<const W: usize, const N: usize> Storage for Blocks<W, N> {
    const READ_SIZE: usize = if W > 4 { W } else { 4 };
    const WRITE_SIZE: usize = W;
    const BLOCK_SIZE: usize = SECTOR_SIZE as usize;
    const BLOCK_COUNT: usize = N;
    const BLOCK_CYCLES: isize = 500;
    type CACHE_SIZE = U256;
    type LOOKAHEAD_SIZE = U4;

    fn read(&mut self, at: usize, bytes: &mut [u8]) -> Io<usize> {
        self.0.read(address(at), bytes).map_err(|_| Error::IO)?;
        Ok(bytes.len())
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> Io<usize> {
        self.0.write(address(at), bytes).map_err(|_| Error::IO)?;
        Ok(bytes.len())
    }

    fn erase(&mut self, at: usize, len: usize) -> Io<usize> {
        self.0.erase(address(at), address(at + len)).map_err(|_| Error::IO)?;
        Ok(len)
    }
}

fn address(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn path(name: &str) -> PathBuf {
    PathBuf::try_from(name).unwrap_or_default()
}

fn bucket(number: u32) -> PathBuf {
    path(&format!("{}", (number - 1) / BUCKET))
}

fn stop(error: Error) -> Stop {
    if error == Error::NO_SPACE { Stop::Full } else { failed(error) }
}

impl<const W: usize, const N: usize> Files<'_, W, N> {
    /// Finds where the records and the consumer are.
    fn look(&mut self) -> Io<()> {
        let mut number = [0; 8];
        let read = self.fs.open_file_and_then(&path("taken"), |file| file.read(&mut number));
        self.taken = match read {
            Ok(_) => u32::try_from(u64::from_le_bytes(number)).unwrap_or(0),
            Err(Error::NO_SUCH_ENTRY) => 0,
            Err(error) => return Err(error),
        };
        self.stored = self.taken;
        loop {
            let first = self.stored / BUCKET * BUCKET;
            let len = match self.fs.metadata(&bucket(first + 1)) {
                Ok(file) => file.len(),
                Err(Error::NO_SUCH_ENTRY) => return Ok(()),
                Err(error) => return Err(error),
            };
            self.stored = (first + address(len / self.record_size)).max(self.taken);
            if self.stored < first + BUCKET {
                return Ok(());
            }
        }
    }
}

impl<const W: usize, const N: usize> Peer for Files<'_, W, N> {
    fn store(&mut self, record: &[u8]) -> Result<(), Stop> {
        self.waiting.extend_from_slice(record);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Stop> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let room = (BUCKET - self.stored % BUCKET) as usize * self.record_size;
            let (now, later) = rest.split_at(room.min(rest.len()));
            let open = |options: &mut littlefs2::fs::OpenOptions| {
                options.write(true).create(true).append(true);
            };
            self.fs
                .open_file_with_options_and_then(
                    |options| {
                        open(options);
                        options
                    },
                    &bucket(self.stored + 1),
                    |file| file.write(now),
                )
                .map_err(stop)?;
            self.stored += address(now.len() / self.record_size);
            rest = later;
        }
        Ok(())
    }

    fn take(&mut self, most: usize, hand: &mut dyn FnMut(&[u8])) -> Result<usize, Stop> {
        let (mut left, size) = (most.min((self.stored - self.taken) as usize), self.record_size);
        let (count, before) = (left, self.taken);
        while left > 0 {
            let skip = self.taken % BUCKET;
            let now = left.min((BUCKET - skip) as usize);
            let mut records = vec![0; now * size];
            self.fs
                .open_file_and_then(&bucket(self.taken + 1), |file| {
                    file.seek(SeekFrom::Start(skip * address(size)))?;
                    file.read(&mut records)
                })
                .map_err(stop)?;
            records.chunks(size).for_each(&mut *hand);
            self.taken += address(now);
            left -= now;
        }
        if count > 0 {
            let number = u64::from(self.taken).to_le_bytes();
            let write = |file: &littlefs2::fs::File<'_, '_, _>| file.write(&number);
            self.fs.create_file_and_then(&path("taken"), write).map_err(stop)?;
            for full in before / BUCKET..self.taken / BUCKET {
                self.fs.remove(&path(&format!("{full}"))).map_err(stop)?;
            }
        }
        Ok(count)
    }

    fn ram(&self) -> usize {
        size_of::<Allocation<Blocks<W, N>>>()
            + size_of::<littlefs2::fs::FileAllocation<Blocks<W, N>>>()
    }
}
