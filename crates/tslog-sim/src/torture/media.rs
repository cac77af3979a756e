//! The media that lie on a [`Disk`], and one run of a workload on them.

use super::workloads::{Act, Workload};
use crate::disk::{Disk, Image, Kept, SlotDisk};
use crate::medium::Medium;
use crate::ops::{Op, Shape};
use crate::power::{Fault, Power, Rng};
use crate::run::{Life, Run};
use crate::trail::note;
use tslog::Format;
use tslog::storage::dir::Name;
use tslog::storage::folder::Folder;
use tslog::storage::{Geometry, Slots};

/// Room for all that a workload does.
const BUDGET: u64 = 1 << 20;

/// A medium on a disk.
pub trait OnDisk: Medium {
    /// The same kind of medium on another disk.
    fn on(disk: &Disk, write_size: u32) -> Self;

    /// The disk it is on.
    fn disk(&self) -> &Disk;
}

/// A folder of files.
#[derive(Debug)]
pub struct FolderOn(Disk);

/// Slots at the contract.
#[derive(Debug)]
pub struct SlotsOn<const NAMED: bool> {
    disk: Disk,
    slots: SlotDisk,
}

impl Medium for FolderOn {
    type Storage = Folder<Disk>;
    const NAMED: bool = true;

    fn storage(&self) -> Self::Storage {
        Folder::new(self.0.clone())
    }

    fn cycle(&self) {}

    fn squeeze(&self, tight: bool) {
        self.0.set_budget(if tight { self.0.used() } else { BUDGET });
    }
}

impl OnDisk for FolderOn {
    fn on(disk: &Disk, _write_size: u32) -> Self {
        Self(disk.clone())
    }

    fn disk(&self) -> &Disk {
        &self.0
    }
}

impl<const NAMED: bool> Medium for SlotsOn<NAMED> {
    type Storage = SlotDisk;
    const NAMED: bool = NAMED;

    fn storage(&self) -> Self::Storage {
        self.slots.clone()
    }

    fn cycle(&self) {}

    fn squeeze(&self, tight: bool) {
        self.disk.set_budget(if tight { self.disk.used() } else { BUDGET });
    }
}

impl<const NAMED: bool> OnDisk for SlotsOn<NAMED> {
    fn on(disk: &Disk, write_size: u32) -> Self {
        let fixed =
            Geometry { slot_count: 6, slot_size: 12 << 10, write_size, slots: Slots::Fixed };
        let named = Geometry {
            slot_count: u32::MAX,
            slot_size: 1 << 20,
            write_size: 1,
            slots: Slots::Named,
        };
        let slots = SlotDisk::new(disk, if NAMED { named } else { fixed });
        Self { disk: disk.clone(), slots }
    }

    fn disk(&self) -> &Disk {
        &self.disk
    }
}

/// A workload as one round has it.
#[derive(Clone, Debug)]
pub struct Round {
    /// What is done.
    pub workload: Workload,
    /// Which round.
    pub number: u64,
    /// What draws the records.
    pub seed: u64,
    shape: Shape,
    /// Bytes in a word, on fixed slots.
    pub write_size: u32,
}

impl Round {
    /// Round 0 has words of 8 bytes, others draw them; for the rest see `shape_of`.
    pub fn new(workload: &Workload, number: u64, seed: u64, commit_max: u32) -> Self {
        let name =
            workload.name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let seed = Rng::new(seed ^ name << 20 ^ number).bits();
        let mut rng = Rng::new(seed);
        let shape = shape_of(workload, number, &mut rng, commit_max);
        let write_size = if number == 0 { 8 } else { rng.pick(&[1, 2, 4, 8, 16, 32]) };
        Self { workload: *workload, number, seed, shape, write_size }
    }

    /// A log on a blank disk, after all that comes before the first cut.
    pub fn begin<M: OnDisk>(&self) -> Run<M> {
        let power = Power::new();
        let disk = Disk::new(BUDGET, &power);
        let medium = M::on(&disk, self.write_size);
        let mut run = Run::on(medium, power, Rng::new(self.seed), self.shape.clone());
        for &act in self.workload.before {
            note(|| format!("before: {act:?}: {}", run.model));
            assert!(perform(&mut run, act).is_ok(), "nothing was planned to fail");
        }
        run
    }

    /// Goes on until the power goes, or to the end.
    pub fn live<M: OnDisk>(&self, run: &mut Run<M>) -> Life {
        for &act in self.workload.acts {
            note(|| format!("{act:?} at step {}: {}", run.power.steps(), run.model));
            perform(run, act)?;
        }
        Ok(())
    }
}

/// The parameters of the log. In round 0 the record size is as the workload says; in others it is
/// drawn, and the records of a commit have at most `commit_max` bytes.
pub(super) fn shape_of(workload: &Workload, number: u64, rng: &mut Rng, commit_max: u32) -> Shape {
    let most = u64::from(commit_max / workload.commit_delta);
    let any = rng.within(1, most);
    let drawn = rng.pick(&[most, most * 3 / 4, most / 2, any]) as u32;
    let formats: Vec<_> = (0..workload.formats).map(format).collect();
    let raw = if number == 0 { workload.record_size.min(most as u32) } else { drawn };
    let packed = formats.iter().map(|format| format.size() + 1).max();
    Shape {
        record_size: packed.unwrap_or(raw),
        formats,
        bucket_size: workload.bucket_size,
        commit_delta: workload.commit_delta,
        batch: workload.batch,
        readers: workload.readers,
        policy: workload.policy,
        max_buckets: workload.max_buckets,
    }
}

/// Calls `f` with the medium a workload is for as its type.
macro_rules! on_medium {
    ($on:expr, $function:ident ( $($argument:expr),* )) => {{
        use $crate::torture::media::{FolderOn, SlotsOn};
        use $crate::torture::workloads::On;
        match $on {
            On::Folder => $function::<FolderOn>($($argument),*),
            On::Fixed => $function::<SlotsOn<false>>($($argument),*),
            On::Named => $function::<SlotsOn<true>>($($argument),*),
        }
    }};
}
pub(super) use on_medium;

/// The format with number `n`, with a name that takes some room.
fn format(n: usize) -> Format<'static> {
    let codes = ["<Qff", "<B", "<3sh", "<qI"];
    let fields = [
        "time_of_the_measurement:s,temperature_of_the_outer_wall:degC,humidity:%",
        "what_the_watchdog_said",
        "code_of_the_station,how_often_the_door_was_opened_today",
        "time_of_the_last_start_of_the_device:s,faults_since_then",
    ];
    let format = Format::new(codes[n % 4]).and_then(|format| format.with_fields(fields[n % 4]));
    format.expect("a good format")
}

fn perform<M: OnDisk>(run: &mut Run<M>, act: Act) -> Life {
    match act {
        Act::Open => run.open(),
        Act::Do(op) => run.op(op),
        Act::Removal(works) => {
            run.medium.disk().refuse_removal(!works);
            Ok(())
        }
        Act::Cut(step, op) => {
            cut_once(run, step, op);
            Ok(())
        }
        Act::Damage(copy) => {
            run.end(true);
            let disk = run.medium.disk();
            let mut image = disk.image();
            image.edit(Name::Header(copy), |bytes| bytes[20] ^= 0x10);
            disk.load(&image);
            Ok(())
        }
    }
}

fn cut_once<M: OnDisk>(run: &mut Run<M>, step: u64, op: Op) {
    run.power.plan(step, Fault::Cut);
    assert!(run.op(op).is_err(), "{op:?} has fewer steps than {step}");
    run.end(true);
    let disk = run.medium.disk();
    disk.prepare();
    let mut kept = Kept::default();
    kept.by(disk.pieces(), |at| at % 2 == 0);
    let image = disk.left(&kept);
    disk.load(&image);
}

/// A disk on which what a cut left is tried.
#[derive(Debug)]
pub struct Bench {
    disk: Disk,
    power: Power,
}

impl Default for Bench {
    fn default() -> Self {
        let power = Power::new();
        let disk = Disk::new(BUDGET, &power);
        disk.be_sure();
        Self { disk, power }
    }
}

impl Bench {
    /// One on which the power may go again.
    pub fn tracking() -> Self {
        let power = Power::new();
        Self { disk: Disk::new(BUDGET, &power), power }
    }

    /// The next start of `run`, which has lost its power, on what is left.
    pub fn start<M: OnDisk>(&self, run: &Run<M>, image: &Image, write_size: u32) -> Run<M> {
        self.power.restore();
        self.disk.load(image);
        self.disk.set_budget(BUDGET);
        let rng = Rng::new(image.hash());
        run.fork(M::on(&self.disk, write_size), &self.power, rng)
    }
}

/// Opens what a cut left, compares all of it, goes on, and opens again.
pub fn check<M: OnDisk>(run: &mut Run<M>, image: &Image) {
    let life = check_all(run, image);
    assert!(life.is_ok(), "nothing was planned to fail");
}

fn check_all<M: OnDisk>(run: &mut Run<M>, image: &Image) -> Life {
    let (read, size) = (run.medium.disk().bytes_read(), image.size());
    run.open()?;
    let read = run.medium.disk().bytes_read() - read;
    assert!(read <= 16 * size + 16 * 4096, "opening {size} bytes reads {read}");
    note(|| format!("found: {}", run.model));
    run.check_all()?;
    let changes = run.medium.disk().changes();
    run.op(Op::Reset)?;
    assert!(run.medium.disk().changes() == changes, "the second open changes something");
    note(|| format!("again: {}", run.model));
    run.op(Op::Store(1))?;
    run.op(Op::Commit)?;
    run.op(Op::Reset)?;
    run.op(Op::Drain)?;
    run.op(Op::Reset)
}
