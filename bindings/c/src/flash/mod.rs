//! A log on flash: no heap, no threads, in memory of the caller.
//!
//! The memory holds a word that says whether there is a log, bound to its address, and the log.
//! The word is what keeps two calls from using one log at a time, and a copy from being used at
//! all.

mod log;
mod reader;
mod storage;

use core::{
    mem::MaybeUninit,
    sync::atomic::{AtomicU32, Ordering},
};

use tslog_core::{Error, Log, MAX_READERS, Reader};

use crate::abi::{TSLOG_FLASH_ALIGN, TSLOG_FLASH_SIZE};
use crate::fault::{Fault, System};
use crate::pointers::Out;
use storage::Callbacks;

type FlashLog = Log<Callbacks, &'static mut [u8], MAX_READERS>;

/// What `tslog_flash` is.
#[repr(C, align(8))]
pub(crate) struct FlashMemory {
    state: AtomicU32,
    log: MaybeUninit<FlashLog>,
    /// The header promises a size that leaves room for later versions of the log.
    spare: [u8; TSLOG_FLASH_SIZE - 8 - size_of::<FlashLog>().next_multiple_of(8)],
}

const _: () = assert!(size_of::<FlashMemory>() == TSLOG_FLASH_SIZE);
const _: () = assert!(align_of::<FlashMemory>() == TSLOG_FLASH_ALIGN);

/// What `tslog_flash_reader` is: which log it belongs to, and the reader.
#[repr(C)]
pub(crate) struct ReaderMemory {
    owner: u32,
    reader: Reader,
}

const _: () = assert!(size_of::<ReaderMemory>() == 20 && align_of::<ReaderMemory>() == 4);

/// The states of the memory, each mixed with the address so that a copy is in none of them.
const OPEN: u32 = 0x7A5C_11D3;
const IN_USE: u32 = 0x7A5C_22E5;
const CLOSED: u32 = 0x7A5C_33F7;

/// A log in memory of the caller.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Handle(*mut FlashMemory);

impl Handle {
    fn check(self) -> Result<(), Fault> {
        Out::from(self.0).check("log")
    }

    /// `state` as it is written at this address.
    fn here(self, state: u32) -> u32 {
        // The low half of an address tells logs apart as far as it has to.
        let address = self.0.addr().to_le_bytes();
        state ^ address.first_chunk().map_or(0, |low| u32::from_le_bytes(*low))
    }

    fn state<'a>(self) -> &'a AtomicU32 {
        // SAFETY: the caller of `check` made sure of NULL and alignment, and C of the rest: the
        // memory is there, and an atomic may be shared with calls that interrupt this one.
        unsafe { &(*self.0).state }
    }

    /// Lets go of a log that may be here: its buffer is about to be used by another one.
    fn forget(self) {
        self.state().store(0, Ordering::Release);
    }

    /// Puts a log where there was none, whatever the memory holds.
    fn begin(self, log: FlashLog) {
        // SAFETY: as for `state`, and C promises that no other call uses memory that is being
        // opened. What was there is not dropped: a log owns nothing that would leak.
        unsafe { (&raw mut (*self.0).log).write(MaybeUninit::new(log)) };
        self.state().store(self.here(OPEN), Ordering::Release);
    }

    /// Runs a call on the log; while it runs, no other one gets in.
    fn with<T>(self, call: impl FnOnce(&mut FlashLog) -> Result<T, Fault>) -> Result<T, Fault> {
        self.check()?;
        let state = self.state();
        let (open, in_use) = (self.here(OPEN), self.here(IN_USE));
        match swap(state, open, in_use) {
            Ok(()) => {}
            Err(found) if found == in_use => return Err(Fault::Busy),
            Err(found) if found == self.here(CLOSED) => return Err(Fault::Log(Error::Closed)),
            Err(_) => return Err(Fault::Handle("log")),
        }
        let guard = InUse { handle: self, then: OPEN };
        // SAFETY: the state said that `begin` put a log here, at this very address, and it keeps
        // every other call away from it until the guard goes.
        let log = unsafe { (*self.0).log.assume_init_mut() };
        let done = call(log);
        drop(guard);
        done
    }

    /// Runs the last call on the log.
    fn end(self, call: impl FnOnce(&mut FlashLog) -> Result<(), Fault>) -> Result<(), Fault> {
        let ended = self.with(call);
        if !matches!(
            ended,
            Err(Fault::Busy | Fault::Handle(_) | Fault::Null(_) | Fault::Alignment(_))
        ) {
            self.state().store(self.here(CLOSED), Ordering::Release);
        }
        ended
    }
}

/// Sets the state back even where a call panics and unwinds.
struct InUse {
    handle: Handle,
    then: u32,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.handle.state().store(self.handle.here(self.then), Ordering::Release);
    }
}

#[cfg(target_has_atomic = "32")]
fn swap(state: &AtomicU32, from: u32, to: u32) -> Result<(), u32> {
    state.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).map(|_| ())
}

/// Without an atomic exchange: an interrupt between the two lines is over before the second one.
#[cfg(not(target_has_atomic = "32"))]
fn swap(state: &AtomicU32, from: u32, to: u32) -> Result<(), u32> {
    let found = state.load(Ordering::Acquire);
    if found != from {
        return Err(found);
    }
    state.store(to, Ordering::Release);
    Ok(())
}

/// A reader in memory of the caller.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct ReaderHandle(*mut ReaderMemory);

impl ReaderHandle {
    fn check(self) -> Result<(), Fault> {
        Out::from(self.0).check("reader")
    }

    /// Puts a reader of `log` here, whatever the memory holds.
    fn begin(self, log: Handle, reader: Reader) {
        Out::from(self.0).put(ReaderMemory { owner: log.here(OPEN), reader });
    }

    /// Runs a call on a log and one of its readers.
    fn with<T>(
        self,
        log: Handle,
        call: impl FnOnce(&mut FlashLog, &mut Reader) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        log.with(|open| {
            self.check()?;
            // SAFETY: not NULL and aligned, all bits mean something, and C promises that nothing
            // else uses the reader during the call.
            let memory = unsafe { &mut *self.0 };
            if memory.owner != log.here(OPEN) {
                return Err(Fault::Handle("reader"));
            }
            call(open, &mut memory.reader)
        })
    }
}

impl From<Error<storage::Failed>> for Fault {
    fn from(error: Error<storage::Failed>) -> Self {
        Self::Log(error.map_storage(|storage::Failed(code)| System {
            code,
            #[cfg(feature = "std")]
            words: format!("a callback returned {code}"),
        }))
    }
}
