//! What the host may believe of a node by the lines it printed, and what it must find afterwards.

use trace::{COMMIT_DELTA, Reading};

use crate::Failure;

/// The state of a node as its lines tell it, over any number of boots.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The last number it said was committed.
    pub committed: u64,
    /// The last number it said was sent and acknowledged.
    pub sent: u64,
    /// The last record it sent, acknowledged or not.
    received: u64,
    /// The oldest number there is, as far as it said.
    pub oldest: u64,
    /// What the boots were like.
    pub tally: Tally,
}

/// How many boots there were of each kind, so that nobody takes an easy torture for a hard one.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Boots that got as far as opening the log.
    pub opened: u64,
    /// Boots that found bytes of a write that was cut.
    pub torn: u64,
    /// Boots that found a commit that was done and not yet told.
    pub untold: u64,
    /// Boots that found a reader's commit that was done and not yet told.
    pub untold_cursors: u64,
    /// Boots that found one copy of the log's header damaged.
    pub headers: u64,
    /// Records that were sent and compared.
    pub received: u64,
}

impl Node {
    /// What a node said, in a line of text.
    pub fn write(&self) -> String {
        let Self { committed, sent, received, oldest, .. } = self;
        format!("{committed} {sent} {received} {oldest}\n")
    }

    /// Reads what [`Node::write`] wrote.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers?.as_slice() {
            &[committed, sent, received, oldest] => {
                Ok(Self { committed, sent, received, oldest, tally: Tally::default() })
            }
            _ => Err("expected four numbers: committed, sent, received, oldest".into()),
        }
    }

    /// Takes in one line.
    pub fn hear(&mut self, line: &str) -> Result<(), Failure> {
        let words: Vec<&str> = line.split(' ').collect();
        let heard = match *words.as_slice() {
            ["opened", "on", _, ref facts @ ..] => self.opened(facts),
            ["committed", seqn] => self.committed(seqn),
            ["closed", seqn, "oldest", oldest] => {
                self.oldest = oldest.parse()?;
                self.committed(seqn)
            }
            ["record", ref values @ ..] => self.record(values),
            ["sent", seqn] => self.sent(seqn),
            _ => Err("the firmware failed".into()),
        };
        heard.map_err(|error| format!("{error}, at the line \"{line}\" of {self:?}").into())
    }

    fn opened(&mut self, facts: &[&str]) -> Result<(), Failure> {
        let fact = |name| -> Result<&str, Failure> {
            let at = facts.iter().position(|&word| word == name).ok_or("a fact is missing")?;
            Ok(*facts.get(at + 1).ok_or("a fact is missing")?)
        };
        let number = |name| -> Result<u64, Failure> { Ok(fact(name)?.parse()?) };
        let (committed, cursor) = (number("committed")?, number("cursor")?);
        if committed < self.committed {
            return Err("committed records are lost".into());
        }
        // What was in flight is one commit, and it is there whole or not at all.
        let more = committed - self.committed;
        if more != 0 && more != u64::from(COMMIT_DELTA) {
            return Err("records were made up, or a commit is there in part".into());
        }
        if cursor != self.sent && cursor != self.received {
            return Err("the reader stands where it never committed".into());
        }
        if number("lost")? != 0 {
            return Err("the log misses committed records".into());
        }
        self.tally.opened += 1;
        self.tally.torn += u64::from(number("abandoned")? > 0);
        self.tally.untold += u64::from(more > 0);
        self.tally.untold_cursors += u64::from(cursor != self.sent);
        self.tally.headers += u64::from(fact("header")? != "sound");
        self.oldest = number("oldest")?;
        (self.committed, self.sent, self.received) = (committed, cursor, cursor);
        Ok(())
    }

    fn committed(&mut self, seqn: &str) -> Result<(), Failure> {
        let seqn = seqn.parse()?;
        if seqn < self.committed || seqn > self.committed + u64::from(COMMIT_DELTA) {
            return Err("a commit went back, or too far".into());
        }
        self.committed = seqn;
        Ok(())
    }

    fn record(&mut self, values: &[&str]) -> Result<(), Failure> {
        let [seqn, time, temperature, humidity, pressure] = values else {
            return Err("a record has other values".into());
        };
        let seqn = seqn.parse()?;
        let reading = Reading {
            time: time.parse()?,
            temperature: temperature.parse()?,
            humidity: humidity.parse()?,
            pressure: pressure.parse()?,
        };
        if seqn != self.received + 1 || seqn > self.committed || reading != Reading::sample(seqn) {
            return Err("a record came out wrong or out of order".into());
        }
        self.received = seqn;
        self.tally.received += 1;
        Ok(())
    }

    fn sent(&mut self, seqn: &str) -> Result<(), Failure> {
        let seqn: u64 = seqn.parse()?;
        if seqn != self.received || seqn < self.sent {
            return Err("the reader committed what it did not read".into());
        }
        self.sent = seqn;
        Ok(())
    }
}
