//! A log that is polled when there is time: what would make a record wait was done before.

use tslog::storage::ram::{Misuse, Ram};
use tslog::storage::{Geometry, Slots, Storage};
use tslog::{Config, Error, Log, buffer_size};

const SLOT: u32 = 256;
const SLOTS: usize = 8;

/// Memory that counts how often a slot of it was erased.
struct Counting<'m> {
    ram: Ram<&'m mut [u8]>,
    erases: u32,
}

impl Storage for Counting<'_> {
    type Error = Misuse;
    const SLOTS: Option<Slots> = Some(Slots::Fixed);

    fn geometry(&self) -> Geometry {
        self.ram.geometry()
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Misuse> {
        self.ram.read(slot, offset, out)
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), Misuse> {
        self.ram.write(slot, offset, data)
    }

    fn erase(&mut self, slot: u32) -> Result<(), Misuse> {
        self.erases += 1;
        self.ram.erase(slot)
    }

    fn sync(&mut self) -> Result<(), Misuse> {
        self.ram.sync()
    }
}

/// Stores records over many laps of the ring, polls behind each or never, and drains every
/// `drained`. Returns how many erases `store` made, and how many all calls.
fn erases(
    word: u32,
    commit_delta: u32,
    drained: u64,
    polled: bool,
) -> Result<(u32, u32), Error<Misuse>> {
    let mut medium = vec![0xFF; SLOT as usize * SLOTS];
    let config = Config { record_size: Some(8), commit_delta, ..Config::default() };
    let medium = Counting { ram: Ram::new(&mut medium[..], SLOT, word), erases: 0 };
    let buffer = vec![0; buffer_size(8, commit_delta as usize)];
    let mut log = Log::<_, _>::create(medium, buffer, &config)?;
    let (mut reader, mut record) = (log.reader(0)?, [0; 8]);
    let (made, mut waited) = (log.storage().erases, 0);
    if polled {
        log.poll()?;
    }
    for seqn in 1..=1000_u64 {
        let before = log.storage().erases;
        assert_eq!(log.store_record(&seqn.to_le_bytes())?, seqn);
        waited += log.storage().erases - before;
        if polled {
            log.poll()?;
        }
        if seqn.is_multiple_of(drained) {
            while log.next_record(&mut reader, &mut record)?.is_some() {}
            log.commit_reader(&mut reader)?;
        }
    }
    Ok((waited, log.storage().erases - made))
}

#[test]
fn store_never_waits_for_an_erase_where_the_log_is_polled() -> Result<(), Error<Misuse>> {
    for word in [1, 4, 16, 32] {
        for commit_delta in [1, 2, 4] {
            for drained in [4, 12] {
                let case = format!("words of {word}, commits of {commit_delta}");
                let (waited, all) = erases(word, commit_delta, drained, true)?;
                assert_eq!(waited, 0, "{case}, drained every {drained}");
                assert!(all > 30, "{case}: the ring went round, with {all} erases");
                let (waited, _) = erases(word, commit_delta, drained, false)?;
                assert!(waited > 0, "{case}: without a poll, store erases");
            }
        }
    }
    Ok(())
}
