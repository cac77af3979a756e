//! The flash behind the callbacks of the caller.

use core::ffi::{c_int, c_void};

use tslog_core::storage::{Geometry, Slots, Storage};

use crate::abi::StorageCallbacks;
use crate::config::check_size;
use crate::fault::Fault;
use crate::pointers::In;

/// A callback returned this, and not 0; or 0 if the library asked for bytes outside the slots.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) i32);

/// Slots behind callbacks.
#[derive(Debug)]
pub(crate) struct Callbacks {
    slot_count: u32,
    slot_size: u32,
    write_size: u32,
    user: *mut c_void,
    read: unsafe extern "C" fn(*mut c_void, u32, *mut c_void, u32) -> c_int,
    program: unsafe extern "C" fn(*mut c_void, u32, *const c_void, u32) -> c_int,
    erase: unsafe extern "C" fn(*mut c_void, u32, u32) -> c_int,
    sync: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
}

impl Callbacks {
    pub(crate) fn read(storage: In<StorageCallbacks>) -> Result<Self, Fault> {
        let storage = storage.get("storage")?;
        check_size(storage.size, size_of::<StorageCallbacks>(), "storage")?;
        let StorageCallbacks { slot_count, slot_size, write_size, user, sync, .. } = storage;
        let size = u64::from(slot_count).saturating_mul(u64::from(slot_size));
        if size > 1 << 32 {
            return Err(Fault::Address(slot_count, slot_size));
        }
        Ok(Self {
            slot_count,
            slot_size,
            write_size,
            user,
            read: storage.read.ok_or(Fault::Null("storage.read"))?,
            program: storage.program.ok_or(Fault::Null("storage.program"))?,
            erase: storage.erase.ok_or(Fault::Null("storage.erase"))?,
            sync,
        })
    }

    /// The address of `len` bytes at `offset` of `slot`, and their number, if they lie in the slot.
    fn range(&self, slot: u32, offset: u32, len: usize) -> Result<(u32, u32), Failed> {
        let inside = || {
            let len = u32::try_from(len).ok()?;
            let end = offset.checked_add(len)?;
            let address = slot.checked_mul(self.slot_size)?.checked_add(offset)?;
            (slot < self.slot_count && end <= self.slot_size).then_some((address, len))
        };
        inside().ok_or(Failed(0))
    }
}

fn succeeded(code: c_int) -> Result<(), Failed> {
    if code == 0 { Ok(()) } else { Err(Failed(code)) }
}

impl Storage for Callbacks {
    type Error = Failed;
    const SLOTS: Option<Slots> = Some(Slots::Fixed);

    fn geometry(&self) -> Geometry {
        let Self { slot_count, slot_size, write_size, .. } = *self;
        Geometry { slot_count, slot_size, write_size, slots: Slots::Fixed }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Failed> {
        let (address, size) = self.range(slot, offset, out.len())?;
        // SAFETY: C promises that the callback can be called with its own `user`; `out` has `size`
        // bytes.
        succeeded(unsafe { (self.read)(self.user, address, out.as_mut_ptr().cast(), size) })
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), Failed> {
        let (address, size) = self.range(slot, offset, data.len())?;
        // SAFETY: as for `read`; `data` has `size` bytes.
        succeeded(unsafe { (self.program)(self.user, address, data.as_ptr().cast(), size) })
    }

    fn erase(&mut self, slot: u32) -> Result<(), Failed> {
        let (address, _) = self.range(slot, 0, 0)?;
        // SAFETY: as for `read`.
        succeeded(unsafe { (self.erase)(self.user, address, self.slot_size) })
    }

    fn sync(&mut self) -> Result<(), Failed> {
        // SAFETY: as for `read`.
        self.sync.map_or(Ok(()), |sync| succeeded(unsafe { sync(self.user) }))
    }
}
