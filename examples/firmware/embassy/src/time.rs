//! The time for embassy, from the core's timer: a tick is a millisecond, and an interrupt.

use core::cell::{Cell, RefCell};
use core::task::Waker;
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// The core of the board counts 5 ns steps.
const STEPS_PER_TICK: u32 = 200_000;

struct Ticks {
    now: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static TICKS: Ticks = Ticks {
    now: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for Ticks {
    fn now(&self) -> u64 {
        critical_section::with(|section| self.now.borrow(section).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // Each tick looks at the queue, so that no alarm has to be set.
        critical_section::with(|section| {
            self.queue.borrow(section).borrow_mut().schedule_wake(at, waker);
        });
    }
}

/// Starts the timer.
pub(crate) fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(STEPS_PER_TICK - 1);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
}

#[cortex_m_rt::exception]
fn SysTick() {
    critical_section::with(|section| {
        let now = TICKS.now.borrow(section);
        now.set(now.get() + 1);
        TICKS.queue.borrow(section).borrow_mut().next_expiration(now.get());
    });
}
