//! QEMU's machine `ast1030-evb`: started, watched line by line, and cut off.
//!
//! A cut is `stop` and `quit` over QEMU's control socket: the processor stops between two
//! instructions, wherever it is, and what the chip holds by then is written to its file. A plain
//! kill would also lose what QEMU has not yet written, and so programs that a real chip had done.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// The program that emulates the board; Debian has it in the package `qemu-system-arm`.
const QEMU: &str = "qemu-system-arm";

/// Bytes of the flash chip.
pub const CHIP_SIZE: usize = 4 << 20;

/// How long QEMU may take for anything it is asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// A chip as it comes from the factory, unless the file is there already.
pub fn make_chip(path: &Path) -> io::Result<()> {
    if path.exists() { Ok(()) } else { fs::write(path, vec![0xFF; CHIP_SIZE]) }
}

/// The command that runs `program` with the chip in the file `chip`.
pub fn qemu(program: &Path, chip: &Path) -> Command {
    let mut qemu = Command::new(QEMU);
    qemu.args(["-M", "ast1030-evb", "-nographic", "-monitor", "none", "-serial", "none"]);
    qemu.arg("-drive").arg(format!("file={},format=raw,if=mtd", chip.display()));
    // Time goes by instructions, and a sleep is over at once.
    qemu.args(["-icount", "shift=3,sleep=off", "-kernel"]).arg(program);
    qemu
}

/// Lets the program call the host, and passes `argument` to it.
pub fn semihosting(argument: Option<&str>) -> String {
    let argument = argument.map_or(String::new(), |argument| format!(",arg={argument}"));
    format!("enable=on,target=native,arg=firmware{argument}")
}

/// What to tell if QEMU does not even start.
pub fn not_started(error: &io::Error) -> Failure {
    format!("{QEMU} does not start ({error}); on Debian: apt-get install {QEMU}").into()
}

/// A board that runs.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    control: BufReader<UnixStream>,
    lines: Receiver<String>,
    socket: PathBuf,
}

impl Emulator {
    /// Switches the board on, halted at its first instruction. `dir` is for files of its own.
    pub fn start(
        program: &Path,
        chip: &Path,
        argument: Option<&str>,
        dir: &Path,
    ) -> Result<Self, Failure> {
        let (socket, complaints) = (dir.join("control"), dir.join("complaints"));
        fs::remove_file(&socket).or_else(ignore_missing)?;
        let mut qemu = qemu(program, chip);
        qemu.arg("-semihosting-config").arg(semihosting(argument));
        qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", socket.display()));
        qemu.args(["-S", "-d", "guest_errors", "-D"]).arg(&complaints);
        qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = qemu.spawn().map_err(|error| not_started(&error))?;
        let output = child.stdout.take().ok_or("QEMU has no output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            // A line that the cut left without its end counts for nothing.
            while output.read_line(&mut line).is_ok() && line.ends_with('\n') {
                if sender.send(line.trim_end().to_owned()).is_err() {
                    break;
                }
                line.clear();
            }
        });
        let control = match connect(&socket, &mut child) {
            Ok(control) => BufReader::new(control),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        let mut emulator = Self { child, control, lines, socket };
        emulator.answer("QMP")?;
        emulator.tell("qmp_capabilities")?;
        Ok(emulator)
    }

    /// Lets the processor run.
    pub fn run(&mut self) -> Result<(), Failure> {
        self.tell("cont")
    }

    /// The next line the firmware prints, or `None` if it ended or `until` has come.
    pub fn line(&mut self, until: Instant) -> Option<String> {
        let left = until.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).ok()
    }

    /// Cuts the power. Returns the lines that were printed before and not yet taken.
    pub fn cut(mut self) -> Result<Vec<String>, Failure> {
        self.tell("stop")?;
        self.tell("quit")?;
        self.end()
    }

    /// Waits until the firmware ends by itself. Returns the lines not yet taken.
    pub fn end(mut self) -> Result<Vec<String>, Failure> {
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                return Err("the firmware did not end".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(self.lines.iter().collect())
    }

    fn tell(&mut self, command: &str) -> Result<(), Failure> {
        let stream = self.control.get_mut();
        stream.write_all(format!("{{\"execute\":\"{command}\"}}\n").as_bytes())?;
        self.answer("return")
    }

    /// Reads up to the message that has the key `key`; events come in between.
    fn answer(&mut self, key: &str) -> Result<(), Failure> {
        let mut message = String::new();
        while self.control.read_line(&mut message)? > 0 {
            if message.starts_with(&format!("{{\"{key}\"")) {
                return Ok(());
            }
            if message.starts_with("{\"error\"") {
                return Err(format!("QEMU refused: {message}").into());
            }
            message.clear();
        }
        Err("QEMU went away".into())
    }
}

impl Drop for Emulator {
    /// No QEMU is left behind, whatever went wrong, nor the files of this one.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.socket);
    }
}

/// Fails if the chip was used in a way that QEMU complains about.
pub fn check_complaints(dir: &Path) -> Result<(), Failure> {
    let complaints = BufReader::new(File::open(dir.join("complaints"))?);
    for line in complaints.lines() {
        let line = line?;
        if line.contains("M25P80") || line.contains("aspeed_smc") {
            return Err(format!("the flash chip was misused: {line}").into());
        }
    }
    Ok(())
}

fn connect(socket: &Path, child: &mut Child) -> Result<UnixStream, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) if Instant::now() > until => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("QEMU ended at once: {status}").into());
        }
    }
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
