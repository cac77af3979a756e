//! Waiting for another process to write to a folder.

use core::{mem::MaybeUninit, time::Duration};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsRawFd, OwnedFd},
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};
use std::{thread, time::Instant};

use super::Name;

/// How often a folder is looked at that the kernel does not watch.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How often one is looked at that it does: what another machine writes to a shared disk tells it
/// nothing.
const WATCHED_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A folder that is being watched. Where the kernel cannot, waiting for it is waiting for a while.
///
/// ```
/// use std::time::Instant;
/// use tslog::storage::dir::RealDir;
/// # let folder = tempfile::tempdir()?;
/// let mut watch = RealDir::open(folder.path(), false)?.watch();
/// assert!(!watch.wait(Some(Instant::now()))); // nothing happened by then
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Watch(Option<OwnedFd>);

impl Watch {
    /// Watches an open folder from here on.
    pub(super) fn new(folder: &OwnedFd) -> Self {
        let watched = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).and_then(|fd| {
            // The folder that is open, whatever its name leads to by now.
            let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
            inotify::add_watch(&fd, path, WatchFlags::MODIFY | WatchFlags::CREATE)?;
            Ok(fd)
        });
        Self(watched.ok())
    }

    /// Waits until the buckets or the header may have changed since the last call, or until then.
    /// True says that it is worth a look, and not more.
    pub fn wait(&mut self, until: Option<Instant>) -> bool {
        let most = if self.0.is_some() { WATCHED_LOOK_INTERVAL } else { LOOK_INTERVAL };
        let look_at = Instant::now().checked_add(most);
        loop {
            let now = Instant::now();
            let end = until.into_iter().chain(look_at).min().unwrap_or(now);
            let left = end.saturating_duration_since(now);
            if left == Duration::ZERO {
                return until.is_none_or(|until| now < until);
            }
            let Some(fd) = &self.0 else {
                thread::sleep(left);
                continue;
            };
            let time = Timespec::try_from(left).ok();
            match poll(&mut [PollFd::new(fd, PollFlags::IN)], time.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) if has_changed(fd) => return true,
                Ok(_) => {}
                Err(_) => self.0 = None,
            }
        }
    }
}

/// Takes all events there are, and tells whether one is about the log. The cursors of readers, ours
/// among them, are not.
fn has_changed(fd: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut events = inotify::Reader::new(fd, &mut buffer);
    let mut changed = false;
    while let Ok(event) = events.next() {
        let name = event.file_name().and_then(|name| name.to_str().ok()).and_then(Name::parse);
        changed |= matches!(name, Some(Name::Bucket(_) | Name::Header(_)))
            || event.events().contains(ReadFlags::QUEUE_OVERFLOW);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_bucket_that_is_written_ends_the_wait_and_the_cursor_of_a_reader_does_not() {
        let temp = tempfile::tempdir().unwrap();
        let folder = OwnedFd::from(fs::File::open(temp.path()).unwrap());
        let soon = || Instant::now().checked_add(Duration::from_millis(30));
        let mut watch = Watch::new(&folder);
        assert!(watch.0.is_some(), "the kernel watches");
        fs::write(temp.path().join("bucket-0000000000"), "a").unwrap();
        assert!(watch.wait(soon()));
        fs::write(temp.path().join("reader-0"), "a").unwrap();
        fs::write(temp.path().join("foreign"), "a").unwrap();
        assert!(!watch.wait(soon()));
        fs::write(temp.path().join("bucket-0000000000"), "ab").unwrap();
        assert!(watch.wait(None));
    }

    #[test]
    fn without_the_kernel_it_is_worth_a_look_now_and_then() {
        let begun = Instant::now();
        assert!(!Watch(None).wait(begun.checked_add(Duration::from_millis(5))));
        assert!(begun.elapsed() >= Duration::from_millis(5));
        assert!(Watch(None).wait(None));
        assert!(begun.elapsed() >= LOOK_INTERVAL);
    }
}
