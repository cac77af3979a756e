//! The second reader, in a process that answers image after image.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `reference.py --serve`. It ends when its standard input does, with this value.
#[derive(Debug)]
pub(crate) struct Reference {
    child: Child,
    questions: Option<ChildStdin>,
    answers: ChildStdout,
}

impl Reference {
    /// Starts it.
    ///
    /// # Errors
    /// Where there is no `python3`.
    pub(crate) fn start() -> io::Result<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/reference.py");
        let mut command = Command::new("python3");
        command.arg(program).arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let missing = || io::Error::other("the reference has no pipe");
        let questions = Some(child.stdin.take().ok_or_else(missing)?);
        let answers = child.stdout.take().ok_or_else(missing)?;
        Ok(Self { child, questions, answers })
    }

    /// Its lines for an image: kind 0 is flash, 1 a folder, whose files are given.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn ask(&mut self, kind: u8, image: &[u8]) -> io::Result<String> {
        let size = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        let questions = self.questions.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        questions.write_all(&[&[kind][..], &size(image.len()), image].concat())?;
        questions.flush()?;
        let mut head = [0; 4];
        self.answers.read_exact(&mut head)?;
        let mut answer = vec![0; u32::from_le_bytes(head) as usize];
        self.answers.read_exact(&mut answer)?;
        String::from_utf8(answer).map_err(io::Error::other)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}
