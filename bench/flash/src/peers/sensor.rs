//! `sensor-db` with pages of 256 bytes; where the consumer is, it knows in RAM only.

use sensor_db::{Error, LogPosition, SensorDb};

use super::{Chip, Peer, Session, Shape, Stop, failed};

type Db<const W: usize> = SensorDb<Chip<W>, 256, 256>;

struct Sensor<const W: usize> {
    db: Db<W>,
    at: LogPosition,
}

pub(super) fn with<const W: usize>(
    chip: Chip<W>,
    shape: Shape,
    new: bool,
    session: Session<'_>,
) -> Result<(), Stop> {
    let sectors = u16::try_from(shape.sectors).map_err(failed)?;
    let mut db = Db::new(chip, 0, sectors, 1).map_err(failed)?;
    if new {
        db.format().map_err(failed)?;
    } else {
        db.mount().map_err(failed)?;
    }
    session(&mut Sensor { db, at: LogPosition::BEGINNING })
}

impl<const W: usize> Peer for Sensor<W> {
    fn store(&mut self, record: &[u8]) -> Result<(), Stop> {
        let number = record.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        self.db.append(1, number.into(), record).map_err(failed)
    }

    fn commit(&mut self) -> Result<(), Stop> {
        self.db.sync().map_err(failed)
    }

    fn take(&mut self, most: usize, hand: &mut dyn FnMut(&[u8])) -> Result<usize, Stop> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let read = self.db.read_from(self.at, most, |_, _, record| -> Result<bool, Error> {
            hand(record);
            Ok(true)
        });
        let read = read.map_err(failed)?;
        self.at = read.next;
        Ok(read.entries as usize)
    }

    fn ram(&self) -> usize {
        size_of::<Db<W>>() - size_of::<Chip<W>>() + size_of::<LogPosition>()
    }
}
