//! The second reader, in a process that answers image after image.

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::image::{Memory, unpack};

thread_local! {
    static REFERENCE: RefCell<Option<Reference>> = const { RefCell::new(None) };
}

/// True unless somebody has forged a log that contradicts itself: what is promised of such a one is
/// that nothing panics and everything ends.
pub(crate) fn is_orderly(kind: u8, image: &[u8]) -> bool {
    told_by_reference(kind, image).is_some()
}

/// What the reference tells of an image of this kind, but for the line about the log, empty if it
/// finds no log; `None` if somebody has forged it.
#[must_use]
pub fn told_by_reference(kind: u8, image: &[u8]) -> Option<String> {
    if kind == 1 { ask(kind, &files(&unpack(image))) } else { ask(kind, image) }
}

fn ask(kind: u8, image: &[u8]) -> Option<String> {
    let answer = REFERENCE.with_borrow_mut(|reference| {
        let reference = reference.get_or_insert_with(|| Reference::start().expect("python3 runs"));
        reference.ask(kind, image).expect("the reference answers")
    });
    match answer.split_once('\n') {
        Some((first, _)) if first.contains(r#""orderly": false"#) => None,
        Some((first, rest)) if first.starts_with(r#"{"log""#) => Some(rest.to_owned()),
        _ => Some(String::new()),
    }
}

/// The files of a folder as the reference takes them.
fn files(memory: &Memory) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in &memory.files {
        let name = name.to_string();
        for len in [name.len(), content.len()] {
            out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        }
        out.extend(name.as_bytes());
        out.extend(content);
    }
    out
}

/// A running `reference.py --serve`. It ends when its standard input does, with this value.
#[derive(Debug)]
struct Reference {
    child: Child,
    questions: Option<ChildStdin>,
    answers: ChildStdout,
}

impl Reference {
    /// Starts it.
    ///
    /// # Errors
    /// Where there is no `python3`.
    fn start() -> io::Result<Self> {
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
    fn ask(&mut self, kind: u8, image: &[u8]) -> io::Result<String> {
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
