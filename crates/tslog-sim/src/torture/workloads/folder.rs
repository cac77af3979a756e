//! The workloads on a folder of files.

use super::Act::{Cut, Damage, Do, Open, Removal};
use super::{PLAIN, Workload};
use crate::ops::How::{Batch, Next};
use crate::ops::Op::{
    Commit, CommitReader, Delta, Drain, Read, Readers, Recreate, Renew, Reopen, Reset, Seek,
    Squeeze, Store,
};
use tslog::Policy::DropOldest;

/// All of them.
pub(super) const ALL: &[Workload] = &[
    Workload { name: "create", before: &[], acts: &[Open, Do(Store(1)), Do(Commit)], ..PLAIN },
    Workload {
        name: "create-formats",
        formats: 12,
        before: &[],
        acts: &[Open, Do(Store(1)), Do(Commit)],
        ..PLAIN
    },
    Workload { name: "commit", acts: &[Do(Store(2)), Do(Commit), Do(Store(3))], ..PLAIN },
    Workload { name: "commit-each", commit_delta: 1, acts: &[Do(Store(8))], ..PLAIN },
    Workload {
        name: "commit-large",
        bucket_size: 20,
        commit_delta: 8,
        acts: &[Do(Store(8)), Do(Store(5)), Do(Commit)],
        ..PLAIN
    },
    Workload {
        name: "commit-empty",
        acts: &[Do(Commit), Do(Store(1)), Do(Commit), Do(Commit)],
        ..PLAIN
    },
    Workload { name: "roll", before: &[Open, Do(Store(5))], acts: &[Do(Store(10))], ..PLAIN },
    Workload { name: "roll-each", bucket_size: 1, commit_delta: 1, acts: &[Do(Store(6))], ..PLAIN },
    Workload {
        name: "commit-across-buckets",
        bucket_size: 3,
        commit_delta: 7,
        record_size: 300,
        acts: &[Do(Store(9)), Do(Commit)],
        ..PLAIN
    },
    Workload {
        name: "small-buffer",
        batch: 2,
        commit_delta: 6,
        bucket_size: 10,
        record_size: 300,
        acts: &[Do(Store(13)), Do(Commit)],
        ..PLAIN
    },
    Workload {
        name: "bucket-outgrown",
        commit_delta: 20,
        bucket_size: 20,
        record_size: 60,
        acts: &[
            Do(Store(1)),
            Do(Commit),
            Do(Store(1)),
            Do(Commit),
            Do(Store(1)),
            Do(Commit),
            Do(Store(9)),
            Do(Commit),
        ],
        ..PLAIN
    },
    Workload {
        name: "cursor",
        before: &[Open, Do(Store(9))],
        acts: &[
            Do(Read(0, 2, Next)),
            Do(CommitReader(0)),
            Do(Read(0, 3, Batch)),
            Do(CommitReader(0)),
            Do(Read(0, 9, Next)),
            Do(CommitReader(0)),
        ],
        ..PLAIN
    },
    Workload {
        name: "four-readers",
        readers: 4,
        before: &[Open, Do(Store(9))],
        acts: &[
            Do(Read(0, 2, Next)),
            Do(Read(1, 3, Batch)),
            Do(CommitReader(1)),
            Do(Read(3, 9, Next)),
            Do(CommitReader(0)),
            Do(Store(3)),
            Do(CommitReader(3)),
            Do(Read(2, 1, Next)),
            Do(CommitReader(2)),
        ],
        ..PLAIN
    },
    Workload {
        name: "reader-beside-store",
        readers: 2,
        before: &[Open, Do(Store(3))],
        acts: &[
            Do(Store(2)),
            Do(Read(0, 2, Next)),
            Do(CommitReader(0)),
            Do(Store(2)),
            Do(Read(1, 9, Batch)),
            Do(CommitReader(1)),
            Do(Store(4)),
            Do(Renew(0)),
            Do(Read(0, 9, Next)),
            Do(CommitReader(0)),
        ],
        ..PLAIN
    },
    Workload {
        name: "seek-back",
        readers: 2,
        before: &[Open, Do(Store(9)), Do(Read(0, 9, Next)), Do(CommitReader(0))],
        acts: &[
            Do(Seek(0, 300)),
            Do(CommitReader(0)),
            Do(Seek(1, 800)),
            Do(CommitReader(1)),
            Do(Store(6)),
            Do(Read(0, 4, Batch)),
            Do(CommitReader(0)),
        ],
        ..PLAIN
    },
    Workload {
        name: "delete",
        before: &[Open, Do(Store(9))],
        acts: &[Do(Drain), Do(Store(6)), Do(Drain), Do(Store(6))],
        ..PLAIN
    },
    Workload {
        name: "delete-many",
        bucket_size: 2,
        commit_delta: 2,
        before: &[Open, Do(Store(10))],
        acts: &[Do(Drain), Do(Store(4))],
        ..PLAIN
    },
    Workload {
        name: "delete-fails",
        bucket_size: 3,
        before: &[Open, Do(Store(9)), Do(Drain), Removal(false)],
        acts: &[Do(Store(6)), Removal(true), Do(Store(3)), Do(Drain), Do(Store(3))],
        ..PLAIN
    },
    Workload {
        name: "delete-at-open",
        bucket_size: 2,
        commit_delta: 2,
        before: &[Open, Do(Store(6)), Do(Drain)],
        acts: &[Do(Reset), Do(Store(2)), Do(Reopen)],
        ..PLAIN
    },
    Workload {
        name: "close",
        before: &[Open, Do(Store(2))],
        acts: &[Do(Reopen), Do(Store(2)), Do(Reopen), Do(Store(1)), Do(Commit), Do(Reopen)],
        ..PLAIN
    },
    Workload {
        name: "reset",
        before: &[Open, Do(Store(4))],
        acts: &[Do(Store(1)), Do(Reset), Do(Store(4)), Do(Reset), Do(Store(3))],
        ..PLAIN
    },
    Workload {
        name: "recreate",
        readers: 2,
        before: &[Open, Do(Store(9)), Do(Read(0, 4, Next)), Do(CommitReader(0))],
        acts: &[Do(Recreate), Do(Store(3)), Do(Read(1, 2, Next)), Do(CommitReader(1))],
        ..PLAIN
    },
    Workload {
        name: "recreate-twice",
        bucket_size: 2,
        commit_delta: 2,
        before: &[Open, Do(Store(4))],
        acts: &[Do(Recreate), Do(Recreate), Do(Store(2)), Do(Recreate), Do(Store(2))],
        ..PLAIN
    },
    Workload {
        name: "full",
        max_buckets: 3,
        bucket_size: 3,
        before: &[Open, Do(Store(7))],
        acts: &[Do(Store(3)), Do(Read(0, 3, Next)), Do(CommitReader(0)), Do(Store(4)), Do(Drain)],
        ..PLAIN
    },
    Workload {
        name: "full-disk",
        bucket_size: 3,
        before: &[Open, Do(Store(6)), Do(Squeeze(true))],
        acts: &[Do(Store(1)), Do(Drain), Do(Store(2)), Do(Squeeze(false)), Do(Store(3))],
        ..PLAIN
    },
    Workload {
        name: "drop-oldest",
        policy: DropOldest,
        max_buckets: 3,
        bucket_size: 3,
        readers: 2,
        before: &[Open, Do(Store(8)), Do(Read(1, 2, Next)), Do(CommitReader(1))],
        acts: &[Do(Store(8)), Do(Read(0, 4, Next)), Do(CommitReader(0)), Do(Store(4))],
        ..PLAIN
    },
    Workload {
        name: "commit-delta-changes",
        before: &[Open, Do(Store(2))],
        acts: &[Do(Delta(1)), Do(Store(2)), Do(Delta(8)), Do(Store(5)), Do(Commit)],
        ..PLAIN
    },
    Workload {
        name: "readers-come-and-go",
        readers: 2,
        before: &[Open, Do(Store(7)), Do(Read(1, 4, Next)), Do(CommitReader(1))],
        acts: &[
            Do(Readers(4)),
            Do(Read(3, 2, Next)),
            Do(CommitReader(3)),
            Do(Readers(1)),
            Do(Store(3)),
            Do(Readers(3)),
            Do(Read(2, 1, Next)),
            Do(CommitReader(2)),
        ],
        ..PLAIN
    },
    Workload {
        name: "header-mends",
        before: &[Open, Do(Store(4)), Damage(0), Open],
        acts: &[Do(Store(3)), Do(Commit)],
        ..PLAIN
    },
    Workload {
        name: "second-header-mends",
        before: &[Open, Do(Store(4)), Damage(1), Open],
        acts: &[Do(Store(3)), Do(Recreate), Do(Store(3))],
        ..PLAIN
    },
    Workload {
        name: "after-a-cut",
        before: &[Open, Do(Store(3)), Cut(1, Store(3)), Open],
        acts: &[Do(Store(3)), Do(Reset), Do(Store(3)), Do(Drain)],
        ..PLAIN
    },
    Workload {
        name: "after-a-cut-roll",
        bucket_size: 3,
        before: &[Open, Do(Store(3)), Cut(4, Store(3)), Open],
        acts: &[Do(Store(4)), Do(Commit), Do(Drain), Do(Store(3))],
        ..PLAIN
    },
];
