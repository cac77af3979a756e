//! Looking at a log without a lock and without changing it: a folder that may be in use, or a dump
//! of flash.

use core::time::Duration;
use std::{io, path::Path, time::Instant};

use super::borrow_formats;
use crate::{
    error::{Error, Invalid},
    format::{Format, Value},
    layout::{header::LogHeader, plan::Plan},
    log::{
        NO_INDEX,
        cursors::newest_place,
        header,
        medium::Medium,
        probe::{Probe, Seen, Window, look},
        read::{Bounds, Position, Step},
    },
    storage::{Storage, dir::Watch, folder::Folder, image::Image},
    words::{MAX_READERS, SeqnRange},
};

const WINDOW: usize = 64 * 1024;

/// The formats of a log, the names of their fields, and its sizes.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// use tslog::{Options, Value};
/// # let log = Options::new().formats(&[("Qf", "time:s,humidity:%")]).open_raw(&path)?;
/// let schema = log.schema();
/// assert_eq!(schema.formats[0].1, "time:s,humidity:%");
/// let record = schema.pack(None, &[Value::Uint(1), Value::Float(48.5)])?;
/// let (at, bytes) = schema.split(&record).expect("it is of the first format");
/// let format = schema.formats()?[usize::from(at)];
/// assert_eq!(format.unpack(bytes).last(), Some(Value::Float(48.5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Each format, resolved, and its fields as `name:unit,...`; none in a log of raw records.
    pub formats: Vec<(String, String)>,
    /// Bytes in a record, the tag included.
    pub record_size: u32,
    /// Records in a full bucket.
    pub bucket_size: u32,
}

impl Schema {
    pub(super) fn read<S: Storage>(
        storage: &mut S,
        header: &LogHeader,
    ) -> Result<Self, Error<S::Error>> {
        let mut medium = Medium::new(storage);
        let slot = u32::from(!header::is_copy(&mut medium, 0, header));
        let mut text = header::Text::new(header.size(), slot);
        let mut bytes = Vec::new();
        while let Some(byte) = text.next(&mut medium) {
            bytes.push(byte);
        }
        medium.end(()).map_err(Error::Storage)?;
        let text = String::from_utf8_lossy(&bytes);
        let formats = text.lines().map(|line| {
            let (format, fields) = line.split_once('\t').unwrap_or((line, ""));
            (format.to_owned(), fields.to_owned())
        });
        let (record_size, bucket_size) = (header.record_size, header.bucket_size);
        Ok(Self { formats: formats.collect(), record_size, bucket_size })
    }

    /// The formats, ready to pack and unpack with.
    ///
    /// # Errors
    /// [`Invalid::Format`] if the header names a format this library does not know.
    pub fn formats(&self) -> Result<Vec<Format<'_>>, Invalid> {
        borrow_formats(&self.formats)
    }

    /// Packs values into the bytes of a record; `tag` where there are several formats.
    ///
    /// # Errors
    /// [`Invalid`] if the tag or a value does not fit.
    pub fn pack(&self, tag: Option<u8>, values: &[Value<'_>]) -> Result<Vec<u8>, Invalid> {
        let count = u32::try_from(self.formats.len()).unwrap_or(u32::MAX);
        let mut record = vec![0; self.record_size as usize];
        let (at, skip) = match (tag, count) {
            (None, 1) => (0, 0),
            (Some(tag), 2..) if u32::from(tag) < count => (tag, 1),
            (Some(tag), 2..) => return Err(Invalid::Tag(u32::from(tag), count)),
            (None | Some(_), _) => return Err(Invalid::Formats(count)),
        };
        if let (Some(tag), Some(first)) = (tag, record.first_mut()) {
            *first = tag;
        }
        let (format, _) = self.formats.get(usize::from(at)).ok_or(Invalid::Formats(count))?;
        let format = Format::new(format)?;
        let out = record.get_mut(skip..).unwrap_or_default();
        format.pack(values, out).map_err(Invalid::from)?;
        Ok(record)
    }

    /// Which format the bytes of a record have, and those bytes without the tag.
    pub fn split<'b>(&self, record: &'b [u8]) -> Option<(u8, &'b [u8])> {
        match self.formats.len() {
            0 => None,
            1 => Some((0, record)),
            many => {
                let (&tag, rest) = record.split_first()?;
                (usize::from(tag) < many).then_some((tag, rest))
            }
        }
    }
}

/// What a look at a log meets next; [`View`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewStep {
    /// This many records were copied, from this number on.
    Records(u64, u32),
    /// These numbers do not read back.
    Damaged(SeqnRange),
    /// There is nothing more.
    End,
}

/// A log that is only looked at.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// use tslog::{View, ViewStep};
/// # let log = tslog::Options::new().record_size(4).commit_delta(1).open_raw(&path)?;
/// # log.store_record(b"20.5")?;
/// let mut view = View::open(&path)?; // the writer goes on, and knows nothing of it
/// assert_eq!((view.numbers()?.last, view.cursors()?), (1, vec![0]));
/// let mut records = [0; 400];
/// assert_eq!(view.read(&mut records)?, ViewStep::Records(1, 1));
/// assert_eq!(view.read(&mut records)?, ViewStep::End);
///
/// log.store_record(b"20.6")?;
/// view.refresh()?;
/// assert_eq!(view.read(&mut records)?, ViewStep::Records(2, 1));
/// view.seek(1)?;
/// assert_eq!(view.read(&mut records)?, ViewStep::Records(1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct View<S> {
    storage: S,
    header: LogHeader,
    plan: Plan,
    schema: Schema,
    header_damaged: bool,
    bounds: Bounds,
    abandoned_size: u32,
    window: Vec<u8>,
    seen: Seen,
    at: Position,
    next: u64,
    watch: Option<Watch>,
}

impl View<Folder> {
    /// Looks at a folder.
    ///
    /// # Errors
    /// [`Error::NoLog`], [`Error::NotALog`], [`Error::Version`], [`Error::Storage`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error<io::Error>> {
        Self::new(Folder::open_view(path.as_ref())?)
    }

    /// Waits until the log may have changed since the last look, or `timeout` is over. True says
    /// that a [`View::refresh`] is worth it, and not more.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        match &mut self.watch {
            Some(watch) => watch.wait(until),
            // What was written before there was a watch is worth a look.
            none => {
                *none = Some(self.storage.watch());
                true
            }
        }
    }
}

/// A dump that is not there is no log.
fn no_file(error: io::Error) -> Error<io::Error> {
    if error.kind() == io::ErrorKind::NotFound { Error::NoLog } else { Error::Storage(error) }
}

impl View<Image> {
    /// Looks at a dump of flash with sectors of `sector_size` bytes.
    ///
    /// ```
    /// let mut view = tslog::View::open_image("tests/golden/flash-4.bin", 512)?;
    /// assert_eq!(view.numbers()?.to_string(), "281 to 451");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`View::open`].
    pub fn open_image(path: impl AsRef<Path>, sector_size: u32) -> Result<Self, Error<io::Error>> {
        let image = Image::open(path.as_ref(), sector_size).map_err(no_file)?;
        Self::new(image)
    }
}

impl<S: Storage> View<S> {
    /// Looks at any medium.
    ///
    /// # Errors
    /// As [`View::open`].
    pub fn new(mut storage: S) -> Result<Self, Error<S::Error>> {
        let (header, copies) = header::find(&mut storage)?;
        let plan = Plan::to_look::<S>(&header, storage.geometry())?;
        let schema = Schema::read(&mut storage, &header)?;
        let bounds = Bounds { oldest: 0, head: NO_INDEX, last: 0 };
        let mut view = Self {
            storage,
            header,
            plan,
            schema,
            header_damaged: copies.damaged().is_some(),
            bounds,
            abandoned_size: 0,
            window: vec![0; WINDOW],
            seen: Seen::default(),
            at: Position::NOWHERE,
            next: 1,
            watch: None,
        };
        view.refresh()?;
        view.seek(0)?;
        Ok(view)
    }

    /// Looks again how far the log goes.
    ///
    /// # Errors
    /// [`Error::Closed`] if another log was made in its place; [`Error::Storage`].
    pub fn refresh(&mut self) -> Result<(), Error<S::Error>> {
        self.seen = Seen::default();
        self.storage.refresh();
        let last = self.bounds.last;
        let end = self.probe(|probe| probe.end_beside_writer(None))?;
        (self.bounds, self.abandoned_size) = (end.bounds(), end.abandoned_size);
        if self.bounds.last < last || self.bounds.head == NO_INDEX {
            header::check_same(&mut self.storage, &self.plan)?;
        }
        self.seen = Seen::default();
        Ok(())
    }

    /// The formats, names and sizes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The id of the log.
    pub fn id(&self) -> [u8; 16] {
        self.header.id
    }

    /// How often the log was made anew here.
    pub fn generation(&self) -> u32 {
        self.header.generation
    }

    /// True if one of the two copies of the log header is damaged.
    pub fn header_damaged(&self) -> bool {
        self.header_damaged
    }

    /// Bytes behind the last commit that belong to none.
    pub fn abandoned_size(&self) -> u32 {
        self.abandoned_size
    }

    /// The oldest and the newest bucket, if there is one.
    pub fn buckets(&self) -> Option<(u32, u32)> {
        (self.bounds.head != NO_INDEX).then_some((self.bounds.oldest, self.bounds.head))
    }

    /// The first number of bucket `index`, if its header is sound.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn bucket_first(&mut self, index: u32) -> Result<Option<u64>, Error<S::Error>> {
        self.probe(|probe| probe.first_of(index))
    }

    /// The numbers that are there.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn numbers(&mut self) -> Result<SeqnRange, Error<S::Error>> {
        let bounds = self.bounds;
        let last = bounds.last;
        let first = match bounds.head {
            NO_INDEX => last.saturating_add(1),
            head => self.probe(|probe| probe.first_number(bounds.oldest, head))?,
        };
        Ok(SeqnRange { first, last })
    }

    /// The committed cursor of each reader that has one of its own, or that the newest bucket
    /// names.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn cursors(&mut self) -> Result<Vec<u64>, Error<S::Error>> {
        let oldest = self.numbers()?.first.saturating_sub(1);
        if self.plan.is_named::<S>() {
            let mut cursors = Vec::new();
            for n in 0..self.storage.readers().map_err(Error::Storage)? {
                let place = newest_place(&mut self.storage, self.plan.base_seed, n);
                cursors.push(place.map_err(Error::Storage)?.map_or(oldest, |place| place.cursor));
            }
            return Ok(cursors);
        }
        let size = self.header.size();
        let journal = crate::log::newest_journal(&mut self.storage, &self.plan, size);
        let journal = journal.map_err(Error::Storage)?;
        let told = self.probe(|probe| probe.end_beside_writer(journal.as_ref()))?.told();
        Ok((0..MAX_READERS).map_while(|n| told.get(n)).collect())
    }

    /// Takes the numbers up to `cursor`, which a reader committed, for committed, as an opened log
    /// does: those beyond its end are read, as far as they are there, or named as damaged. Holds
    /// until [`View::refresh`].
    pub fn believe(&mut self, cursor: u64) {
        self.bounds.last = self.bounds.last.max(cursor);
    }

    /// Makes `seqn` the next number to be looked at, or the first there is.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn seek(&mut self, seqn: u64) -> Result<(), Error<S::Error>> {
        self.next = seqn.max(self.numbers()?.first);
        self.at = Position::NOWHERE;
        Ok(())
    }

    /// Copies the next records into `out`, as many as fit and lie in one commit.
    ///
    /// # Errors
    /// [`Error::Storage`]; [`Error::Invalid`] if `out` is shorter than a record.
    pub fn read(&mut self, out: &mut [u8]) -> Result<ViewStep, Error<S::Error>> {
        let need = self.plan.record_size as usize;
        if out.len() < need {
            return Err(Invalid::Buffer(need as u64, out.len() as u64).into());
        }
        let (bounds, next) = (self.bounds, self.next);
        let mut at = self.at;
        let step = self.probe(|probe| probe.read(&bounds, &mut at, next, out))?;
        self.at = at;
        Ok(match step {
            Step::End => ViewStep::End,
            Step::Records(count) => {
                self.at.take(count);
                self.next = next.saturating_add(u64::from(count));
                ViewStep::Records(next, count)
            }
            Step::Damaged(range) | Step::Lost(range) => {
                self.next = range.last.saturating_add(1);
                ViewStep::Damaged(range)
            }
        })
    }

    fn probe<T>(
        &mut self,
        found: impl FnOnce(&mut Probe<'_, '_, S>) -> T,
    ) -> Result<T, Error<S::Error>> {
        let window = &mut Window::ahead(&mut self.window, self.seen);
        let done = look(&mut self.storage, &self.plan, window, found);
        self.seen = window.seen();
        done.map_err(Error::Storage)
    }
}
