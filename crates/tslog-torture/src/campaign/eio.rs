//! A disk that fails every write for a while, under ext4, and then heals.
//!
//! The kernel reports the failure once, forgets the bytes, and calls the next sync a success. The
//! log must have acknowledged nothing that is not there after the heal.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::event::Kind;
use crate::ledger::{Ledger, Life};
use crate::look::look;
use crate::machine::disk::{self, Mounted};
use crate::machine::fuse::Exported;
use crate::machine::program::{self, Program, Spoken, wait_until};
use crate::machine::{self, at, space};
use crate::tally::Tally;
use crate::work::{Manner, Work};

const DISK_SIZE: u64 = 16 << 20;

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let rounds = args.size.of(2, 5, 100);
    program::run(Command::new("nbdkit").arg("--version"))?;
    let make = |_| Ok(space::folder());
    tally.each_alone(0..rounds, make, |folder, case| {
        let round = round(args.seed << 32 ^ case, folder, tally);
        let file = folder.join("sick.disk");
        round.map_err(|what| format!("{what}; {}", machine::keep(args, case, &file)))
    })
}

fn round(seed: u64, folder: &Path, tally: &Tally<'_>) -> Result<()> {
    let mut rng = Rng::new(seed);
    let [file, socket, trigger] = ["sick.disk", "socket", "sick"].map(|name| folder.join(name));
    disk::make(&file, DISK_SIZE, "ext4", &[])?;
    let _ = std::fs::remove_file(&socket);
    let _nbd = serve(&file, &socket, &trigger)?;
    let node = format!("driver=nbd,server.type=unix,server.path={},node-name=n0", socket.display());
    let mut exported = Exported::mount(&[node], "n0", "ext4", DISK_SIZE)?;
    let log = space::folder().join("mounted/log");
    let work = Work {
        manner: Manner::Threads,
        threads: 2,
        records: u32::MAX,
        bucket_size: rng.pick(&[16, 64]),
        commit_delta: rng.pick(&[1, 1, 4]),
        pause_us: 500,
        ..Work::alone(rng.bits())
    };
    let mut ledger = Ledger::default();
    let life = Life { number: 1, durable: work.commit_delta == 1, threads: 2, ..Life::default() };
    ledger.begin(Life { fails: true, ..life });
    let mut worker = Spoken::start(&mut work.command(&log), folder, "worker")?;
    wait_until("the log opens", || worker.has_spoken())?;
    std::thread::sleep(Duration::from_micros(20_000 + rng.below(100_000)));
    std::fs::write(&trigger, "").map_err(at(&trigger))?;
    // Threads that store are told soon; a reader may never commit again.
    wait_until("a call fails", || worker.complaints().is_ok_and(|text| text.contains("failed: ")))?;
    std::thread::sleep(Duration::from_micros(rng.below(50_000)));
    std::fs::remove_file(&trigger).map_err(at(&trigger))?;
    worker.program.kill()?;
    worker.complaints()?;
    let events = worker.events()?;
    tally.ran();
    tally.count(
        "failed_calls",
        events.iter().filter(|event| event.kind == Kind::Failed).count() as u64,
    );
    // Nothing of what only the page cache knows may count.
    let device = exported.loop_device.as_ref().map(|disk| disk.device.clone());
    if let Some(mounted) = exported.mounted.take() {
        mounted.unmount()?;
    }
    let device = device.ok_or("there is no device")?;
    exported.mounted = Some(Mounted::mount(&device, "ext4", &folder.join("mounted"))?);
    ledger.hear(&events)?;
    ledger.compare(&look(&log, work.seed)?)?;
    let next = Work { life: 2, records: 20, ..work };
    ledger.begin(Life { number: 2, ..life });
    let mut worker = Spoken::start(&mut next.command(&log), folder, "worker")?;
    let status = worker.program.wait()?;
    if !status.success() {
        return Err(format!("after the heal, it ended with {status}: {}", worker.complaints()?));
    }
    ledger.hear(&worker.events()?)?;
    ledger.compare(&look(&log, next.seed)?)?;
    exported.end()
}

/// A disk whose writes fail as long as `trigger` exists.
fn serve(file: &Path, socket: &PathBuf, trigger: &Path) -> Result<Program> {
    let mut command = Command::new("nbdkit");
    command.args(["--foreground", "--exit-with-parent", "--unix"]).arg(socket);
    command.args(["--filter=error", "file"]).arg(file);
    command.args(["error=EIO", "error-pwrite-rate=1"]);
    command.arg(format!("error-file={}", trigger.display()));
    let mut nbd = Program::start(&mut command)?;
    wait_until("the disk is served", || socket.exists() || nbd.has_ended())?;
    if socket.exists() { Ok(nbd) } else { Err("nbdkit serves nothing".to_owned()) }
}
