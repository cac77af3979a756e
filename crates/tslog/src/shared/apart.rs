//! A reader in another process than the writer: it finds out by itself how far the log is.

use std::{io, path::Path};

use super::{
    Handle, Raw, Schema, SharedReader,
    reader::WINDOW,
    source::{Apart, Source},
};
use crate::{
    error::Error,
    layout::plan::Plan,
    log::{
        NO_INDEX, header,
        probe::{Seen, Window, look},
        read::Bounds,
    },
    storage::{Storage as _, folder::Folder},
};

impl SharedReader<Raw> {
    pub(super) fn apart(path: &Path, n: u8) -> Result<Self, Error<io::Error>> {
        let mut folder = Folder::open_reader(path, n)?;
        let (header, _) = header::find(&mut folder)?;
        let plan = Plan::to_look::<Folder>(&header, folder.geometry())?;
        let schema = Schema::read(&mut folder, &header)?;
        let bounds = Bounds { oldest: 0, head: NO_INDEX, last: 0 };
        let source = Source::Apart(Box::new(Apart {
            schema,
            window: vec![0; WINDOW],
            watch: None,
            #[cfg(feature = "async")]
            changes: None,
        }));
        let mut reader = Self::new(folder, plan, (source, Handle::new(0)), bounds, n);
        reader.refresh()?;
        let first = {
            let window = &mut Window::ahead(&mut reader.window, Seen::default());
            let Bounds { oldest, head, .. } = reader.bounds;
            look(&mut reader.folder, &plan, window, |probe| match head {
                NO_INDEX => 1,
                head => probe.first_number(oldest, head),
            })
            .map_err(Error::Storage)?
        };
        reader.load(first.saturating_sub(1))?;
        Ok(reader)
    }
}
