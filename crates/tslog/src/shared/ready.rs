//! Readers that wait for records as tasks, under any executor.
//!
//! Beside the writer a commit wakes the task. In another process a thread waits for the folder, for
//! there is no executor to ask for that; it ends a second after its reader at the latest.

use core::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use std::{io, sync::Arc, thread::Builder, time::Instant};

use super::{
    SharedReader,
    shown::Shown,
    source::{Apart, Source},
};
use crate::{error::Error, storage::dir::Watch};

/// How long the thread may outlive its reader.
const THREAD_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The wait for something to read: see [`SharedReader::ready`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Ready<'r, T> {
    reader: &'r mut SharedReader<T>,
}

impl<T> SharedReader<T> {
    /// Waits, as a task, until there is something to read. Dropping the future ends the wait.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use tslog::{Error, Options, SharedReader};
    ///
    /// async fn drain(uplink: &mut SharedReader) -> Result<(), Error<std::io::Error>> {
    ///     loop {
    ///         uplink.ready().await?;
    ///         while let Some((seqn, bytes)) = uplink.next_record()? {
    ///             println!("{seqn}: {bytes:?}"); // send it
    ///         }
    ///         uplink.commit()?;
    ///     }
    /// }
    /// # let log = Options::new().record_size(8).open_raw(&path)?;
    /// # let _ = drain(&mut log.reader(0)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Storage`].
    pub fn ready(&mut self) -> Ready<'_, T> {
        Ready { reader: self }
    }
}

impl<T> Future for Ready<'_, T> {
    type Output = Result<(), Error<io::Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let reader = &mut *self.get_mut().reader;
        let waker = context.waker();
        loop {
            let before = match &mut reader.source {
                Source::Beside(_) => 0,
                Source::Apart(apart) => match apart.changes(|| reader.folder.watch()) {
                    Ok(changes) => changes.with(|count| *count),
                    Err(error) => return Poll::Ready(Err(Error::Storage(error))),
                },
            };
            match reader.has_more() {
                Ok(false) => {}
                done => return Poll::Ready(done.map(|_| ())),
            }
            let cursor = reader.cursor();
            let worth_a_look = match &mut reader.source {
                Source::Beside(inner) => inner.shown.poll(waker, |published| {
                    reader.handle.is_gone() || published.bounds.last > cursor
                }),
                Source::Apart(apart) => {
                    let changes = apart.changes.as_ref();
                    changes.is_none_or(|changes| changes.poll(waker, |count| *count != before))
                }
            };
            if !worth_a_look {
                return Poll::Pending;
            }
        }
    }
}

impl Apart {
    /// Counts the changes of the folder from the first call on.
    fn changes(&mut self, watch: impl FnOnce() -> Watch) -> io::Result<&Shown<u64>> {
        if self.changes.is_none() {
            let (counted, mut watch) = (Arc::new(Shown::new(0_u64)), watch());
            let told = Arc::clone(&counted);
            Builder::new().name("tslog-watch".into()).spawn(move || {
                while Arc::strong_count(&told) > 1 {
                    let changed = watch.wait(Instant::now().checked_add(THREAD_LOOK_INTERVAL));
                    told.change(|count| {
                        *count = count.wrapping_add(u64::from(changed));
                        changed
                    });
                }
            })?;
            self.changes = Some(counted);
        }
        self.changes.as_deref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
