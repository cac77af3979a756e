//! The thread that commits in the background, for logs that ask for one.

use std::{
    io,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use super::Inner;

/// The thread, as long as there is a handle through which records can be stored. It ends with the
/// last of them, and commits nothing then: that is what dropping a log means.
#[derive(Debug)]
pub(super) struct Committer {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(super) fn start(inner: &Arc<Inner>) -> io::Result<Self> {
        let served = Arc::clone(inner);
        let thread = Builder::new().name("tslog-commit".into());
        let thread = thread.spawn(move || served.group.serve())?;
        Ok(Self { inner: Arc::clone(inner), thread: Some(thread) })
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.inner.group.stop();
        if let Some(thread) = self.thread.take() {
            // So that the lock of the folder is free once the log is dropped.
            let _ = thread.join();
        }
    }
}
