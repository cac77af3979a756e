//! Programs that a campaign starts, and ends.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::at;
use crate::Result;
use crate::event::{self, Event};

/// How long anything is waited for that should come at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a program to its end; what it printed on standard output.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name} does not run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} failed: {}: {}", output.status, told.trim()))
}

/// Waits until `there`, which is asked again and again.
pub(crate) fn wait_until(what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !there() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: waited {} s for it", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// A program that ends with this value.
#[derive(Debug)]
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn();
        child.map(Self).map_err(|error| format!("{name} does not run: {error}"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL, and what it ended with; that of a program that was faster stands.
    pub(crate) fn kill(&mut self) -> Result<ExitStatus> {
        let killed = self.0.kill().and_then(|()| self.0.wait());
        killed.map_err(|error| format!("it cannot be killed: {error}"))
    }

    /// SIGTERM, and what it ended with.
    pub(crate) fn terminate(&mut self) -> Result<ExitStatus> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let sent = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
        sent.transpose().map_err(|error| format!("it cannot be ended: {error}"))?;
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            let ended = self.0.try_wait().map_err(|error| format!("it has no end: {error}"))?;
            match ended {
                Some(status) => return Ok(status),
                None if begun.elapsed() > PATIENCE => {
                    self.kill()?;
                    return Err(format!("it did not end within {} s", PATIENCE.as_secs()));
                }
                None => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|ended| ended.is_some())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A worker that speaks into one file, and complains into another.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub(crate) program: Program,
    said: PathBuf,
    complained: PathBuf,
}

impl Spoken {
    /// Starts `command` with its words in `folder`, under `name`.
    pub(crate) fn start(command: &mut Command, folder: &Path, name: &str) -> Result<Self> {
        let said = folder.join(format!("{name}.events"));
        let complained = folder.join(format!("{name}.errors"));
        let open = |path: &PathBuf| File::create(path).map_err(at(path));
        let program = Program::start(command.stdout(open(&said)?).stderr(open(&complained)?))?;
        Ok(Self { program, said, complained })
    }

    /// True once it has said something.
    pub(crate) fn has_spoken(&mut self) -> bool {
        std::fs::metadata(&self.said).is_ok_and(|said| said.len() > 0) || self.program.has_ended()
    }

    /// All it has said.
    pub(crate) fn events(&self) -> Result<Vec<Event>> {
        Ok(event::decode_all(&std::fs::read(&self.said).map_err(at(&self.said))?))
    }

    /// Its complaints; that it panicked is an error.
    pub(crate) fn complaints(&self) -> Result<String> {
        let mut text = String::new();
        let file = File::open(&self.complained).and_then(|mut file| file.read_to_string(&mut text));
        file.map_err(at(&self.complained))?;
        if text.contains("panicked") { Err(format!("it panicked: {text}")) } else { Ok(text) }
    }
}
