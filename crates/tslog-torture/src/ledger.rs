//! What a log owes, by what its workers were told, and whether it pays.
//!
//! The ledger of one folder lives through all lives of its workers. It hears what each said
//! ([`Ledger::hear`]), and is shown what is left afterwards ([`Ledger::compare`]).

use std::collections::BTreeMap;

use tslog::MAX_READERS;

use crate::Result;
use crate::event::{Event, Kind};
use crate::look::Found;
use crate::record::Identity;

/// What a life of the folder may do besides storing, reading and dying.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    pub(crate) number: u32,
    /// Every store returns durable.
    pub(crate) durable: bool,
    pub(crate) threads: u8,
    /// It begins with an empty log.
    pub(crate) recreates: bool,
    /// Calls may fail.
    pub(crate) fails: bool,
    /// What was promised from this moment on does not count.
    pub(crate) until_ns: Option<u64>,
}

/// How far one reader is.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// The last commit that returned, and the last that was begun.
    acked: u64,
    acking: u64,
    /// The last number handed out in any life, and in this one.
    delivered: u64,
    at: u64,
}

/// What a log owes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    life: Life,
    opened: bool,
    generation: u32,
    /// The last number when it was last looked at, if the next life must find the same.
    last: Option<u64>,
    /// Whose record has which number, as far as it was said.
    records: BTreeMap<u64, Identity>,
    acked: u64,
    cursors: [Cursor; MAX_READERS],
}

impl Ledger {
    /// The last number that must survive.
    pub(crate) const fn acked(&self) -> u64 {
        self.acked
    }

    /// A new life begins.
    pub(crate) fn begin(&mut self, life: Life) {
        (self.life, self.opened) = (life, false);
    }

    /// Takes in what a worker said.
    pub(crate) fn hear(&mut self, events: &[Event]) -> Result<()> {
        events.iter().try_for_each(|event| self.take(event))
    }

    fn take(&mut self, event: &Event) -> Result<()> {
        let Event { kind, who, at_ns, seqn, value, .. } = *event;
        let late = self.life.until_ns.is_some_and(|until_ns| at_ns >= until_ns);
        match kind {
            Kind::Committed | Kind::Closed | Kind::Acked if late => {}
            Kind::Opened => self.take_opened(seqn)?,
            Kind::Stored => {
                self.know(seqn, Identity::from_bits(value))?;
                if self.life.durable && !late {
                    self.acked = self.acked.max(seqn);
                }
            }
            Kind::Committed => self.acked = self.acked.max(seqn),
            Kind::Closed => self.acked = self.acked.max(self.last_known()),
            Kind::Delivered => {
                self.know(seqn, Identity::from_bits(value))?;
                let cursor = self.cursor(who)?;
                if seqn != cursor.at + 1 {
                    return Err(format!("reader {who} got {seqn} behind {}", cursor.at));
                }
                cursor.at = seqn;
                if !late {
                    cursor.delivered = cursor.delivered.max(seqn);
                }
            }
            Kind::Acking => {
                let cursor = self.cursor(who)?;
                if seqn != cursor.at {
                    return Err(format!("reader {who} acknowledges {seqn} at {}", cursor.at));
                }
                cursor.acking = seqn;
            }
            Kind::Acked => self.cursor(who)?.acked = seqn,
            Kind::Full | Kind::Failed if self.life.fails => {}
            Kind::Full => return Err("the log says it is full".to_owned()),
            Kind::Failed => return Err("a call failed".to_owned()),
            Kind::Gap => return Err(format!("reader {who} was told of a gap up to {seqn}")),
            Kind::Wrong => return Err(format!("reader {who} got bytes as {seqn} nobody stored")),
        }
        Ok(())
    }

    fn take_opened(&mut self, seqn: u64) -> Result<()> {
        if self.life.recreates {
            let generation = self.generation;
            *self = Self { life: self.life, generation, ..Self::default() };
            if seqn != 0 {
                return Err(format!("the log made anew begins at {seqn}"));
            }
        } else if let Some(last) = self.last.filter(|&last| last != seqn) {
            return Err(format!("the log opened at {seqn}, and {last} had been seen"));
        }
        self.opened = true;
        self.acked = self.acked.max(seqn);
        // What an open log found of its cursors, it has made durable.
        self.cursors.iter_mut().for_each(|cursor| cursor.acked = cursor.at);
        Ok(())
    }

    fn cursor(&mut self, who: u8) -> Result<&mut Cursor> {
        self.cursors.get_mut(usize::from(who)).ok_or_else(|| format!("there is no reader {who}"))
    }

    fn last_known(&self) -> u64 {
        self.records.last_key_value().map_or(0, |(&seqn, _)| seqn)
    }

    /// Number `seqn` is this record, for ever.
    fn know(&mut self, seqn: u64, identity: Identity) -> Result<()> {
        match self.records.insert(seqn, identity) {
            Some(before) if before != identity => {
                Err(format!("{seqn} was {before} and is {identity}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Holds what is left in the folder against what was promised, and goes on from there.
    pub(crate) fn compare(&mut self, found: &Found) -> Result<()> {
        if found.generation != self.generation {
            if self.generation != 0 && !self.life.recreates {
                return Err("the log was made anew".to_owned());
            }
            if !self.opened {
                // It was made, and the worker had no time to say so.
                *self = Self { life: self.life, ..Self::default() };
            }
            self.generation = found.generation;
        } else if self.life.recreates && self.opened {
            return Err("the log was not made anew".to_owned());
        }
        self.compare_records(found)?;
        self.compare_cursors(found)?;
        self.records.split_off(&(found.last + 1));
        self.records.extend(found.records.iter().copied());
        self.last = Some(found.last);
        Ok(())
    }

    fn compare_records(&self, found: &Found) -> Result<()> {
        let Found { first, last, .. } = *found;
        if last < self.acked {
            return Err(format!("{} to {} are lost; they were acknowledged", last + 1, self.acked));
        }
        let most = self.last_known().max(self.acked) + u64::from(self.life.threads);
        if last > most {
            return Err(format!("the log goes up to {last}, and nothing beyond {most} was stored"));
        }
        let whole = (first..=last).eq(found.records.iter().map(|&(seqn, _)| seqn));
        if !whole {
            return Err(format!("not all of {first} to {last} are there"));
        }
        let mut counters = BTreeMap::new();
        for &(seqn, identity) in &found.records {
            let Identity { life, thread, counter } = identity;
            match self.records.get(&seqn) {
                Some(&known) if known != identity => {
                    return Err(format!("{seqn} was {known} and is {identity}"));
                }
                None if life != self.life.number => {
                    return Err(format!("{seqn} is {identity}, which was never acknowledged"));
                }
                Some(_) | None => {}
            }
            let before = counters.insert((life, thread), counter);
            let follows = before.map_or(first > 1 || counter == 0, |before| counter == before + 1);
            if !follows {
                return Err(format!("{seqn} is {identity}, which came behind {before:?}"));
            }
        }
        Ok(())
    }

    fn compare_cursors(&mut self, found: &Found) -> Result<()> {
        let mut least = u64::MAX;
        for (n, cursor) in self.cursors.iter_mut().enumerate() {
            // A reader whose file was never made has acknowledged nothing.
            let Some(&at) = found.cursors.get(n) else {
                if cursor.acked > 0 {
                    return Err(format!(
                        "reader {n} is gone; it had acknowledged {}",
                        cursor.acked
                    ));
                }
                continue;
            };
            if cursor.delivered > found.last {
                let (given, end) = (cursor.delivered, found.last);
                return Err(format!("reader {n} was given {given}; the log ends at {end}"));
            }
            if at < cursor.acked || at > cursor.acking.max(cursor.acked) {
                let Cursor { acked, acking, .. } = *cursor;
                return Err(format!(
                    "reader {n} is at {at}; its commits were {acked} and {acking}"
                ));
            }
            (cursor.acking, cursor.at) = (at, at);
            least = least.min(at);
        }
        if found.first > least.saturating_add(1) {
            let first = found.first;
            return Err(format!("the log begins at {first}; a reader still needs {}", least + 1));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Life = Life {
        number: 1,
        durable: true,
        threads: 1,
        recreates: false,
        fails: false,
        until_ns: None,
    };

    fn identity(counter: u32) -> Identity {
        Identity { life: 1, thread: 0, counter }
    }

    fn event(kind: Kind, seqn: u64) -> Event {
        let value = identity(u32::try_from(seqn).unwrap().saturating_sub(1)).to_bits();
        Event { kind, who: 0, life: 1, at_ns: 0, seqn, value }
    }

    /// Three records, all durable, of which a reader took two and acknowledged one.
    fn heard() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.begin(LIFE);
        let events = [
            event(Kind::Opened, 0),
            event(Kind::Stored, 1),
            event(Kind::Stored, 2),
            event(Kind::Stored, 3),
            event(Kind::Delivered, 1),
            event(Kind::Acking, 1),
            event(Kind::Acked, 1),
            event(Kind::Delivered, 2),
        ];
        ledger.hear(&events).unwrap();
        ledger
    }

    fn found() -> Found {
        let records = (1..=3).map(|n| (n, identity(u32::try_from(n - 1).unwrap()))).collect();
        Found { generation: 1, first: 1, last: 3, records, cursors: vec![1] }
    }

    fn complaint(found: &Found) -> String {
        heard().compare(found).unwrap_err()
    }

    #[test]
    fn what_was_promised_may_be_there_with_one_record_that_was_on_its_way() {
        heard().compare(&found()).unwrap();
        let mut more = found();
        more.last = 4;
        more.records.push((4, identity(3)));
        let mut ledger = heard();
        ledger.compare(&more).unwrap();
        ledger.begin(Life { number: 2, ..LIFE });
        ledger.hear(&[event(Kind::Opened, 4)]).unwrap();
        assert!(heard().hear(&[event(Kind::Delivered, 3), event(Kind::Delivered, 5)]).is_err());
        more.last = 5;
        more.records.push((5, identity(4)));
        assert!(complaint(&more).contains("nothing beyond 4"));
    }

    #[test]
    fn every_broken_promise_is_named() {
        let mut lost = found();
        lost.last = 2;
        lost.records.pop();
        assert_eq!(complaint(&lost), "3 to 3 are lost; they were acknowledged");
        let mut hole = found();
        hole.records.remove(1);
        assert_eq!(complaint(&hole), "not all of 1 to 3 are there");
        let mut other = found();
        other.records[1].1 = identity(0);
        assert!(complaint(&other).starts_with("2 was record 1 of thread 0"));
        let mut cursor = found();
        cursor.cursors = vec![0];
        assert_eq!(complaint(&cursor), "reader 0 is at 0; its commits were 1 and 1");
        cursor.cursors = vec![2];
        assert_eq!(complaint(&cursor), "reader 0 is at 2; its commits were 1 and 1");
        cursor.cursors = vec![];
        assert_eq!(complaint(&cursor), "reader 0 is gone; it had acknowledged 1");
        let mut cut = found();
        (cut.first, cut.records) = (3, cut.records.split_off(2));
        assert_eq!(complaint(&cut), "the log begins at 3; a reader still needs 2");
        let anew = Found { generation: 2, ..found() };
        let mut ledger = heard();
        ledger.compare(&found()).unwrap();
        assert_eq!(ledger.compare(&anew).unwrap_err(), "the log was made anew");
    }

    #[test]
    fn a_record_handed_out_is_owed_even_if_its_store_was_not_acknowledged() {
        let mut ledger = Ledger::default();
        ledger.begin(Life { durable: false, ..LIFE });
        let events = [
            event(Kind::Opened, 0),
            event(Kind::Stored, 1),
            event(Kind::Stored, 2),
            event(Kind::Delivered, 1),
            event(Kind::Delivered, 2),
        ];
        ledger.hear(&events).unwrap();
        let records = vec![(1, identity(0))];
        let found = Found { generation: 1, first: 1, last: 1, records, cursors: vec![0] };
        assert_eq!(ledger.compare(&found).unwrap_err(), "reader 0 was given 2; the log ends at 1");
    }

    #[test]
    fn a_log_made_anew_is_empty_or_still_the_old_one() {
        let anew = Found { generation: 2, first: 1, cursors: vec![0], ..Found::default() };
        for (opened, found, is_well) in [
            (false, found(), true),
            (false, anew.clone(), true),
            (true, anew, true),
            (true, found(), false),
        ] {
            let mut ledger = heard();
            ledger.compare(&super::tests::found()).unwrap();
            ledger.begin(Life { number: 2, recreates: true, ..LIFE });
            if opened {
                ledger.hear(&[event(Kind::Opened, 0)]).unwrap();
            }
            assert_eq!(ledger.compare(&found).is_ok(), is_well, "{opened} {found:?}");
        }
    }

    #[test]
    fn what_is_promised_too_late_may_be_there_and_need_not() {
        for last in 3..=4 {
            let mut ledger = heard();
            ledger.life.until_ns = Some(9);
            let late = |kind, seqn| Event { at_ns: 9, ..event(kind, seqn) };
            ledger.hear(&[late(Kind::Stored, 4), late(Kind::Acking, 2)]).unwrap();
            ledger.hear(&[late(Kind::Delivered, 3), late(Kind::Delivered, 4)]).unwrap();
            let mut found = found();
            found.last = last;
            found.records.extend((last == 4).then_some((4, identity(3))));
            found.cursors = vec![last - 2];
            ledger.compare(&found).unwrap();
        }
    }

    #[test]
    fn gaps_and_failures_are_heard() {
        for kind in [Kind::Gap, Kind::Wrong, Kind::Full, Kind::Failed] {
            heard().hear(&[event(kind, 3)]).unwrap_err();
        }
        let mut ledger = heard();
        ledger.begin(Life { fails: true, ..LIFE });
        ledger.hear(&[event(Kind::Full, 0), event(Kind::Failed, 0)]).unwrap();
    }
}
