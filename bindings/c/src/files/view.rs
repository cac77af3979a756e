//! `tslog_view_...`: looking at a folder or a dump of flash.

use core::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, Mutex};

use tslog_core::{
    View, ViewStep,
    storage::{folder::Folder, image::Image},
};

use super::described::Described;
use super::handles::{AnyView, Handle, Object, hand_out, lock};
use super::path;
use crate::abi::{Batch, ErrorDetails, Range, ViewInfo};
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::{In, Out};

/// Runs the same code on either view.
macro_rules! either {
    ($any:expr, $view:ident => $code:expr) => {
        match $any {
            AnyView::Folder($view) => $code,
            AnyView::Image($view) => $code,
        }
    };
}

fn with<T>(
    handle: Handle,
    call: impl FnOnce(&mut AnyView) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let view = handle.view()?;
    call(&mut lock(&view))
}

fn begin(view: AnyView, out: Out<Handle>) -> Result<Outcome, Fault> {
    let described = either!(&view, view => Described::new(view.schema()))?;
    hand_out(out, Object::View(Arc::new(Mutex::new(view))), Arc::new(described));
    Ok(Outcome::Done)
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_open(
    folder: In<c_char>,
    view: Out<Handle>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        view.check("view")?;
        begin(AnyView::Folder(View::<Folder>::open(path(folder, "folder")?)?), view)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_open_image(
    file: In<c_char>,
    slot_size: u32,
    view: Out<Handle>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        view.check("view")?;
        begin(AnyView::Image(View::<Image>::open_image(path(file, "file")?, slot_size)?), view)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_close(view: Handle, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        view.drop_view()?;
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_refresh(view: Handle, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        with(view, |view| Ok(either!(view, view => view.refresh())?))?;
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_read(
    view: Handle,
    records: Out<c_void>,
    size: usize,
    batch: Out<Batch>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        batch.check("batch")?;
        let out = records.as_bytes().slice(size, "records")?;
        match with(view, |view| Ok(either!(view, view => view.read(out))?))? {
            ViewStep::Records(first, count) => {
                batch.put(Batch { first, count, reserved: 0 });
                Ok(Outcome::Done)
            }
            ViewStep::Damaged(range) => Err(Fault::Log(tslog_core::Error::Damaged(range))),
            ViewStep::End => Ok(Outcome::Nothing),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_seek(view: Handle, seqn: u64, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        with(view, |view| Ok(either!(view, view => view.seek(seqn))?))?;
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_numbers(
    view: Handle,
    range: Out<Range>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        range.check("range")?;
        range.put(with(view, |view| Ok(either!(view, view => view.numbers())?.into()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_cursors(
    view: Handle,
    cursors: Out<u64>,
    capacity: usize,
    count: Out<usize>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        count.check("count")?;
        let found = with(view, |view| Ok(either!(view, view => view.cursors())?))?;
        if found.len() > capacity {
            return Err(Fault::Room("cursors", found.len() as u64, capacity as u64));
        }
        if !found.is_empty() {
            cursors.check("cursors")?;
        }
        count.put(found.len());
        cursors.put_all(capacity, found.into_iter());
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_info_of(
    view: Handle,
    info: Out<ViewInfo>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        info.check("info")?;
        info.put(with(view, |view| {
            Ok(either!(view, view => {
                let (oldest_bucket, newest_bucket) = view.buckets().unwrap_or((u32::MAX, u32::MAX));
                ViewInfo {
                    id: view.id(),
                    generation: view.generation(),
                    abandoned_size: view.abandoned_size(),
                    oldest_bucket,
                    newest_bucket,
                    header_damaged: u8::from(view.header_damaged()),
                    reserved: [0; 3],
                }
            }))
        })?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_view_bucket_first(
    view: Handle,
    bucket: u32,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        seqn.check("seqn")?;
        let first = with(view, |view| Ok(either!(view, view => view.bucket_first(bucket))?))?;
        Ok(first.map_or(Outcome::Nothing, |first| {
            seqn.put(first);
            Outcome::Done
        }))
    })
}
