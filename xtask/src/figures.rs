//! `cargo xtask figures NAME`: measures, prints `name value unit` a line, compares with the bars.

use crate::measure::Bar::{AtLeast, AtMost, Below};
use crate::measure::{self, BarOf, Measure};
use crate::need::{Done, Need, Package};
use crate::sh::Failure;

/// A figure: its name, the command that measures it, what that needs, and what it must show.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    commands: &'static [&'static str],
    needs: &'static [Need],
    bars: &'static [BarOf],
}

/// The crash harness over all media, with as many states as its bar asks for.
pub(crate) const CRASH: Figure = Figure {
    name: "crash",
    commands: &["cargo run --profile torture --package tslog-sim --bin crash -- --states 1000000"],
    needs: &[],
    bars: &crash_bars(1_000_000.0),
};

/// As [`CRASH`], with so few states that one can wait for it.
pub(crate) const CRASH_QUICK: Figure = Figure {
    commands: &["cargo run --profile torture --package tslog-sim --bin crash -- --states 20000"],
    bars: &crash_bars(20_000.0),
    ..CRASH
};

/// No medium may be left out, however many states there are of the others.
const fn crash_bars(states: f64) -> [BarOf; 6] {
    [
        ("crash_states", AtLeast(states), "count"),
        ("crash_states_nor", AtLeast(1.0), "count"),
        ("crash_states_fixed", AtLeast(1.0), "count"),
        ("crash_states_named", AtLeast(1.0), "count"),
        ("crash_states_folder", AtLeast(1.0), "count"),
        ("crash_violations", AtMost(0.0), "count"),
    ]
}

/// Instructions of a store, a commit and a read, held to those that are kept.
pub(crate) const COUNTS: Figure = Figure {
    name: "counts",
    commands: &["cargo run --release --package tslog-sim --bin figures -- counts"],
    needs: &[Need { probe: "valgrind --version", package: Package::Debian("valgrind") }],
    bars: &[("counts_violations", AtMost(0.0), "count")],
};

/// The firmware, linked for every board and run in an emulator.
const FIRMWARE: Figure = Figure {
    name: "firmware",
    commands: &["env -C examples/firmware cargo run --quiet --package torture --bin firmware"],
    needs: &[],
    bars: &[
        ("firmware_boards_linked", AtLeast(3.0), "count"),
        ("firmware_programs_run", AtLeast(3.0), "count"),
    ],
};

/// What the project promises to show; the one place where these numbers stand. A name is the
/// figure, the bytes in a record, the records in a commit, and what is measured.
const FIGURES: &[Figure] = &[
    Figure {
        name: "flash",
        commands: &["cargo run --release --package tslog-sim --bin figures -- flash"],
        needs: &[],
        bars: &[
            ("flash_16b_k16_programmed", AtMost(1.11), "bytes/payload_byte"),
            ("flash_16b_k16_erases", AtMost(4.4), "erases/1000_records"),
            ("flash_16b_k16_programmed_twice", AtMost(0.0), "words"),
            ("flash_16b_k16_open_read", AtMost(2700.0), "bytes"),
            ("flash_16b_k1_programmed", AtMost(1.60), "bytes/payload_byte"),
            ("flash_16b_k1_erases", AtMost(6.3), "erases/1000_records"),
            ("flash_16b_k1_programmed_twice", AtMost(0.0), "words"),
            ("flash_16b_k1_open_read", AtMost(2700.0), "bytes"),
            ("flash_128b_k16_programmed", AtMost(1.04), "bytes/payload_byte"),
            ("flash_128b_k16_programmed_twice", AtMost(0.0), "words"),
            ("flash_128b_k16_open_read", AtMost(2700.0), "bytes"),
            ("flash_128b_k1_programmed", AtMost(1.11), "bytes/payload_byte"),
            ("flash_128b_k1_programmed_twice", AtMost(0.0), "words"),
            ("flash_128b_k1_open_read", AtMost(2700.0), "bytes"),
            ("flash_wake_closed_read", AtMost(5200.0), "bytes/wake"),
            ("flash_wake_closed_abandoned", AtMost(0.0), "bytes/wake"),
            ("flash_polled_store_erases", AtMost(0.0), "erases"),
            ("flash_ram_one_reader", AtMost(160.0), "bytes"),
            ("flash_ram_further_reader", AtMost(40.0), "bytes"),
        ],
    },
    Figure {
        name: "flash-peers",
        commands: &["cargo run --release --manifest-path bench/flash/Cargo.toml -- figures"],
        needs: &[
            Need { probe: "cc --version", package: Package::Debian("gcc") },
            Need { probe: "dpkg --status libclang-dev", package: Package::Debian("libclang-dev") },
        ],
        bars: &[
            ("flash-peers_cuts", AtLeast(300.0), "count"),
            ("flash-peers_unclean", AtMost(0.0), "count"),
        ],
    },
    Figure {
        name: "linux-peers",
        commands: &[
            "ROCKSDB_LIB_DIR=/usr/lib ROCKSDB_INCLUDE_DIR=/usr/include cargo run --release \
             --manifest-path bench/linux/Cargo.toml --features rocksdb -- page",
        ],
        needs: &[
            Need { probe: "g++ --version", package: Package::Debian("g++") },
            Need { probe: "dpkg --status libclang-dev", package: Package::Debian("libclang-dev") },
            Need {
                probe: "dpkg --status librocksdb-dev",
                package: Package::Debian("librocksdb-dev"),
            },
        ],
        bars: &[("linux-peers_measured", AtLeast(11.0), "count")],
    },
    Figure {
        name: "linux",
        commands: &[
            "cargo run --release --package tslog-sim --bin figures -- linux",
            "cargo run --release --manifest-path bench/linux/Cargo.toml -- figures",
        ],
        needs: &[
            Need { probe: "unshare --version", package: Package::Debian("util-linux") },
            Need { probe: "mount --version", package: Package::Debian("mount") },
            Need { probe: "mkfs.ext4 -V", package: Package::Debian("e2fsprogs") },
            Need { probe: "strace -V", package: Package::Debian("strace") },
            Need { probe: "g++ --version", package: Package::Debian("g++") },
        ],
        bars: &[
            ("linux_16b_k16_flushes", AtMost(1.05), "flushes/commit"),
            ("linux_16b_k16_written", AtMost(5.2), "KiB/commit"),
            ("linux_16b_k16_b1024_flushes", AtMost(1.05), "flushes/commit"),
            ("linux_16b_k16_b1024_written", AtMost(5.2), "KiB/commit"),
            ("linux_16b_k16_syscalls", AtMost(2.0), "syscalls/commit"),
            ("linux_16b_k16_disk", AtMost(17.0), "bytes/record"),
            ("linux_128b_k16_flushes", AtMost(1.06), "flushes/commit"),
            ("linux_128b_k16_written", AtMost(9.0), "KiB/commit"),
            ("linux_128b_k16_b1024_flushes", AtMost(1.06), "flushes/commit"),
            ("linux_128b_k16_b1024_written", AtMost(9.0), "KiB/commit"),
            ("linux_10m_records", AtLeast(10_000_000.0), "records"),
            ("linux_10m_disk", AtMost(17.0), "bytes/record"),
            ("linux_10m_open_median", AtMost(1.0), "ms"),
            ("linux_10m_memory_most", Below(1.0), "MB"),
            ("linux_10m_crashed_open_median", AtMost(1.0), "ms"),
            ("linux_10m_crashed_memory_most", Below(1.0), "MB"),
            ("linux_100m_records", AtLeast(100_000_000.0), "records"),
            ("linux_100m_open_median", AtMost(1.0), "ms"),
            ("linux_100m_memory_most", Below(1.0), "MB"),
            ("linux_100m_crashed_open_median", AtMost(1.0), "ms"),
            ("linux_100m_crashed_memory_most", Below(1.0), "MB"),
            ("linux_16b_k16_speed", AtLeast(0.95), "of_raw"),
            ("linux_16b_k16_cpu", AtMost(1.2), "of_raw"),
            ("linux_16t_k1_syncs", AtMost(0.15), "syncs/record"),
            ("linux_16b_store_speed", AtLeast(0.7), "of_bufwriter"),
            ("linux_background_store_p999_sync", AtMost(0.01), "syncs"),
            ("linux_16b_k16_batches_speed", AtLeast(0.7), "of_raw"),
            ("linux_4_readers_slow", AtMost(1.1), "of_alone"),
            ("linux_peers_durable_best", AtLeast(1.0), "times"),
            ("linux_peers_store_vs_best", AtLeast(2.0), "times"),
            ("linux_peers_batch_vs_best_verifying", AtLeast(5.0), "times"),
            ("linux_peers_next_vs_best", AtLeast(3.0), "times"),
        ],
    },
    COUNTS,
    CRASH,
    Figure {
        name: "firmware",
        commands: &["env -C examples/firmware cargo run --quiet --package torture --bin figures"],
        needs: &[],
        bars: &[
            ("firmware_z_open_text", AtMost(12288.0), "bytes"),
            ("firmware_z_log_text", AtMost(12288.0), "bytes"),
            ("firmware_z_ram_log", AtMost(160.0), "bytes"),
            ("firmware_z_stack_most", AtMost(1024.0), "bytes"),
        ],
    },
    Figure {
        name: "python",
        commands: &["python3 bindings/python/figures.py"],
        needs: &[Need { probe: "python3 --version", package: Package::Debian("python3") }],
        bars: &[
            ("python_store_vs_file", AtLeast(1.5), "times"),
            ("python_durable_vs_file", AtLeast(0.95), "times"),
            ("python_durable_vs_sqlite", AtLeast(1.3), "times"),
            ("python_next_vs_file", AtLeast(1.5), "times"),
            ("python_numpy_million_ms", Below(20.0), "ms"),
        ],
    },
];

/// The figure of this name.
pub(crate) fn named(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name)
}

/// Every figure there is.
pub(crate) fn all() -> &'static [Figure] {
    FIGURES
}

/// Measures `figure`.
pub(crate) fn run(figure: &Figure) -> Result<Done, Failure> {
    run_as(figure, format!("figures {}", figure.name))
}

/// Links the firmware and runs it.
pub(crate) fn run_firmware() -> Result<Done, Failure> {
    run_as(&FIRMWARE, "firmware".to_owned())
}

fn run_as(figure: &Figure, task: String) -> Result<Done, Failure> {
    let commands = figure.commands.iter().map(|&command| command.to_owned()).collect();
    let (needs, bars) = (figure.needs, figure.bars.to_vec());
    measure::run(&Measure { task, commands, needs, bars }).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_crash_harness_differs_in_its_length_alone() {
        let states = |figure: Figure| figure.commands[0].rsplit_once(' ').unwrap();
        assert_eq!(states(CRASH).0, states(CRASH_QUICK).0);
        for figure in [CRASH, CRASH_QUICK] {
            let asked: f64 = states(figure).1.parse().unwrap();
            assert_eq!(figure.bars[0].1, AtLeast(asked));
        }
    }

    #[test]
    fn every_bar_has_a_name_of_its_own_that_begins_with_its_figure() {
        let mut names = std::collections::HashSet::new();
        for figure in FIGURES {
            for (name, ..) in figure.bars {
                assert!(name.starts_with(figure.name) && names.insert(name), "{name}");
                assert!(!name.contains(char::is_uppercase), "{name}");
            }
        }
    }
}
