//! Committing: one frame, one write, one sync.

use super::{Log, NO_INDEX, state::State, write::NewFrame};
use crate::{error::Error, layout::frame::Kind, storage::Storage};

/// A commit that is on its way: begun, and not yet durable.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// Its last number.
    seqn: u64,
    head: u32,
    /// The frame that ends it.
    pub(crate) frame: NewFrame,
    /// Parts of it were written before, and must be durable before this frame is written: it
    /// vouches for them.
    pub(crate) has_parts: bool,
}

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Makes every stored record durable, and returns the last number. With nothing new it does
    /// nothing.
    ///
    /// *Power goes before this returns:* the whole commit is there after the next open, or none of
    /// it.
    ///
    /// ```
    /// # use tslog::{Config, Log, storage::ram::Ram};
    /// # let mut medium = [0xFF; 8 * 256];
    /// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
    /// # let buffer = [0; tslog::buffer_size(8, 2)];
    /// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
    /// log.store_record(b"one")?;
    /// assert_eq!(log.uncommitted(), 1);
    /// assert_eq!(log.commit()?, 1);
    /// assert_eq!(log.uncommitted(), 0);
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`], after which the log is poisoned and must be opened again; what was
    /// durable before still is. [`Error::Closed`], [`Error::Poisoned`].
    pub fn commit(&mut self) -> Result<u64, Error<S::Error>> {
        if let Some(begun) = self.begin_commit()? {
            self.finish_commit(begun)?;
        }
        Ok(self.tail.stored)
    }

    /// Writes what is stored as a commit, which counts once it is synced and [`Log::end_commit`]
    /// was told. In between, records may be stored as long as [`Log::copies_left`] says that this
    /// is copying, and nothing else may be done: the last frame is vouched for by no other.
    ///
    /// # Errors
    /// As [`Log::commit`].
    #[doc(hidden)]
    pub fn begin_commit(&mut self) -> Result<Option<Begun>, Error<S::Error>> {
        let Some(begun) = self.take_commit()? else { return Ok(None) };
        if begun.has_parts {
            self.sync()?;
        }
        let written = begun.frame.write(&mut self.storage, &self.plan, self.buffer.as_mut());
        written.map_err(|error| self.poison(error))?;
        Ok(Some(begun))
    }

    /// Makes a commit of what is stored, and leaves it to the caller to seal, write and sync it.
    pub(crate) fn take_commit(&mut self) -> Result<Option<Begun>, Error<S::Error>> {
        self.check_open()?;
        if self.tail.stored == self.tail.committed {
            return Ok(None);
        }
        let has_parts = self.tail.has_parts();
        let frame = self.take_batch(Kind::Records);
        Ok(Some(Begun { seqn: self.tail.stored, head: self.tail.head, frame, has_parts }))
    }

    /// Makes a commit that was begun durable.
    ///
    /// # Errors
    /// [`Error::Storage`], as for [`Log::commit`].
    #[doc(hidden)]
    pub fn finish_commit(&mut self, begun: Begun) -> Result<(), Error<S::Error>> {
        self.sync()?;
        self.end_commit(begun);
        Ok(())
    }

    /// The commit that was begun is durable.
    pub(crate) fn end_commit(&mut self, begun: Begun) {
        self.tail.committed = begun.seqn;
        self.tail.anchor = begun.head;
    }

    /// Commits, marks the log as closed in order, and lets go of it. The next open then goes on in
    /// the same bucket. Closing twice is no error.
    ///
    /// # Errors
    /// Those of [`Log::commit`]; the log is closed all the same.
    pub fn close(&mut self) -> Result<(), Error<S::Error>> {
        if self.state == State::Closed {
            return Ok(());
        }
        let closed = self.commit().and_then(|_| self.write_close());
        self.state = State::Closed;
        closed
    }

    /// A closing frame tells the next open that nothing was in flight. It is left out where it has
    /// no room; the next bucket is then begun anyway.
    fn write_close(&mut self) -> Result<(), Error<S::Error>> {
        let tail = &self.tail;
        let end = tail.offset.saturating_add(self.plan.close_frame());
        let room = if self.plan.is_named::<S>() { tail.reserved } else { self.plan.slot_size };
        let useless = tail.closed || tail.abandoned || !tail.is_begun() || end > room;
        if tail.head == NO_INDEX || useless {
            return Ok(());
        }
        self.write_small(Kind::Close, 0, &[])?;
        self.tail.closed = true;
        self.tail.anchor = self.tail.head;
        self.sync()
    }

    pub(crate) fn sync(&mut self) -> Result<(), Error<S::Error>> {
        self.storage.sync().map_err(|error| self.poison(error))
    }
}
