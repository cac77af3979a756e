//! A log on NOR flash, over any driver that speaks `embedded_storage::nor_flash::NorFlash`.
//!
//! A slot is a run of erase blocks. It keeps no state and no copy of anything: what the driver
//! reports is what the log sees.

use crate::storage::{Geometry, Slots, Storage};
use core::ops::Range;
use embedded_storage::nor_flash::NorFlash;

/// The largest unit of reading a driver may have, in bytes.
const READ_SIZE_MAX: usize = 64;

/// Slots in a part of a NOR flash.
///
/// ```
/// use embedded_storage::nor_flash::NorFlash;
/// use tslog::storage::flash::{Flash, FlashError};
/// /// A log from 64 KiB to 128 KiB of the chip, in slots of one sector.
/// fn storage<N: NorFlash>(chip: N) -> Result<Flash<N>, FlashError<N::Error>> {
///     Flash::new(chip, 0x1_0000..0x2_0000, 4096)
/// }
/// ```
#[derive(Debug)]
pub struct Flash<N> {
    nor: N,
    start: u32,
    slot_count: u32,
    slot_size: u32,
    write_size: u32,
}

/// Why a flash could not be used.
///
/// ```
/// use embedded_storage::nor_flash::NorFlash;
/// use tslog::storage::flash::{Flash, FlashError};
///
/// fn partition<N: NorFlash>(chip: N) -> Result<Flash<N>, String> {
///     Flash::new(chip, 0..0x1_0000, 4096).map_err(|error| match error {
///         FlashError::Geometry => "the partition is not made of whole sectors".to_owned(),
///         _ => "the driver failed".to_owned(),
///     })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FlashError<E> {
    /// The range or the slot size does not fit the chip: both must be whole erase blocks inside it,
    /// and the range whole slots; the chip must be written in words of 1, 2, 4, 8, 16 or 32 bytes
    /// and read in words of at most 64.
    Geometry,
    /// The driver failed.
    Nor(E),
    /// The slot does not exist, or the range leaves it.
    OutOfBounds,
    /// The offset or the length of a write is not a multiple of the write size.
    Unaligned,
}

impl<N: NorFlash> Flash<N> {
    /// Uses the bytes `range` of `nor` in slots of `slot_size` bytes. Nothing is read or erased.
    pub fn new(nor: N, range: Range<u32>, slot_size: u32) -> Result<Self, FlashError<N::Error>> {
        let shape = || {
            let block = u32::try_from(N::ERASE_SIZE).ok().filter(|size| *size > 0)?;
            let write_size = u32::try_from(N::WRITE_SIZE).ok()?;
            let size = range.end.checked_sub(range.start)?;
            let fits = slot_size > 0
                && [range.start, range.end, slot_size].iter().all(|at| at.is_multiple_of(block))
                && size.is_multiple_of(slot_size)
                && usize::try_from(range.end).is_ok_and(|end| end <= nor.capacity())
                && write_size.is_power_of_two()
                && write_size <= 32
                && N::ERASE_SIZE.is_multiple_of(N::WRITE_SIZE)
                && (1..=READ_SIZE_MAX).contains(&N::READ_SIZE)
                && N::ERASE_SIZE.is_multiple_of(N::READ_SIZE)
                && READ_SIZE_MAX.is_multiple_of(N::READ_SIZE);
            fits.then_some((size.checked_div(slot_size)?, write_size))
        };
        let (slot_count, write_size) = shape().ok_or(FlashError::Geometry)?;
        Ok(Self { nor, start: range.start, slot_count, slot_size, write_size })
    }

    /// Gives the driver back.
    pub fn release(self) -> N {
        self.nor
    }

    /// The address of `len` bytes at `offset` of `slot`, and of the byte behind them.
    fn range(
        &self,
        slot: u32,
        offset: u32,
        len: usize,
    ) -> Result<(u32, u32), FlashError<N::Error>> {
        let inside = || {
            let end = offset.checked_add(u32::try_from(len).ok()?)?;
            let first = self.start.checked_add(slot.checked_mul(self.slot_size)?)?;
            (slot < self.slot_count && end <= self.slot_size)
                .then_some((first.checked_add(offset)?, first.checked_add(end)?))
        };
        inside().ok_or(FlashError::OutOfBounds)
    }
}

impl<N: NorFlash> Storage for Flash<N> {
    type Error = FlashError<N::Error>;
    const SLOTS: Option<Slots> = Some(Slots::Fixed);

    fn geometry(&self) -> Geometry {
        Geometry {
            slot_count: self.slot_count,
            slot_size: self.slot_size,
            write_size: self.write_size,
            slots: Slots::Fixed,
        }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        let (start, _) = self.range(slot, offset, out.len())?;
        read_any(&mut self.nor, start, out)
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), Self::Error> {
        let (start, end) = self.range(slot, offset, data.len())?;
        if !start.is_multiple_of(self.write_size) || !end.is_multiple_of(self.write_size) {
            return Err(FlashError::Unaligned);
        }
        self.nor.write(start, data).map_err(FlashError::Nor)
    }

    fn erase(&mut self, slot: u32) -> Result<(), Self::Error> {
        let size = usize::try_from(self.slot_size).map_err(|_| FlashError::OutOfBounds)?;
        let (start, end) = self.range(slot, 0, size)?;
        self.nor.erase(start, end).map_err(FlashError::Nor)
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Reads any bytes through a driver that reads only whole words: the words that stick out go
/// through a small buffer, the others straight into `out`. The caller keeps it inside the range.
fn read_any<N: NorFlash>(
    nor: &mut N,
    mut start: u32,
    mut out: &mut [u8],
) -> Result<(), FlashError<N::Error>> {
    let word = N::READ_SIZE;
    while !out.is_empty() {
        let skip = usize::try_from(start).ok().and_then(|start| start.checked_rem(word));
        let skip = skip.ok_or(FlashError::OutOfBounds)?;
        let whole = out.len().checked_div(word).unwrap_or(0).saturating_mul(word);
        let step = if skip == 0 && whole > 0 {
            let (to, _) = out.split_at_mut(whole);
            nor.read(start, to).map_err(FlashError::Nor)?;
            whole
        } else {
            let mut words = [0; READ_SIZE_MAX];
            let span = skip.saturating_add(out.len()).next_multiple_of(word).min(READ_SIZE_MAX);
            let back = u32::try_from(skip).ok().and_then(|skip| start.checked_sub(skip));
            let (read, _) = words.split_at_mut(span);
            nor.read(back.ok_or(FlashError::OutOfBounds)?, read).map_err(FlashError::Nor)?;
            let wanted = read.iter().skip(skip);
            out.iter_mut().zip(wanted).map(|(to, from)| *to = *from).count()
        };
        out = out.split_at_mut(step).1;
        let step = u32::try_from(step).map_err(|_| FlashError::OutOfBounds)?;
        start = start.checked_add(step).ok_or(FlashError::OutOfBounds)?;
    }
    Ok(())
}

impl<E: core::fmt::Debug> core::fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Geometry => f.write_str("the range and the slots must be whole erase blocks"),
            Self::Nor(error) => write!(f, "the flash driver failed: {error:?}"),
            Self::OutOfBounds => f.write_str("outside the slots of this flash"),
            Self::Unaligned => {
                f.write_str("a write does not begin and end on a multiple of the write size")
            }
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for FlashError<E> {}

#[cfg(test)]
mod tests {
    use super::{Flash, FlashError, NorFlash, Range, Storage};
    use embedded_storage::nor_flash::{
        ErrorType, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
    };

    /// Eight blocks of 64 bytes that are read in words of `READ` bytes, and refuse what real ones
    /// refuse.
    struct Chip<const READ: usize, const WRITE: usize>([u8; 512]);

    impl<const READ: usize, const WRITE: usize> ErrorType for Chip<READ, WRITE> {
        type Error = NorFlashErrorKind;
    }

    impl<const READ: usize, const WRITE: usize> ReadNorFlash for Chip<READ, WRITE> {
        const READ_SIZE: usize = READ;
        fn read(&mut self, offset: u32, out: &mut [u8]) -> Result<(), NorFlashErrorKind> {
            check_read(self, offset, out.len())?;
            out.copy_from_slice(&self.0[offset as usize..][..out.len()]);
            Ok(())
        }
        fn capacity(&self) -> usize {
            self.0.len()
        }
    }

    impl<const READ: usize, const WRITE: usize> NorFlash for Chip<READ, WRITE> {
        const WRITE_SIZE: usize = WRITE;
        const ERASE_SIZE: usize = 64;
        fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
            check_erase(self, from, to)?;
            self.0[from as usize..to as usize].fill(0xFF);
            Ok(())
        }
        fn write(&mut self, offset: u32, data: &[u8]) -> Result<(), NorFlashErrorKind> {
            check_write(self, offset, data.len())?;
            self.0[offset as usize..][..data.len()].copy_from_slice(data);
            Ok(())
        }
    }

    fn reads_anywhere<const READ: usize>() {
        let bytes = core::array::from_fn(|at| u8::try_from(at % 251).unwrap());
        let mut flash = Flash::new(Chip::<READ, 4>(bytes), 128..512, 128).unwrap();
        for offset in 0..128_u32 {
            let there = &bytes[256 + offset as usize..384];
            for len in 0..=there.len() {
                let mut out = [0; 128];
                flash.read(1, offset, &mut out[..len]).unwrap();
                assert_eq!(out[..len], there[..len], "{len} bytes at {offset}");
            }
        }
    }

    #[test]
    fn any_bytes_can_be_read_through_words_of_any_size() {
        reads_anywhere::<1>();
        reads_anywhere::<4>();
        reads_anywhere::<16>();
        reads_anywhere::<64>();
    }

    #[test]
    fn slots_lie_in_their_range_and_do_not_touch_each_other() {
        let mut flash = Flash::new(Chip::<1, 4>([0; 512]), 128..512, 128).unwrap();
        assert_eq!(flash.geometry().slot_count, 3);
        flash.erase(1).unwrap();
        flash.write(1, 124, b"last").unwrap();
        assert_eq!(flash.write(1, 2, b"word"), Err(FlashError::Unaligned));
        assert_eq!(flash.write(1, 0, b"wor"), Err(FlashError::Unaligned));
        assert_eq!(flash.write(1, 124, b"too long"), Err(FlashError::OutOfBounds));
        assert_eq!(flash.erase(3), Err(FlashError::OutOfBounds));
        assert_eq!(flash.read(3, 0, &mut [0]), Err(FlashError::OutOfBounds));
        assert_eq!(flash.read(u32::MAX, u32::MAX, &mut [0]), Err(FlashError::OutOfBounds));
        let bytes = flash.release().0;
        assert_eq!((&bytes[..256], &bytes[384..]), (&[0; 256][..], &[0; 128][..]));
        assert_eq!((&bytes[256..380], &bytes[380..384]), (&[0xFF; 124][..], &b"last"[..]));
    }

    #[test]
    fn a_range_or_a_chip_that_does_not_fit_is_refused() {
        fn opens<const READ: usize, const WRITE: usize>(range: Range<u32>, slot: u32) -> bool {
            let opened = Flash::new(Chip::<READ, WRITE>([0; 512]), range, slot);
            opened.is_ok()
        }
        assert!(opens::<1, 32>(0..512, 64));
        for (start, end, slot) in [
            (0, 576, 64),  // behind the end of the chip
            (32, 512, 32), // within a block
            (64, 500, 64), // ends within a block
            (64, 512, 96), // slots of one and a half
            (0, 512, 192), // two and two thirds of a slot
            (0, 512, 0),
            (512, 256, 64),
        ] {
            assert!(!opens::<1, 4>(start..end, slot), "{start}..{end} by {slot}");
        }
        assert!(!opens::<1, 64>(0..512, 64), "words of 64 bytes");
        assert!(!opens::<1, 3>(0..512, 64), "words of 3 bytes");
        assert!(!opens::<3, 4>(0..512, 64), "reads of 3 bytes");
        assert!(!opens::<128, 4>(0..512, 64), "reads longer than a block");
    }
}
