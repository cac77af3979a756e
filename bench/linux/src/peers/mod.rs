//! The logs and stores that are measured, behind one trait.

mod fjall;
mod lmdb;
mod memory;
mod okaywal;
mod open_wal;
mod queue_file;
mod raft_engine;
mod raw;
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
mod sqlite;
mod tslog;
mod walrus;
mod yaque;

use std::error::Error;
use std::path::Path;

use crate::visit::{Delivered, Tally, Visit};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a store holds, and when that is durable.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// A folder, which may be missing or empty.
    pub folder: &'a Path,
    pub record_size: usize,
    /// Records in a commit.
    pub commit: usize,
    /// Each commit is durable when it returns.
    pub durable: bool,
    /// About how many records there will be, for peers that set space aside.
    pub records: usize,
}

/// A log or store, as each peer is made to do what is measured.
trait Peer {
    /// Stores one commit: records back to back, from number `first` on.
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()>;

    /// Reads all records in order; one at a time where the peer has both ways and that is asked
    /// for.
    fn read_all(&mut self, one_by_one: bool, visit: &mut impl Visit) -> Outcome<()>;

    /// What opening said of damage, in a peer that says such a thing.
    fn report(&self) -> Option<String> {
        None
    }

    /// Closes in order.
    fn close(self) -> Outcome<()>;
}

/// An open log or store of any peer. The loop over its records is compiled with what looks at them:
/// a call for each would be a good part of what reading one costs.
pub trait Opened {
    /// Stores one commit: records back to back, from number `first` on.
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()>;

    /// Reads all records in order and counts them; one at a time where the peer has both ways and
    /// that is asked for.
    fn tally(&mut self, one_by_one: bool, record_size: usize) -> Outcome<Tally>;

    /// Reads all records in order, and looks what they are.
    fn deliver(&mut self, delivered: &mut Delivered) -> Outcome<()>;

    /// What opening said of damage.
    fn report(&self) -> Option<String>;

    /// Closes in order.
    fn close(self: Box<Self>) -> Outcome<()>;
}

impl<P: Peer> Opened for P {
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()> {
        Peer::append(self, first, records)
    }

    fn tally(&mut self, one_by_one: bool, record_size: usize) -> Outcome<Tally> {
        let mut tally = Tally::new(record_size);
        self.read_all(one_by_one, &mut tally)?;
        Ok(tally)
    }

    fn deliver(&mut self, delivered: &mut Delivered) -> Outcome<()> {
        self.read_all(false, delivered)
    }

    fn report(&self) -> Option<String> {
        Peer::report(self)
    }

    fn close(self: Box<Self>) -> Outcome<()> {
        Peer::close(*self)
    }
}

macro_rules! kinds {
    ($($(#[$gate:meta])? $kind:ident $name:literal,)*) => {
        /// Who is measured. The names are those in results and on the page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$gate])? $kind,)* }

        impl Kind {
            pub const ALL: &[Self] = &[$($(#[$gate])? Self::$kind,)*];

            pub fn name(self) -> &'static str {
                match self { $($(#[$gate])? Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    Tslog "tslog",
    Sqlite "SQLite",
    Lmdb "LMDB",
    Redb "redb",
    Fjall "fjall",
    #[cfg(feature = "rocksdb")]
    RocksDb "RocksDB",
    Okaywal "okaywal",
    RaftEngine "raft-engine",
    OpenWal "open-wal",
    QueueFile "queue-file",
    Yaque "yaque",
    Walrus "walrus-rust",
    Raw "raw file",
    BufWriter "BufWriter",
    Memory "memory",
}

impl Kind {
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The crate that is measured.
    pub fn package(self) -> Option<&'static str> {
        Some(match self {
            Self::Tslog => "tslog",
            Self::Sqlite => "rusqlite",
            Self::Lmdb => "heed",
            Self::Redb => "redb",
            Self::Fjall => "fjall",
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => "rocksdb",
            Self::Okaywal => "okaywal",
            Self::RaftEngine => "raft-engine",
            Self::OpenWal => "open-wal",
            Self::QueueFile => "queue-file",
            Self::Yaque => "yaque",
            Self::Walrus => "walrus-rust",
            Self::Raw | Self::BufWriter | Self::Memory => return None,
        })
    }

    /// How it is set, and what a commit is, for the page.
    pub fn settings(self) -> &'static str {
        match self {
            Self::Tslog => {
                "`SharedLog`, `store_record` one by one, `commit_delta` = the commit; buckets of \
                 16,384 records, of 65,536 for commits of 1024 and more (unsynced: \
                 2^20, and no commit)"
            }
            Self::Sqlite => {
                "rusqlite, bundled; WAL, `synchronous=FULL` (unsynced: `OFF`); number and blob; a \
                 commit is one transaction"
            }
            Self::Lmdb => {
                "heed; big-endian number, `APPEND`; one transaction, default flags (unsynced: \
                 `NO_SYNC`); map of 8 GiB"
            }
            Self::Redb => "number and bytes; one transaction, `Immediate` (unsynced: `None`)",
            Self::Fjall => "big-endian number; one batch with `SyncData` (unsynced: none)",
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => {
                "RocksDB 7.8 of Debian; big-endian number; one `WriteBatch`, `sync` (unsynced: \
                 not, and its log is written all the same); no compression"
            }
            Self::Okaywal => {
                "one entry, a chunk a record; one file set aside for all that is stored, never \
                 checkpointed; it has no commit without a sync"
            }
            Self::RaftEngine => "one `LogBatch`, an entry a record, `sync` (unsynced: not)",
            Self::OpenWal => {
                "segments of 16 MiB; `append` each, one `commit`; it has no commit without a sync"
            }
            Self::QueueFile => "one `add_n`; `sync_writes` (unsynced: not)",
            Self::Yaque => "one `try_send_batch`; it never syncs",
            Self::Walrus => "one `batch_append_for_topic`; `SyncEach` (unsynced: `NoFsync`)",
            Self::Raw => {
                "a file filled with zeros ahead, in steps as large as a bucket of tslog; one write \
                 and one `fdatasync` a commit; nothing is checked"
            }
            Self::BufWriter => "`write_all` a record, into a file, through 64 KiB; never synced",
            Self::Memory => "`extend_from_slice` a record, into 64 KiB that are emptied when full",
        }
    }

    /// A baseline is no log: it has no checks, and no end of its own.
    pub fn is_baseline(self) -> bool {
        matches!(self, Self::Raw | Self::BufWriter | Self::Memory)
    }

    /// Whether a commit can be made durable.
    pub fn is_durable(self) -> bool {
        !matches!(self, Self::Yaque | Self::BufWriter | Self::Memory)
    }

    /// Whether a store that is only to be read later is written with a sync each commit: a log that
    /// syncs whenever it commits has its frames that way alone.
    pub fn is_filled_durably(self) -> bool {
        self == Self::Tslog
    }

    /// Whether it can be opened again, and read.
    pub fn is_kept(self) -> bool {
        !matches!(self, Self::BufWriter | Self::Memory)
    }

    /// Whether reading compares a checksum with each record that it hands out.
    pub fn verifies(self) -> bool {
        !matches!(self, Self::Sqlite | Self::Lmdb | Self::Redb | Self::Yaque) && !self.is_baseline()
    }

    /// Records in a commit where no sync is asked for. Some peers sync each commit whatever is
    /// asked for, and get longer ones.
    pub fn unsynced_commit(self) -> usize {
        match self {
            Self::Okaywal | Self::OpenWal => 65_536,
            _ => 1024,
        }
    }

    /// As many records as the others get, or fewer for one that is very slow.
    pub fn fewer(self, records: usize) -> usize {
        if self == Self::Walrus { records / 8 } else { records }
    }

    /// Whether records come in batches or one by one, as one likes.
    pub fn reads_both_ways(self) -> bool {
        matches!(self, Self::Tslog | Self::Raw)
    }

    /// Opens the store of a peer, or makes one.
    pub fn open(self, shape: Shape<'_>) -> Outcome<Box<dyn Opened>> {
        std::fs::create_dir_all(shape.folder)?;
        Ok(match self {
            Self::Tslog => Box::new(tslog::Log::open(shape)?),
            Self::Sqlite => Box::new(sqlite::Table::open(shape)?),
            Self::Lmdb => Box::new(lmdb::Tree::open(shape)?),
            Self::Redb => Box::new(redb::Tree::open(shape)?),
            Self::Fjall => Box::new(fjall::Tree::open(shape)?),
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => Box::new(rocksdb::Tree::open(shape)?),
            Self::Okaywal => Box::new(okaywal::Log::open(shape)?),
            Self::RaftEngine => Box::new(raft_engine::Log::open(shape)?),
            Self::OpenWal => Box::new(open_wal::Log::open(shape)?),
            Self::QueueFile => Box::new(queue_file::Queue::open(shape)?),
            Self::Yaque => Box::new(yaque::Queue::open(shape)?),
            Self::Walrus => Box::new(walrus::Log::open(shape)?),
            Self::Raw => Box::new(raw::File::open(shape)?),
            Self::BufWriter => Box::new(memory::Writer::open(shape)?),
            Self::Memory => Box::new(memory::Buffer::new(shape.record_size)),
        })
    }

    /// The repair that the documentation of a peer names, for a store that does not open.
    pub fn repair(self, folder: &Path) -> Option<Outcome<()>> {
        (self == Self::Yaque).then(|| yaque::repair(folder))
    }
}
