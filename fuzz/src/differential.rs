//! The library and the reference read the same bytes, and tell the same.

use std::cell::RefCell;

use crate::image::{Memory, unpack};
use crate::read::Medium;
use crate::reference::Reference;

thread_local! {
    static REFERENCE: RefCell<Option<Reference>> = const { RefCell::new(None) };
}

/// True unless somebody has forged a log that contradicts itself: what is promised of such a one is
/// that nothing panics and everything ends.
pub(crate) fn is_orderly(kind: u8, image: &[u8]) -> bool {
    told_by_reference(kind, image).is_some()
}

/// The target: the first byte says what the others are, an even one flash and an odd one a folder.
pub(crate) fn run(data: &[u8]) {
    let Some((&kind, image)) = data.split_first() else { return };
    let ours = story(kind % 2, image);
    let Some((ours, theirs)) = ours.zip(told_by_reference(kind % 2, image)) else { return };
    let same = ours.lines().zip(theirs.lines()).take_while(|(ours, theirs)| ours == theirs).count();
    let line = |lines: &str| lines.lines().nth(same).unwrap_or("nothing more").to_owned();
    assert_eq!(line(&ours), line(&theirs), "the library and the reference disagree");
}

/// What the library tells of an image of this kind, empty if it finds no log; `None` if no two
/// readers need to tell the same, as the bytes are forged or no reader would go through with it.
#[must_use]
pub fn story(kind: u8, image: &[u8]) -> Option<String> {
    match Medium::new(kind, image).map(|medium| medium.story()) {
        Some(Ok(story)) => story.sensible.then(|| story.lines()),
        // A sound header of a shape that no log has is nobody's to read.
        Some(Err(why)) if why.starts_with("Invalid") || why.starts_with("Mismatch") => None,
        Some(Err(_)) | None => Some(String::new()),
    }
}

/// What the reference tells of it, but for the line about the log, with `None` as above.
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
