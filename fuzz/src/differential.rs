//! The library and the reference read the same bytes, and tell the same.

use crate::read::Medium;
use crate::reference::told_by_reference;

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
