//! One target under libFuzzer; the environment says which. `campaign` builds and runs this.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tslog_fuzz::{TARGETS, Target, target};

fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("TSLOG_FUZZ_TARGET").unwrap_or_default();
        target(&name).unwrap_or_else(|| {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            eprintln!("set TSLOG_FUZZ_TARGET to one of: {}", names.join(" "));
            std::process::exit(2);
        })
    })
}

fuzz_target!(|data: &[u8]| (chosen().run)(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    // One in four goes as it is: what no honest program wrote must be refused.
    if seed % 4 != 0
        && let Some(data) = data.get_mut(..size)
    {
        (chosen().mend)(data, seed);
    }
    size
});
