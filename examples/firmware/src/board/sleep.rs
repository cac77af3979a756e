//! Sleep on a Cortex-M: the core's timer ends it.

use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// Ticks of one sleep: long enough to be one, short enough to watch the program.
const SLEEP_TICKS: u32 = 10_000;

/// Stops the processor until a timer fires.
pub struct Sleeper(SYST);

impl Sleeper {
    pub(super) fn new(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        Self(timer)
    }

    /// Sleeps. A real node would turn its sensors and its clocks off here, for a minute or so.
    pub fn sleep(&mut self) {
        self.0.set_reload(SLEEP_TICKS);
        self.0.clear_current();
        self.0.enable_interrupt();
        self.0.enable_counter();
        cortex_m::asm::wfi();
        self.0.disable_counter();
        self.0.disable_interrupt();
    }

    /// The timer, for whoever counts with it.
    pub fn into_timer(self) -> SYST {
        self.0
    }
}

/// The timer's interrupt has nothing to do: that it came ends the sleep.
#[cfg(feature = "wake")]
#[cortex_m_rt::exception]
fn SysTick() {}
