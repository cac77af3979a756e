//! The handles that C holds: numbers that are looked up and never followed.
//!
//! A number is never given twice, so that a handle that was closed is known as such for ever, and a
//! handle of another kind, or out of thin air, does no harm.

use core::ffi::c_void;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use tslog_core::{
    Error, SharedLog, SharedReader, View,
    storage::{folder::Folder, image::Image},
};

use super::described::Described;
use crate::fault::Fault;
use crate::pointers::Out;

/// A handle as C has it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Handle(*const c_void);

/// What a handle stands for, with what is known of its records. Clones are the same thing.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) object: Object,
    pub(super) described: Arc<Described>,
}

#[derive(Clone)]
pub(super) enum Object {
    Log(SharedLog),
    Reader(Arc<Mutex<SharedReader>>),
    View(Arc<Mutex<AnyView>>),
}

/// A view of either medium.
pub(super) enum AnyView {
    Folder(View<Folder>),
    Image(View<Image>),
}

struct Table {
    /// How many handles were given so far.
    given: usize,
    open: BTreeMap<usize, Held>,
}

static TABLE: RwLock<Table> = RwLock::new(Table { given: 0, open: BTreeMap::new() });

/// The lowest bits of a handle say what it is, so that this is known even after it was closed.
const KIND_BITS: u32 = 2;

impl Object {
    fn kind(&self) -> usize {
        match self {
            Self::Log(_) => 1,
            Self::Reader(_) => 2,
            Self::View(_) => 3,
        }
    }
}

/// What a function wants: the kind of its handle, and what C calls it. No kind is any.
#[derive(Clone, Copy)]
struct Wanted(usize, &'static str);

const LOG: Wanted = Wanted(1, "log");
const READER: Wanted = Wanted(2, "reader");
const VIEW: Wanted = Wanted(3, "view");
const ANY: Wanted = Wanted(0, "handle");

impl Wanted {
    fn is(self, kind: usize) -> bool {
        self.0 == 0 || self.0 == kind
    }
}

/// Gives an object a handle.
pub(super) fn open(object: Object, described: Arc<Described>) -> Handle {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    // On a machine of 64 bits this would wrap in thousands of years.
    table.given = table.given.wrapping_add(1);
    let number = table.given.wrapping_shl(KIND_BITS) | object.kind();
    table.open.insert(number, Held { object, described });
    Handle(core::ptr::without_provenance(number))
}

impl Handle {
    fn held(self, wanted: Wanted) -> Result<Held, Fault> {
        let number = self.0.addr();
        let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
        match table.open.get(&number) {
            Some(held) if wanted.is(held.object.kind()) => Ok(held.clone()),
            Some(_) => Err(Fault::Handle(wanted.1)),
            None => Err(self.absent(&table, wanted)),
        }
    }

    /// Takes the handle back.
    fn take(self, wanted: Wanted) -> Result<Held, Fault> {
        let number = self.0.addr();
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        match table.open.get(&number) {
            Some(held) if !wanted.is(held.object.kind()) => return Err(Fault::Handle(wanted.1)),
            Some(_) | None => {}
        }
        table.open.remove(&number).ok_or_else(|| self.absent(&table, wanted))
    }

    /// Why a handle is not in the table.
    fn absent(self, table: &Table, Wanted(kind, name): Wanted) -> Fault {
        let number = self.0.addr();
        let own_kind = number & 3;
        let was_given = (1..=table.given).contains(&number.wrapping_shr(KIND_BITS));
        if number == 0 {
            Fault::Null(name)
        } else if was_given && own_kind != 0 && Wanted(kind, name).is(own_kind) {
            Fault::Log(Error::Closed)
        } else {
            Fault::Handle(name)
        }
    }

    pub(super) fn log(self) -> Result<SharedLog, Fault> {
        match self.held(LOG)?.object {
            Object::Log(log) => Ok(log),
            Object::Reader(_) | Object::View(_) => Err(Fault::Handle(LOG.1)),
        }
    }

    pub(super) fn reader(self) -> Result<(Arc<Mutex<SharedReader>>, Arc<Described>), Fault> {
        let held = self.held(READER)?;
        match held.object {
            Object::Reader(reader) => Ok((reader, held.described)),
            Object::Log(_) | Object::View(_) => Err(Fault::Handle(READER.1)),
        }
    }

    pub(super) fn view(self) -> Result<Arc<Mutex<AnyView>>, Fault> {
        match self.held(VIEW)?.object {
            Object::View(view) => Ok(view),
            Object::Log(_) | Object::Reader(_) => Err(Fault::Handle(VIEW.1)),
        }
    }

    pub(super) fn described(self) -> Result<Arc<Described>, Fault> {
        Ok(self.held(ANY)?.described)
    }

    /// Takes the handle of a log back, if it is still there.
    pub(super) fn take_log(self) -> Result<Option<SharedLog>, Fault> {
        match closed_is_nothing(self.take(LOG))?.map(|held| held.object) {
            Some(Object::Log(log)) => Ok(Some(log)),
            Some(Object::Reader(_) | Object::View(_)) | None => Ok(None),
        }
    }

    /// Takes the handle of a reader back, if it is still there.
    pub(super) fn drop_reader(self) -> Result<(), Fault> {
        closed_is_nothing(self.take(READER)).map(drop)
    }

    /// Takes the handle of a view back, if it is still there.
    pub(super) fn drop_view(self) -> Result<(), Fault> {
        closed_is_nothing(self.take(VIEW)).map(drop)
    }
}

/// Closing again is no error.
fn closed_is_nothing(taken: Result<Held, Fault>) -> Result<Option<Held>, Fault> {
    match taken {
        Ok(held) => Ok(Some(held)),
        Err(Fault::Log(Error::Closed)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Gives a new handle to C.
pub(super) fn hand_out(out: Out<Handle>, object: Object, described: Arc<Described>) {
    out.put(open(object, described));
}

/// A thread that panicked while it held the lock leaves what crash safety covers.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
