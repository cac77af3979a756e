//! What a log must do, as plainly as it can be said: a vector of records and some numbers.
//!
//! It knows what was acknowledged and what was in flight when the power went, and it says whether
//! what is found afterwards may be found. Every complaint is a panic with one sentence.

/// What a reader has read.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Cursor {
    /// The last number read.
    pub memory: u64,
    /// The last number whose reading was committed.
    pub durable: u64,
    /// The commit that had begun when the power went, or a new reader's place from before it was
    /// removed.
    pub flight: Option<u64>,
    /// Set for a reader that is new: it starts at the oldest record, wherever that is.
    pub new: bool,
    /// What the medium tells of this reader; less than `durable` if the log had dropped more.
    kept: u64,
}

/// The reference model of a log.
#[derive(Clone, Debug, Hash)]
pub struct Model {
    record_size: usize,
    bytes: Vec<u8>,
    /// The last number whose commit was acknowledged.
    committed: u64,
    /// The last number of a commit that had begun when the power went.
    flight: Option<u64>,
    /// The records of a commit that was cut and found missing. Until something is written, bits
    /// between 0 and 1 may let it read as whole after all; it is then as durable as any.
    torn: Option<Vec<u8>>,
    /// The end of the log as it may be instead: of two commits that were cut and have the same
    /// numbers, the earlier one.
    instead: Option<Vec<u8>>,
    /// Set while a log is being made anew: it may be empty, or the old one.
    reset: bool,
    /// The last number of each commit, in order.
    commits: Vec<u64>,
    /// Records stored since the last commit, or since it was asked for.
    since: u32,
    delta: u32,
    cursors: Vec<Cursor>,
    /// The highest that the least committed cursor ever was: up to here buckets may be gone.
    consumed: u64,
    /// Where readers stood that were removed: one that comes back may go on there.
    ghosts: [Option<u64>; 4],
    /// Set once the log may drop what was not read.
    drops: bool,
}

impl Model {
    /// An empty log.
    pub fn new(record_size: usize, delta: u32, readers: u8, drops: bool) -> Self {
        Self {
            record_size,
            bytes: Vec::new(),
            committed: 0,
            flight: None,
            torn: None,
            instead: None,
            reset: false,
            commits: Vec::new(),
            since: 0,
            delta,
            cursors: vec![Cursor::default(); usize::from(readers)],
            consumed: 0,
            ghosts: [None; 4],
            drops,
        }
    }

    /// Bytes in a record.
    pub fn record_size(&self) -> usize {
        self.record_size
    }

    /// The last number given.
    pub fn stored(&self) -> u64 {
        (self.bytes.len() / self.record_size) as u64
    }

    /// The last number that is durable for sure.
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// The last number of each commit, in order.
    pub fn commits(&self) -> &[u64] {
        &self.commits
    }

    /// True if the log may drop what was not read.
    pub fn drops(&self) -> bool {
        self.drops
    }

    /// How many readers there are.
    pub fn readers(&self) -> u8 {
        self.cursors.len() as u8
    }

    /// What reader `n` has read.
    pub fn cursor(&self, n: u8) -> Cursor {
        self.cursors[usize::from(n)]
    }

    /// The bytes of a record.
    pub fn record(&self, seqn: u64) -> &[u8] {
        let at = (seqn as usize - 1) * self.record_size;
        &self.bytes[at..at + self.record_size]
    }

    /// Latest number less the least in-memory cursor.
    pub fn lag(&self) -> u64 {
        self.stored() - self.cursors.iter().map(|cursor| cursor.memory).min().unwrap_or(0)
    }

    /// How many records are stored and not committed.
    pub fn uncommitted(&self) -> u64 {
        self.stored() - self.committed
    }

    /// A store begins; returns the number it must give. `data` may be shorter than a record.
    pub fn store(&mut self, data: &[u8]) -> u64 {
        self.instead = None;
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len() + self.record_size - data.len(), 0);
        self.since += 1;
        if self.since >= self.delta {
            self.flight = Some(self.stored());
        }
        self.stored()
    }

    /// As [`Model::store`], but a commit that comes due is begun by the caller, and may be on its
    /// way already.
    pub fn store_only(&mut self, data: &[u8]) -> u64 {
        let flight = self.flight;
        let seqn = self.store(data);
        self.flight = flight;
        seqn
    }

    /// True if a commit comes due by the number of records.
    pub fn is_due(&self) -> bool {
        self.since >= self.delta
    }

    /// The store was refused.
    pub fn refuse(&mut self) {
        self.bytes.truncate(self.bytes.len() - self.record_size);
        self.since -= 1;
        self.flight = None;
    }

    /// A commit begins.
    pub fn commit(&mut self) {
        self.flight = Some(self.stored());
    }

    /// The commit was refused for want of room, and the records are still to be committed.
    pub fn refuse_commit(&mut self) {
        self.flight = None;
    }

    /// The call that began last has returned well.
    pub fn done(&mut self) {
        if let Some(flight) = self.flight.take() {
            // Records may have been stored while the commit was on its way.
            self.since = u32::try_from(self.stored() - flight).unwrap_or(u32::MAX);
            if flight > self.committed {
                self.commits.push(flight);
            }
            if flight > self.committed {
                self.torn = None;
            }
            self.committed = flight;
        }
    }

    /// The last number of a commit that was cut, given its records.
    fn end_of(&self, torn: &[u8]) -> u64 {
        self.committed + (torn.len() / self.record_size) as u64
    }

    /// The log is being made anew.
    pub fn reset(&mut self) {
        self.reset = true;
    }

    /// The log was made anew.
    pub fn reset_done(&mut self, readers: u8, drops: bool) {
        *self = Self::new(self.record_size, self.delta, readers, drops);
    }

    /// Opened with another number of readers or another commit delta.
    pub fn declare(&mut self, readers: u8, delta: u32, drops: bool) {
        let least = self.least();
        self.consumed = self.consumed.max(least);
        while self.cursors.len() < usize::from(readers) {
            let flight = self.ghosts[self.cursors.len()];
            let new = Cursor { memory: 0, durable: least, flight, new: true, kept: 0 };
            self.cursors.push(new);
        }
        for n in usize::from(readers)..self.cursors.len() {
            self.ghosts[n] = Some(self.cursors[n].durable);
        }
        self.cursors.truncate(usize::from(readers));
        self.delta = delta;
        self.drops |= drops;
    }

    /// The least durable cursor, of all readers that have one of their own.
    pub fn least(&self) -> u64 {
        let own = self.cursors.iter().filter(|cursor| !cursor.new);
        own.map(|cursor| cursor.durable).min().unwrap_or(self.committed)
    }

    /// The log was dropped or lost its power: what was in memory is gone.
    pub fn crash(&mut self) {
        self.since = 0;
        for cursor in &mut self.cursors {
            cursor.memory = cursor.durable;
        }
    }

    /// The log was opened and says that `committed` is its last number.
    pub fn found(&mut self, committed: u64) {
        if self.reset && committed == 0 {
            let readers = self.readers();
            self.reset_done(readers, self.drops);
        }
        let torn = self.torn.as_ref().map(|torn| self.end_of(torn));
        let allowed = [Some(self.committed), self.flight, torn];
        assert!(
            allowed.contains(&Some(committed)),
            "found {committed} committed records, and {} were acknowledged{}",
            self.committed,
            self.flight.map_or(String::new(), |flight| format!(" ({flight} in flight)"))
        );
        let safe = self.committed as usize * self.record_size;
        match self.flight {
            Some(flight) if flight > self.committed && committed == self.committed => {
                self.bytes.truncate(flight as usize * self.record_size);
                self.torn = Some(self.bytes[safe..].to_vec());
            }
            Some(flight) if flight == committed => {
                self.instead = self.torn.take().filter(|_| torn == Some(committed));
            }
            Some(_) | None if committed > self.committed => {
                self.bytes.truncate(safe);
                self.bytes.extend(self.torn.take().unwrap_or_default());
            }
            Some(_) | None => {}
        }
        if committed > self.committed {
            self.torn = None;
        }
        self.bytes.truncate(committed as usize * self.record_size);
        if committed > self.committed {
            self.commits.push(committed);
        }
        self.committed = committed;
        (self.flight, self.reset, self.since) = (None, false, 0);
    }

    /// The log was opened and says that reader `n` stands behind `seqn`.
    pub fn found_cursor(&mut self, n: u8, seqn: u64) {
        let committed = self.committed;
        let drops = self.drops;
        let least = self.least();
        let cursor = &mut self.cursors[usize::from(n)];
        let known = seqn == cursor.durable || Some(seqn) == cursor.flight;
        // A new reader starts at the oldest record, and all that the others need is there.
        let fresh = cursor.new && seqn <= least.max(self.consumed);
        let dropped = drops && seqn >= cursor.kept;
        assert!(
            seqn <= committed && (known || fresh || dropped),
            "reader {n} was found behind {seqn} of {committed}, its committed cursor is {cursor:?}"
        );
        // Until it commits, a new reader has no place of its own that would have to be kept.
        let flight = cursor.flight.filter(|_| cursor.new);
        let kept = cursor.kept.min(seqn);
        *cursor = Cursor { memory: seqn, durable: seqn, flight, new: cursor.new, kept };
        self.consumed = self.consumed.max(self.least());
    }

    /// Reader `n` was given record `seqn`.
    pub fn read(&mut self, n: u8, seqn: u64, data: &[u8]) {
        let expected = self.cursors[usize::from(n)].memory + 1;
        assert!(seqn == expected, "reader {n} was given {seqn} instead of {expected}");
        self.check_record(seqn, data);
        self.cursors[usize::from(n)].memory = seqn;
    }

    /// A record came back.
    pub fn check_record(&mut self, seqn: u64, data: &[u8]) {
        assert!(
            (1..=self.committed).contains(&seqn),
            "record {seqn} was seen, and {} are committed",
            self.committed
        );
        if data != self.record(seqn)
            && let Some(instead) = self.instead.take()
        {
            self.bytes.truncate(self.bytes.len() - instead.len());
            self.bytes.extend(instead);
        }
        assert!(data == self.record(seqn), "record {seqn} came back with other bytes");
    }

    /// Reader `n` was told that there is nothing more.
    pub fn read_end(&self, n: u8) {
        let at = self.cursors[usize::from(n)].memory;
        assert!(
            at == self.committed,
            "reader {n} was told behind {at} that nothing more is committed, and {} are",
            self.committed
        );
    }

    /// True if numbers up to `last` may be gone: the log drops what it must, or all readers have
    /// committed beyond them once.
    pub fn may_lose(&self, last: u64) -> bool {
        self.drops || last <= self.consumed.max(self.least())
    }

    /// Reader `n` was told that it lost a range.
    pub fn lost(&mut self, n: u8, first: u64, last: u64) {
        let may = self.may_lose(last);
        assert!(may, "reader {n} lost {first} to {last}, and nothing may be dropped");
        let cursor = &mut self.cursors[usize::from(n)];
        assert!(
            first == cursor.memory + 1 && first <= last && last <= self.committed,
            "reader {n} behind {} lost {first} to {last} of {}",
            cursor.memory,
            self.committed
        );
        cursor.memory = last;
    }

    /// Reader `n` was moved, so that it reads `seqn` next.
    pub fn seek(&mut self, n: u8, seqn: u64) {
        self.cursors[usize::from(n)].memory = seqn - 1;
    }

    /// A new handle of reader `n` starts at its committed cursor.
    pub fn rewind(&mut self, n: u8) {
        let cursor = &mut self.cursors[usize::from(n)];
        cursor.memory = cursor.durable;
    }

    /// A commit of reader `n` begins.
    pub fn commit_cursor(&mut self, n: u8) {
        self.consumed = self.consumed.max(self.least());
        let cursor = &mut self.cursors[usize::from(n)];
        cursor.flight = Some(cursor.memory);
    }

    /// The commit of reader `n` has returned well.
    pub fn cursor_done(&mut self, n: u8) {
        let cursor = &mut self.cursors[usize::from(n)];
        if let Some(flight) = cursor.flight.take() {
            if flight != cursor.durable {
                (cursor.kept, self.torn) = (flight, None);
                cursor.new = false;
            }
            cursor.durable = flight;
        }
        self.consumed = self.consumed.max(self.least());
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stored {}, committed {}", self.stored(), self.committed)?;
        if let Some(flight) = self.flight {
            write!(f, " or {flight}")?;
        }
        write!(f, ", delta {}, cursors", self.delta)?;
        for cursor in &self.cursors {
            write!(f, " {}/{}", cursor.memory, cursor.durable)?;
            if let Some(flight) = cursor.flight {
                write!(f, "({flight})")?;
            }
        }
        Ok(())
    }
}
