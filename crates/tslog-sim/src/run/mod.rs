//! One log on one medium, held to the model call by call.
//!
//! A life goes from power on to the fault that was planned. Whatever the log answers that the model
//! does not allow is a panic; an error that the fault explains ends the life.

mod beside;
mod failing;
mod fork;
mod idle;
mod reading;
mod remake;

use crate::medium::{Drawn, Medium};
use crate::model::Model;
use crate::ops::{How, Op, Shape};
use crate::power::{Power, Rng};
use std::fmt::Debug;
use tslog::storage::Storage;
use tslog::{Begun, Config, Error, Log, MAX_READERS, Mismatch, Policy, Reader, buffer_size};

type TheLog<M> = Log<<M as Medium>::Storage, Vec<u8>, MAX_READERS>;
type StorageError<M> = <<M as Medium>::Storage as Storage>::Error;

/// The planned fault has struck, and this life is over.
#[derive(Clone, Copy, Debug)]
pub struct Struck;

/// What a step of a life comes to.
pub type Life = Result<(), Struck>;

/// A log, its medium and its model.
pub struct Run<M: Medium> {
    /// The medium.
    pub medium: M,
    /// Its power supply.
    pub power: Power,
    /// Where what is random comes from.
    pub rng: Rng,
    /// The parameters of the log.
    pub shape: Shape,
    /// What must be there.
    pub model: Model,
    log: Option<TheLog<M>>,
    handles: [Option<Reader>; MAX_READERS],
    /// Set once creation was acknowledged.
    made: bool,
    squeezed: bool,
    /// Set where records are stored while a commit is on its way, as threads do that share one log.
    pub beside: bool,
    /// That commit.
    begun: Option<Begun>,
}

impl<M: Drawn> Run<M> {
    /// A blank medium for a log of this shape.
    pub fn new(shape: Shape, mut rng: Rng, tears: u64) -> Self {
        let power = Power::new();
        let need = u64::from(shape.bucket_size.min(200)) * u64::from(shape.record_size + 8) + 128;
        let medium = M::draw(&mut rng, need, &power);
        let rng = Rng::new(rng.bits() ^ tears);
        Self::on(medium, power, rng, shape)
    }
}

impl<M: Medium> Run<M> {
    /// A log of this shape, which is to be made on `medium`.
    pub fn on(medium: M, power: Power, rng: Rng, shape: Shape) -> Self {
        let drops = shape.policy == Policy::DropOldest;
        let model =
            Model::new(shape.record_size as usize, shape.commit_delta, shape.readers, drops);
        let handles = [const { None }; MAX_READERS];
        let (log, begun) = (None, None);
        let (made, squeezed, beside) = (false, false, false);
        Self { medium, power, rng, shape, model, log, handles, made, squeezed, beside, begun }
    }

    /// True if a log of this shape fits the medium. Writes nothing if not.
    pub fn fits(&mut self) -> bool {
        let buffer = self.buffer();
        let storage = self.medium.storage();
        let steps = self.power.steps();
        match TheLog::<M>::open_or_create(storage, buffer, &self.config(true)) {
            Ok(_) => true,
            Err(Error::Invalid(_)) => {
                assert!(steps == self.power.steps(), "wrong arguments changed the medium");
                false
            }
            Err(error) => panic!("creating a log: {error:?}"),
        }
    }

    /// Opens the log, or makes it if that was never acknowledged, and checks all of it.
    pub fn open(&mut self) -> Life {
        self.power.rest();
        self.try_wrong_shape();
        let drops = self.shape.policy == Policy::DropOldest;
        self.model.declare(self.shape.readers, self.shape.commit_delta, drops);
        let (storage, buffer) = (self.medium.storage(), self.buffer());
        let named = self.rng.chance(50);
        let only_open = self.made && self.rng.chance(70);
        let config = self.config(named || !self.made);
        let opened = if only_open {
            TheLog::<M>::open(storage, buffer, &config)
        } else {
            TheLog::<M>::open_or_create(storage, buffer, &config)
        };
        self.log = Some(self.expect(opened, "opening")?);
        self.made = true;
        self.adopt()
    }

    /// Opening with another shape is refused and changes nothing.
    fn try_wrong_shape(&mut self) {
        if !self.made || !self.power.is_on() || !self.rng.chance(5) {
            return;
        }
        let steps = self.power.steps();
        let other = self.shape.bucket_size + 1;
        let config = Config { bucket_size: Some(other), ..self.config(false) };
        let refused = TheLog::<M>::open(self.medium.storage(), self.buffer(), &config);
        match refused.map(|_| ()) {
            Err(Error::Mismatch(Mismatch::BucketSize(_, _))) => {}
            Err(_) if self.power.struck() => {}
            other => panic!("opening with another bucket_size: {other:?}"),
        }
        assert!(steps == self.power.steps(), "a refused open changed the medium");
    }

    fn config(&self, shape: bool) -> Config<'_> {
        let raw = self.shape.formats.is_empty();
        Config {
            formats: (shape && !raw).then_some(&self.shape.formats[..]),
            record_size: (shape && raw).then_some(self.shape.record_size),
            bucket_size: shape.then_some(self.shape.bucket_size),
            commit_delta: self.shape.commit_delta,
            readers: self.shape.readers,
            policy: self.shape.policy,
            max_buckets: self.shape.max_buckets,
            id: [7; 16],
        }
    }

    fn buffer(&self) -> Vec<u8> {
        let Shape { record_size, commit_delta, batch, .. } = self.shape;
        let batch = if M::NAMED { batch.min(commit_delta) } else { commit_delta };
        vec![0xA5; buffer_size(record_size as usize, batch as usize)]
    }

    /// Passes on what went well; ends the life if the fault explains the error.
    fn expect<T, E: Debug>(&self, result: Result<T, E>, doing: &str) -> Result<T, Struck> {
        match result {
            Ok(value) => {
                // A failed deletion is no error, so a fault may pass without a word.
                self.power.forgive();
                Ok(value)
            }
            Err(_) if self.power.struck() => Err(Struck),
            Err(error) => panic!("{doing}: {error:?}"),
        }
    }

    fn log(&mut self) -> &mut TheLog<M> {
        self.log.as_mut().expect("a life begins by opening the log")
    }

    /// Compares what the log says it holds with what it may hold.
    fn adopt(&mut self) -> Life {
        self.handles = [const { None }; MAX_READERS];
        let stats = self.log().stats();
        self.model.found(stats.committed);
        for n in 0..self.model.readers() {
            let reader = self.log().reader(n);
            let reader = self.expect(reader, "taking a reader")?;
            let cursor = self.log().cursor(&reader);
            let cursor = self.expect(cursor, "asking for a cursor")?;
            self.model.found_cursor(n, cursor);
            self.handles[usize::from(n)] = Some(reader);
        }
        self.check_stats();
        Ok(())
    }

    /// Compares the figures of the log with the model's.
    pub fn check_stats(&mut self) {
        let stats = self.log().stats();
        let uncommitted = self.log().uncommitted();
        let model = &self.model;
        let want = (model.stored(), model.committed(), model.lag(), model.uncommitted());
        let have = (stats.seqn, stats.committed, stats.lag, uncommitted);
        assert!(
            have == want,
            "stats say {have:?} (seqn, committed, lag, uncommitted), not {want:?}"
        );
        assert!(stats.oldest_bucket <= stats.bucket, "the oldest bucket is behind the newest");
    }

    /// Reads everything that is left by every reader, and compares it whole.
    pub fn check_all(&mut self) -> Life {
        for n in 0..self.model.readers() {
            let how = self.rng.pick(&[How::Next, How::Peek, How::Batch]);
            self.read(n, u64::MAX, how)?;
        }
        // What was read already and is still there must read back too.
        let n = self.rng.below(u64::from(self.model.readers())) as u8;
        if self.model.committed() > 0 {
            self.seek(n, 1)?;
            self.read(n, u64::MAX, How::Batch)?;
        }
        for n in 0..self.model.readers() {
            self.renew(n)?;
        }
        self.check_stats();
        Ok(())
    }

    /// One step of a script.
    pub fn op(&mut self, op: Op) -> Life {
        self.power.rest();
        if !matches!(op, Op::Store(_) | Op::Read(..) | Op::Reset) {
            self.finish_commit()?;
        }
        let readers = self.model.readers();
        match op {
            Op::Store(count) => (0..count).try_for_each(|_| self.store()),
            Op::Commit => self.commit(),
            Op::Read(n, count, how) => self.read(n % readers, u64::from(count), how),
            Op::CommitReader(n) => self.commit_reader(n % readers),
            Op::Seek(n, part) => {
                let seqn = 1 + self.model.committed() * u64::from(part) / 1000;
                self.seek(n % readers, seqn)
            }
            Op::Renew(n) => self.renew(n % readers),
            Op::Reopen => self.reopen(),
            Op::Reset => self.reset(),
            Op::Recreate => self.recreate(),
            Op::Readers(readers) => {
                self.close()?;
                self.shape.readers = readers;
                self.open()
            }
            Op::Delta(delta) => self.change_delta(u32::from(delta)),
            Op::Drain => self.drain(),
            Op::Squeeze(tight) => {
                self.squeeze(tight);
                Ok(())
            }
        }?;
        self.check_stats();
        Ok(())
    }

    fn store(&mut self) -> Life {
        let size = self.model.record_size();
        let len = if self.rng.chance(90) { size } else { self.rng.below(size as u64 + 1) as usize };
        let mut data = vec![0; len];
        self.rng.fill(&mut data);
        if self.beside {
            self.make_room_beside()?;
        }
        for again in [true, false] {
            let (seqn, stored) = if self.beside {
                (self.model.store_only(&data), self.store_only(&data))
            } else {
                (self.model.store(&data), self.log().store_record(&data))
            };
            match stored {
                Ok(given) => {
                    self.power.forgive();
                    assert!(given == seqn, "store gave number {given} instead of {seqn}");
                    if self.beside {
                        return self.commit_beside();
                    }
                    self.model.done();
                    return Ok(());
                }
                Err(Error::Full) if self.power.is_on() => {
                    // What could not be given back was no error, and is tried again.
                    let again = again || self.power.struck();
                    self.power.forgive();
                    self.model.refuse();
                    self.check_full("store");
                    assert!(again, "store is full, and the readers have drained all");
                    if self.rng.chance(50) {
                        return Ok(());
                    }
                    // Readers can drain what is committed, so that comes first.
                    self.squeeze(false);
                    self.commit()?;
                    self.drain()?;
                }
                Err(error) => return self.expect(Err(error), "storing"),
            }
        }
        Ok(())
    }

    /// A log that drops the oldest bucket is not full while it has two.
    fn check_full(&mut self, doing: &str) {
        self.check_stats();
        // What is not committed cannot be dropped.
        let waiting = self.model.uncommitted() > 0;
        let may = self.shape.policy == Policy::Error || M::NAMED || waiting;
        assert!(may, "{doing} is full, and the log may drop its oldest bucket");
    }

    fn commit(&mut self) -> Life {
        for again in [true, false] {
            self.model.commit();
            match self.log().commit() {
                Ok(seqn) => {
                    self.power.forgive();
                    let stored = self.model.stored();
                    assert!(seqn == stored, "commit gave number {seqn} instead of {stored}");
                    self.model.done();
                    return Ok(());
                }
                Err(Error::Full) if self.power.is_on() => {
                    assert!(again, "commit is full, and the readers have drained all");
                    self.model.refuse_commit();
                    self.check_full("commit");
                    self.squeeze(false);
                    self.drain()?;
                }
                Err(error) => return self.expect(Err(error), "committing"),
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Life {
        self.model.commit();
        match self.log().close() {
            Ok(()) => self.model.done(),
            // What had no room is lost with the handle, as after a reset.
            Err(Error::Full) if self.power.is_on() => self.model.refuse_commit(),
            Err(error) => return self.expect(Err(error), "closing"),
        }
        let closed = self.log().store_record(&[]);
        assert!(matches!(closed, Err(Error::Closed)), "a closed log stored: {closed:?}");
        self.forget();
        Ok(())
    }

    /// Drops the log as a reset does: without a commit.
    fn forget(&mut self) {
        self.handles = [const { None }; MAX_READERS];
        (self.log, self.begun) = (None, None);
        self.model.crash();
    }

    fn reopen(&mut self) -> Life {
        self.close()?;
        self.open()
    }

    fn reset(&mut self) -> Life {
        self.forget();
        self.open()
    }

    /// All readers read all there is and commit, which must always work.
    fn drain(&mut self) -> Life {
        let step = self.rng.pick(&[1, 3, 10, u64::MAX]);
        for n in 0..self.model.readers() {
            loop {
                self.read(n, step, How::Next)?;
                self.commit_reader(n)?;
                if self.model.cursor(n).memory == self.model.committed() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The life is over: all RAM is dropped. The medium loses what was not safe if the power went,
    /// or if it is to go now.
    pub fn end(&mut self, power_goes: bool) {
        if self.power.struck() && self.power.is_on() && self.log.is_some() {
            self.check_poisoned();
        }
        let cut = power_goes || !self.power.is_on() && !self.power.killed();
        self.forget();
        self.squeeze(false);
        self.power.restore();
        if cut {
            self.medium.cycle();
        }
    }

    /// After a failed write the log takes no more records.
    fn check_poisoned(&mut self) {
        let (stored, committed) = (self.log().store_record(&[]), self.log().commit());
        assert!(stored.is_err(), "a store after a failed write gave {stored:?}");
        assert!(committed.is_err(), "a commit after a failed write gave {committed:?}");
    }
}
