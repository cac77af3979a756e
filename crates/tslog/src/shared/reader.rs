//! A reader that does not wait for the writer, in its process or in another one.

use core::marker::PhantomData;
use std::{io, sync::Arc};

use super::{Handle, Inner, Raw, Schema, memory::zeroed, source::Source};
use crate::{
    Batch,
    error::{Error, Invalid},
    layout::{cursor::Place, plan::Plan},
    log::{
        NO_INDEX,
        at_hand::AtHand,
        cursors::newest_place,
        header,
        probe::{Seen, Window, look},
        read::{Bounds, Position},
    },
    storage::{Storage as _, folder::Folder},
};

/// Bytes of the medium that are read at once, where frames are not larger.
pub(super) const WINDOW: usize = 64 * 1024;

/// Reads the records of a log in order, and acknowledges them. Made by
/// [`SharedLog::reader`](crate::SharedLog::reader), which has an example.
#[derive(Debug)]
pub struct SharedReader<T = Raw> {
    pub(super) folder: Folder,
    pub(super) plan: Plan,
    pub(super) source: Source,
    /// How far this reader is, for the log to see, and whether it is closed.
    pub(super) handle: Arc<Handle>,
    pub(super) bounds: Bounds,
    pub(super) window: Vec<u8>,
    pub(super) seen: Seen,
    /// Sound records in the window, behind the cursor, that were not handed out yet.
    pub(super) at_hand: AtHand,
    /// Behind the records at hand.
    pub(super) at: Position,
    n: u8,
    pub(super) cursor: u64,
    committed: u64,
    counter: u32,
    records: PhantomData<fn() -> T>,
}

impl<T> SharedReader<T> {
    pub(super) fn beside(inner: &Arc<Inner>, n: u8) -> Result<Self, Error<io::Error>> {
        let folder = Folder::open_beside(&inner.path)?;
        let slot = usize::from(n);
        let opened_at = inner.opened_at.get(slot).copied().unwrap_or(0);
        let mine = Handle::new(opened_at);
        let (bounds, older) = inner.shown.with(|published| {
            let handle = published.handles.get_mut(slot).filter(|_| !published.closed);
            let older = core::mem::replace(handle.ok_or(Error::Closed)?, Arc::clone(&mine));
            Ok::<_, Error<io::Error>>((published.bounds, older))
        })?;
        // A commit of the older handle that has begun is what this one starts behind.
        older.end();
        inner.shown.change(|_| true);
        let source = Source::Beside(Arc::clone(inner));
        let mut reader = Self::new(folder, inner.plan, (source, mine), bounds, n);
        reader.load(opened_at)?;
        reader.handle.tell(reader.cursor);
        Ok(reader)
    }

    pub(super) fn new(
        folder: Folder,
        plan: Plan,
        (source, handle): (Source, Arc<Handle>),
        bounds: Bounds,
        n: u8,
    ) -> Self {
        Self {
            folder,
            plan,
            source,
            handle,
            bounds,
            window: vec![0; WINDOW],
            seen: Seen::default(),
            at_hand: AtHand::default(),
            at: Position::NOWHERE,
            n,
            cursor: 0,
            committed: 0,
            counter: 0,
            records: PhantomData,
        }
    }

    /// Starts at the committed cursor; `otherwise` is where no place holds one.
    pub(super) fn load(&mut self, otherwise: u64) -> Result<(), Error<io::Error>> {
        let place = newest_place(&mut self.folder, self.plan.base_seed, self.n);
        let place = place.map_err(Error::Storage)?;
        self.counter = place.map_or(0, |place| place.counter);
        self.committed = place.map_or(otherwise, |place| place.cursor);
        self.cursor = self.committed;
        Ok(())
    }

    /// The number and the bytes of the next record; `None` if nothing more is durable.
    ///
    /// # Errors
    /// [`Error::Damaged`] and [`Error::Lost`] name numbers that cannot be read, once each;
    /// [`Error::Closed`]; [`Error::Storage`].
    pub fn next_record(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error<io::Error>> {
        let mut record = self.memory_for_record()?;
        Ok(self.next_into(&mut record)?.map(|seqn| (seqn, record)))
    }

    /// As [`SharedReader::next_record`], but nothing is copied: the bytes are lent where they lie,
    /// until the reader is asked for more.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// # let log = tslog::Options::new().record_size(4).commit_delta(1).open_raw(&path)?;
    /// log.store_record(b"20.5")?;
    /// let mut uplink = log.reader(0)?;
    /// assert_eq!(uplink.next_bytes()?, Some((1, &b"20.5"[..])));
    /// assert_eq!(uplink.next_bytes()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    #[inline]
    pub fn next_bytes(&mut self) -> Result<Option<(u64, &[u8])>, Error<io::Error>> {
        if !self.is_ready() {
            self.check_open()?;
            self.gather()?;
            if !self.is_ready() {
                return Ok(None);
            }
        }
        // It is at hand, so what can come in between is the end of the handle.
        self.try_next_bytes().map(Some).ok_or(Error::Closed)
    }

    /// As [`SharedReader::next_bytes`], if the record is in memory already, so that nothing is
    /// waited for. `None` means that nothing has changed, and that [`SharedReader::next_bytes`],
    /// which may wait for the medium, is to be called.
    #[inline]
    pub fn try_next_bytes(&mut self) -> Option<(u64, &[u8])> {
        let size = self.plan.record_size as usize;
        if !self.is_ready() {
            return None;
        }
        let record = self.window.get(self.at_hand.begin..)?.get(..size)?;
        let cursor = self.cursor.wrapping_add(1);
        if !self.handle.tell(cursor) {
            return None;
        }
        self.cursor = cursor;
        self.at_hand.take(1, size);
        Some((cursor, record))
    }

    /// As [`SharedReader::next_record`], into the first bytes of `out`.
    ///
    /// # Errors
    /// As [`SharedReader::next_record`]; [`Error::Invalid`] if `out` is shorter than a record.
    #[inline]
    pub fn next_into(&mut self, out: &mut [u8]) -> Result<Option<u64>, Error<io::Error>> {
        let out = self.room(out, 1)?;
        let Some((seqn, record)) = self.next_bytes()? else { return Ok(None) };
        out.copy_from_slice(record);
        Ok(Some(seqn))
    }

    /// As [`SharedReader::next_record`], but the cursor stays where it is.
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    pub fn peek_record(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error<io::Error>> {
        let mut record = self.memory_for_record()?;
        Ok(self.peek_into(&mut record)?.map(|seqn| (seqn, record)))
    }

    fn memory_for_record(&self) -> Result<Vec<u8>, Error<io::Error>> {
        zeroed(self.plan.record_size as usize).map_err(Error::Storage)
    }

    fn peek_into(&mut self, out: &mut [u8]) -> Result<Option<u64>, Error<io::Error>> {
        self.check_open()?;
        let out = self.room(out, 1)?;
        self.gather()?;
        if !self.is_ready() {
            return Ok(None);
        }
        let (begin, end) = (self.at_hand.begin, self.at_hand.begin.saturating_add(out.len()));
        out.copy_from_slice(self.window.get(begin..end).unwrap_or_default());
        Ok(Some(self.cursor.saturating_add(1)))
    }

    /// True if the next record is in memory, so that the next call that reads it does not wait for
    /// the medium.
    pub fn is_ready(&self) -> bool {
        self.at_hand.count > 0
    }

    /// Copies records into `out`, back to back: as many as fit in it and are at hand, of one commit
    /// or of several.
    ///
    /// # Errors
    /// As [`SharedReader::next_record`]; [`Error::Invalid`] if `out` is shorter than a record.
    pub fn read_batch(&mut self, out: &mut [u8]) -> Result<Option<Batch>, Error<io::Error>> {
        self.room(out, 1)?;
        let fit = out.len().checked_div(self.plan.record_size as usize).unwrap_or(0);
        let most = u32::try_from(fit).unwrap_or(u32::MAX);
        let Some(records) = self.next_records(most)? else { return Ok(None) };
        let (first, bytes) = (records.first, records.bytes);
        out.get_mut(..bytes.len()).unwrap_or_default().copy_from_slice(bytes);
        Ok(Some(Batch { first, count: u32::try_from(records.len()).unwrap_or(u32::MAX) }))
    }

    /// The first bytes of `out`, for `count` records.
    fn room<'b>(&self, out: &'b mut [u8], count: u32) -> Result<&'b mut [u8], Invalid> {
        let need = (self.plan.record_size as usize).saturating_mul(count as usize);
        let have = out.len() as u64;
        out.get_mut(..need).ok_or(Invalid::Buffer(need as u64, have))
    }

    /// Moves the cursor over records that were copied, if this is still the reader's handle.
    pub(super) fn move_on(&mut self, count: u32) -> Result<(), Error<io::Error>> {
        let cursor = self.cursor.wrapping_add(u64::from(count));
        if !self.handle.tell(cursor) {
            return Err(Error::Closed);
        }
        self.cursor = cursor;
        Ok(())
    }

    /// Makes `seqn` the next record to be read.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is beyond the record to come, or 0; [`Error::Closed`].
    pub fn seek(&mut self, seqn: u64) -> Result<(), Error<io::Error>> {
        self.check_open()?;
        // To go back takes nothing of the medium, which may have failed just now.
        if seqn > self.bounds.last.saturating_add(1) {
            self.refresh()?;
        }
        let last = self.bounds.last;
        if seqn == 0 || seqn > last.saturating_add(1) {
            let range = crate::SeqnRange { first: 1, last };
            return Err(Invalid::Seqn(seqn, range).into());
        }
        (self.at, self.cursor) = (Position::NOWHERE, seqn.saturating_sub(1));
        self.at_hand.count = 0;
        self.handle.tell(self.cursor);
        Ok(())
    }

    /// Makes the cursor durable and returns it: everything read may then be forgotten.
    ///
    /// # Errors
    /// [`Error::Storage`]; [`Error::Closed`].
    pub fn commit(&mut self) -> Result<u64, Error<io::Error>> {
        self.check_open()?;
        if self.cursor == self.committed {
            return Ok(self.cursor);
        }
        let counter = self.counter.wrapping_add(1);
        let index = self.at.index().unwrap_or(0);
        let place = Place { counter, index, cursor: self.cursor, reader: self.n };
        let bytes = place.encode(self.plan.base_seed);
        let which = u8::from(counter % 2 == 1);
        let written = self.handle.commit(|| self.folder.write_cursor(self.n, which, &bytes));
        written.ok_or(Error::Closed)?.map_err(Error::Storage)?;
        (self.counter, self.committed) = (counter, self.cursor);
        Ok(self.cursor)
    }

    /// The last number read.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// How many records were read and not committed.
    pub fn uncommitted(&self) -> u64 {
        self.cursor.saturating_sub(self.committed)
    }

    /// How many durable records are still ahead.
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Storage`].
    pub fn lag(&mut self) -> Result<u64, Error<io::Error>> {
        self.refresh()?;
        Ok(self.bounds.last.saturating_sub(self.cursor))
    }

    /// The formats, the names of the columns and the sizes.
    pub fn schema(&self) -> &Schema {
        match &self.source {
            Source::Beside(inner) => &inner.schema,
            Source::Apart(apart) => &apart.schema,
        }
    }

    /// Closes the reader without a commit.
    pub fn close(&mut self) {
        self.handle.end();
    }

    pub(super) fn check_open(&self) -> Result<(), Error<io::Error>> {
        if self.handle.tell(self.cursor) { Ok(()) } else { Err(Error::Closed) }
    }

    /// True if the last durable number it knows of is ahead.
    pub(super) fn is_behind(&self) -> bool {
        self.cursor < self.bounds.last
    }

    /// Asks how far records are durable.
    pub(super) fn refresh(&mut self) -> Result<(), Error<io::Error>> {
        self.check_open()?;
        let bounds = match &mut self.source {
            Source::Beside(inner) => inner.shown.with(|published| published.bounds),
            Source::Apart(apart) => {
                self.seen = Seen::default();
                // A bucket that a cut left behind is made anew under its name.
                self.folder.refresh();
                let window = &mut Window::ahead(&mut apart.window, Seen::default());
                let bounds = look(&mut self.folder, &self.plan, window, |probe| -> Bounds {
                    probe.end_beside_writer(None).bounds()
                });
                let bounds = bounds.map_err(Error::Storage)?;
                if bounds.last < self.bounds.last || bounds.head == NO_INDEX {
                    header::check_same(&mut self.folder, &self.plan)?;
                }
                if bounds.last > self.bounds.last && bounds.head != NO_INDEX {
                    // The writer may not have synced yet; a number handed out must stay taken.
                    let slot = self.plan.slot(bounds.head);
                    self.folder.settle(slot).map_err(Error::Storage)?;
                }
                bounds
            }
        };
        if bounds != self.bounds {
            self.seen = Seen::default();
            self.bounds = bounds;
        }
        Ok(())
    }
}
