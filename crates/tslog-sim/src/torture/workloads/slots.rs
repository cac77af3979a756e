//! The workloads on slots at the contract, fixed and named.

use super::Act::{Cut, Damage, Do, Open};
use super::{Act, On, PLAIN, Workload};
use crate::ops::How::{Batch, Next};
use crate::ops::Op::{Commit, CommitReader, Drain, Read, Recreate, Reopen, Reset, Store};
use tslog::Policy::DropOldest;

const RING: Workload =
    Workload { on: On::Fixed, record_size: 200, bucket_size: 6, commit_delta: 3, ..PLAIN };

const NAMED: Workload = Workload { on: On::Named, ..PLAIN };

/// A full ring of six buckets, of which the first three are read.
const READ_HALF: &[Act] = &[Open, Do(Store(18)), Do(Drain), Do(Store(6)), Do(Commit)];

/// All of them.
pub(super) const ALL: &[Workload] = &[
    Workload { name: "slots-roll", before: &[Open, Do(Store(5))], acts: &[Do(Store(8))], ..NAMED },
    Workload {
        name: "slots-delete",
        bucket_size: 3,
        before: &[Open, Do(Store(9))],
        acts: &[Do(Drain), Do(Store(6))],
        ..NAMED
    },
    Workload {
        name: "slots-recreate",
        readers: 2,
        before: &[Open, Do(Store(7)), Do(Read(0, 4, Next)), Do(CommitReader(0))],
        acts: &[Do(Recreate), Do(Store(3))],
        ..NAMED
    },
    Workload {
        name: "slots-across-buckets",
        bucket_size: 3,
        commit_delta: 7,
        record_size: 300,
        acts: &[Do(Store(9)), Do(Commit)],
        ..NAMED
    },
    Workload { name: "ring-create", before: &[], acts: &[Open, Do(Store(4))], ..RING },
    Workload { name: "ring-roll", before: &[Open, Do(Store(5))], acts: &[Do(Store(8))], ..RING },
    Workload {
        name: "ring-goes-round",
        before: READ_HALF,
        acts: &[Do(Drain), Do(Store(9)), Do(Drain), Do(Store(6))],
        ..RING
    },
    Workload {
        name: "ring-cursor",
        readers: 2,
        before: &[Open, Do(Store(9))],
        acts: &[
            Do(Read(0, 2, Next)),
            Do(CommitReader(0)),
            Do(Store(2)),
            Do(Read(1, 9, Batch)),
            Do(CommitReader(1)),
            Do(Store(4)),
        ],
        ..RING
    },
    Workload {
        name: "ring-full",
        before: &[Open, Do(Store(23))],
        acts: &[Do(Store(3)), Do(Read(0, 7, Next)), Do(CommitReader(0)), Do(Store(3)), Do(Drain)],
        ..RING
    },
    Workload {
        name: "ring-journal",
        readers: 3,
        before: &[Open, Do(Store(24))],
        acts: &[
            Do(Read(0, 2, Next)),
            Do(CommitReader(0)),
            Do(Read(1, 5, Next)),
            Do(CommitReader(1)),
            Do(Read(0, 2, Next)),
            Do(CommitReader(0)),
            Do(Reset),
            Do(Read(2, 9, Batch)),
            Do(CommitReader(2)),
        ],
        ..RING
    },
    Workload {
        name: "ring-drop-oldest",
        policy: DropOldest,
        before: &[Open, Do(Store(23))],
        acts: &[Do(Store(4)), Do(Read(0, 4, Next)), Do(CommitReader(0)), Do(Store(6))],
        ..RING
    },
    Workload {
        name: "ring-close",
        before: &[Open, Do(Store(2))],
        acts: &[Do(Reopen), Do(Store(2)), Do(Reopen), Do(Reset), Do(Store(3))],
        ..RING
    },
    Workload {
        name: "ring-recreate",
        before: &[Open, Do(Store(9)), Do(Read(0, 4, Next)), Do(CommitReader(0))],
        acts: &[Do(Recreate), Do(Store(3))],
        ..RING
    },
    Workload {
        name: "ring-after-a-cut",
        before: &[Open, Do(Store(3)), Cut(1, Store(3)), Open],
        acts: &[Do(Store(3)), Do(Reset), Do(Store(3)), Do(Drain)],
        ..RING
    },
    Workload {
        name: "ring-header-mends",
        before: &[Open, Do(Store(4)), Damage(0), Open],
        acts: &[Do(Store(3)), Do(Drain)],
        ..RING
    },
];
