//! What readers do in a life, held to the model.

use super::{Life, Run, StorageError, Struck};
use crate::medium::Medium;
use crate::ops::How;
use tslog::{Error, Invalid, Reader};

impl<M: Medium> Run<M> {
    pub(super) fn take(&mut self, n: u8) -> Result<Reader, Struck> {
        if let Some(reader) = self.handles[usize::from(n)].take() {
            return Ok(reader);
        }
        let reader = self.log().reader(n);
        self.model.rewind(n);
        self.expect(reader, "taking a reader")
    }

    pub(super) fn read(&mut self, n: u8, count: u64, how: How) -> Life {
        let mut reader = self.take(n)?;
        let mut left = count;
        while left > 0 {
            let got = match how {
                How::Next => self.read_next(n, &mut reader)?,
                How::Peek => {
                    self.peek(n, &mut reader)?;
                    self.read_next(n, &mut reader)?
                }
                How::Batch => self.read_batch(n, &mut reader, left)?,
            };
            let Some(got) = got else {
                self.model.read_end(n);
                break;
            };
            left -= got.min(left);
        }
        self.handles[usize::from(n)] = Some(reader);
        Ok(())
    }

    /// Reads one record; `Some(0)` if some were lost.
    fn read_next(&mut self, n: u8, reader: &mut Reader) -> Result<Option<u64>, Struck> {
        let mut out = vec![0; self.model.record_size()];
        match self.log().next_record(reader, &mut out) {
            Ok(Some(seqn)) => {
                self.model.read(n, seqn, &out);
                Ok(Some(1))
            }
            Ok(None) => Ok(None),
            Err(error) => self.lost(n, error),
        }
    }

    fn peek(&mut self, n: u8, reader: &mut Reader) -> Life {
        let mut out = vec![0; self.model.record_size()];
        match self.log().peek_record(reader, &mut out) {
            Ok(Some(seqn)) => {
                assert!(seqn == self.model.cursor(n).memory + 1, "peek gave record {seqn}");
                self.model.check_record(seqn, &out);
            }
            Ok(None) => self.model.read_end(n),
            Err(error) => drop(self.lost(n, error)?),
        }
        Ok(())
    }

    fn read_batch(&mut self, n: u8, reader: &mut Reader, most: u64) -> Result<Option<u64>, Struck> {
        let size = self.model.record_size();
        let most = most.min(self.rng.within(1, 40)) as usize;
        let mut out = vec![0; most * size + self.rng.below(size as u64) as usize];
        match self.log().read_batch(reader, &mut out) {
            Ok(Some(batch)) => {
                let count = batch.count as usize;
                assert!((1..=most).contains(&count), "a batch of {count} records, {most} fit");
                for (seqn, data) in (batch.first..).zip(out[..count * size].chunks(size)) {
                    self.model.read(n, seqn, data);
                }
                Ok(Some(count as u64))
            }
            Ok(None) => Ok(None),
            Err(error) => self.lost(n, error),
        }
    }

    /// A reader's error: a loss that was to be, or the fault.
    fn lost(&mut self, n: u8, error: Error<StorageError<M>>) -> Result<Option<u64>, Struck> {
        // A bucket that may go can be erased at any time, and erased in part.
        if let Error::Lost(range) | Error::Damaged(range) = error
            && (matches!(error, Error::Lost(_)) || self.model.may_lose(range.last))
        {
            self.model.lost(n, range.first, range.last);
            return Ok(Some(0));
        }
        self.expect(Err(error), "reading")
    }

    pub(super) fn seek(&mut self, n: u8, seqn: u64) -> Life {
        let mut reader = self.take(n)?;
        match self.log().seek(&mut reader, seqn) {
            Ok(()) => self.model.seek(n, seqn),
            Err(Error::Invalid(Invalid::Seqn(asked, range))) => {
                assert!(asked == seqn && seqn < range.first, "seek to {seqn} refused: {range}");
                let may = self.model.may_lose(range.first - 1);
                assert!(may, "the oldest record is {}, and earlier ones are needed", range.first);
                self.handles[usize::from(n)] = Some(reader);
                // The bits of a bucket that is erased in part may tell of a later first record now.
                return self.seek(n, range.first);
            }
            Err(error) => return self.expect(Err(error), "seeking"),
        }
        self.handles[usize::from(n)] = Some(reader);
        Ok(())
    }

    pub(super) fn commit_reader(&mut self, n: u8) -> Life {
        let mut reader = self.take(n)?;
        self.model.commit_cursor(n);
        let seqn = self.log().commit_reader(&mut reader);
        let seqn = self.expect(seqn, "committing a reader")?;
        let want = self.model.cursor(n).memory;
        assert!(seqn == want, "commit of reader {n} gave {seqn} instead of {want}");
        self.model.cursor_done(n);
        self.handles[usize::from(n)] = Some(reader);
        Ok(())
    }

    /// A new handle starts at the committed cursor, and the older one is closed.
    pub(super) fn renew(&mut self, n: u8) -> Life {
        let old = self.handles[usize::from(n)].take();
        let new = self.take(n)?;
        if let Some(mut old) = old {
            let mut out = vec![0; self.model.record_size()];
            let told = self.log().next_record(&mut old, &mut out);
            assert!(
                matches!(told, Err(Error::Closed)),
                "an older handle of reader {n} gave {told:?}"
            );
        }
        self.handles[usize::from(n)] = Some(new);
        Ok(())
    }
}
