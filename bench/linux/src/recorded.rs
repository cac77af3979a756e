//! A disk that writes down all it is told, and disks as a power cut could have left them.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tslog_sim::disk_log::{self, Entry, SECTOR};

use crate::random::Random;
use tslog_sim::mount::tool;

/// Bytes of the file system. Its file is sparse.
const SIZE: u64 = 256 << 20;
/// Room behind it for what a storing process says.
const MARKS: u64 = 8 << 20;
/// Sectors of ext4's superblock, which it trusts no disk to tear: both are written, or none.
const SUPERBLOCK: std::ops::Range<usize> = 2..4;
/// How long anything may take that should come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// All that a disk was told, in order.
#[derive(Debug)]
pub struct Recorded {
    /// The disk as it was after the first `safe_end` entries.
    safe: PathBuf,
    safe_end: usize,
    entries: Vec<Entry>,
}

impl Recorded {
    /// Lets `store` use an ext4 that is mounted at the path it is given; what it writes to the file
    /// it is given comes between the writes of the file system. Everything lies in `place`.
    pub fn make(
        place: &Path,
        store: impl FnOnce(&Path, File) -> Result<(), String>,
    ) -> Result<Self, String> {
        let [safe, disk, log, shown, root] =
            ["safe", "disk", "log", "shown", "root"].map(|name| place.join(name));
        std::fs::create_dir_all(&root).map_err(|error| told(&root, &error))?;
        make_file(&safe, SIZE)?;
        tool(&format!("mkfs.ext4 -q -F -m 0 {}", safe.display()))?;
        copy(&safe, &disk)?;
        let grown = OpenOptions::new().write(true).open(&disk);
        grown.and_then(|disk| disk.set_len(SIZE + MARKS)).map_err(|error| told(&disk, &error))?;
        make_file(&log, 0)?;
        make_file(&shown, 0)?;
        let daemon = Daemon::start(&disk, &log, &shown)?;
        let mounted = Mounted::mount(&shown, &root)?;
        let marks = OpenOptions::new().write(true).open(&shown).and_then(|mut marks| {
            marks.seek(SeekFrom::Start(SIZE))?;
            Ok(marks)
        });
        let stored = store(&root, marks.map_err(|error| told(&shown, &error))?);
        mounted.unmount()?;
        daemon.end()?;
        stored?;
        let marks_from = usize::try_from(SIZE).unwrap_or(usize::MAX) / SECTOR;
        let entries = disk_log::read(&log, marks_from)?;
        Ok(Self { safe, safe_end: 0, entries })
    }

    /// Makes `image` as a cut in part `part` of `parts` equal ones leaves the disk; parts only go
    /// up. Returns the last lines that were said before.
    pub fn cut(
        &mut self,
        image: &Path,
        (part, parts): (u64, u64),
        random: &mut Random,
    ) -> Result<String, String> {
        let length = self.entries.len() as u64;
        let (begin, end) = (length * part / parts, length * (part + 1) / parts);
        let end = usize::try_from(begin + random.below(end - begin)).unwrap_or(0);
        let entries = self.entries.get(..end).unwrap_or_default();
        let flush = entries.iter().rposition(|entry| *entry == Entry::Flush).unwrap_or(0);
        write(&self.safe, entries.get(self.safe_end..flush).unwrap_or_default(), |_, _| true)?;
        self.safe_end = self.safe_end.max(flush);
        copy(&self.safe, image)?;
        let (most, superblock) = (random.below(5) * 25, random.below(2) == 0);
        write(image, entries.get(flush..).unwrap_or_default(), |sector, at_once| {
            let chance = random.below(100) < most;
            at_once || if SUPERBLOCK.contains(&sector) { superblock } else { chance }
        })?;
        let said = entries.iter().rev().find_map(|entry| match entry {
            Entry::Mark(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Entry::Write { .. } | Entry::Flush => None,
        });
        Ok(said.unwrap_or_default())
    }
}

/// Writes those sectors of `entries` to a disk that are `kept`.
fn write(
    disk: &Path,
    entries: &[Entry],
    mut kept: impl FnMut(usize, bool) -> bool,
) -> Result<(), String> {
    let file = OpenOptions::new().write(true).open(disk).map_err(|error| told(disk, &error))?;
    for entry in entries {
        let Entry::Write { sector, data, at_once } = entry else { continue };
        for (piece, sector) in data.chunks(SECTOR).zip(*sector..) {
            if kept(sector, *at_once) {
                let written = file.write_all_at(piece, (sector * SECTOR) as u64);
                written.map_err(|error| told(disk, &error))?;
            }
        }
    }
    Ok(())
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn make_file(path: &Path, size: u64) -> Result<(), String> {
    let made = File::create(path).and_then(|file| file.set_len(size));
    made.map_err(|error| told(path, &error))
}

/// Copies what is written of a sparse file.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    tool(&format!("cp --sparse=always {} {}", from.display(), to.display()))
}

/// An ext4 that is mounted, by a loop device which goes with it.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    pub fn mount(disk: &Path, root: &Path) -> Result<Self, String> {
        let options = format!("loop,sizelimit={SIZE}");
        tool(&format!("mount -t ext4 -o {options} {} {}", disk.display(), root.display()))?;
        Ok(Self(root.to_owned()))
    }

    /// Unmounts. The kernel may need a moment to let go of what a killed process had open.
    pub fn unmount(self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let done = tool(&format!("umount {}", self.0.display()));
            if done.is_ok() || begun.elapsed() > PATIENCE {
                std::mem::forget(self);
                return done;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = tool(&format!("umount --lazy {}", self.0.display()));
    }
}

/// The process that shows a disk and writes down what it is told; it ends with this value.
#[derive(Debug)]
struct Daemon(Child);

impl Daemon {
    fn start(disk: &Path, log: &Path, shown: &Path) -> Result<Self, String> {
        let [disk, log, at] = [disk, log, shown].map(Path::display);
        let mut command = Command::new("qemu-storage-daemon");
        command.args(["--blockdev", &format!("driver=file,filename={disk},node-name=disk")]);
        command.args(["--blockdev", &format!("driver=file,filename={log},node-name=log")]);
        command.args([
            "--blockdev",
            "driver=blklogwrites,file=disk,log=log,log-append=off,node-name=both",
            "--export",
            &format!("type=fuse,id=shown,node-name=both,mountpoint={at},writable=on"),
        ]);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let why = "apt-get install qemu-system-common, and see that there is a /dev/fuse";
        let mut daemon =
            Self(child.map_err(|error| format!("qemu-storage-daemon: {error}; {why}"))?);
        let begun = Instant::now();
        while !std::fs::metadata(shown).is_ok_and(|shown| shown.len() > 0) {
            let ended = daemon.0.try_wait().is_ok_and(|ended| ended.is_some());
            if ended || begun.elapsed() > PATIENCE {
                return Err(format!("qemu-storage-daemon shows no disk; {why}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(daemon)
    }

    /// Ends it in order, so that all is written down.
    fn end(mut self) -> Result<(), String> {
        tool(&format!("kill -TERM {}", self.0.id()))?;
        self.0.wait().map(|_| ()).map_err(|error| error.to_string())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
