//! `tslog cat`: records by number and by time, without any lock.

use std::collections::VecDeque;

use crate::args::CatArgs;
use crate::cell::Cell;
use crate::cmd::tell_gap;
use crate::codec::Codec;
use crate::exit::{Exit, Failure, Result, note};
use crate::output::{Output, Row, output};
use crate::shape::{Column, FormatShape, Shape};
use crate::shell::shell;
use crate::source::{Gap, Records as _, Step, Viewed};
use crate::time::{TimeArg, TimeUnit};

pub(crate) fn run(args: &CatArgs) -> Result<Exit> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(Failure::usage(format!("expected --to at or behind --from {from}, got {to}")));
    }
    let mut log = Viewed::open(&args.place)?;
    let schema = log.schema().clone();
    let codec = Codec::new(&schema)?;
    let window = Window::new(codec.shape(), args)?;
    let mut out = output(&args.output, codec.shape());
    let (oldest, last) = log.bounds();
    if let Some(from) = args.from.filter(|from| *from < oldest) {
        note(format_args!("the log begins with number {oldest}: {from} is forgotten"));
    }
    if let Some(from) = args.from.filter(|from| *from > last && !args.follow) {
        note(format_args!("the log ends with number {last}: there is no {from} yet"));
    }
    let to = args.to.unwrap_or(u64::MAX);
    // Without a window in time the last records are known by their numbers.
    let tail = args.tail.filter(|_| !window.is_open());
    let tail_from = tail.map_or(0, |tail| (to.min(last) + 1).saturating_sub(tail));
    let from = args.from.unwrap_or(0).max(oldest).max(tail_from);
    log.seek(from.min(last + 1))?;

    let mut held = Held { most: args.tail.filter(|_| window.is_open()), rows: VecDeque::new() };
    let mut exit = Exit::Ok;
    loop {
        match log.step()? {
            Step::Record(seqn) if seqn > to => break,
            Step::Gap(gap) if gap.range().first > to => break,
            Step::Record(seqn) if seqn < from => {}
            Step::Record(seqn) => {
                if let Some(row) = codec.row(seqn, log.bytes()) {
                    if window.has(&row) {
                        held.put(&row, out.as_mut())?;
                    }
                } else {
                    exit = worse(exit, tell_gap(&Gap::unreadable(seqn), out.as_mut())?);
                }
            }
            Step::Gap(gap) => exit = worse(exit, tell_gap(&gap, out.as_mut())?),
            Step::End => {
                held.end(&codec, out.as_mut())?;
                out.flush()?;
                if !args.follow || log.bounds().1 >= to {
                    return Ok(exit);
                }
                log.wait();
                log.refresh()?;
            }
        }
    }
    held.end(&codec, out.as_mut())?;
    out.flush()?;
    Ok(exit)
}

fn worse(one: Exit, other: Exit) -> Exit {
    if other == Exit::Ok { one } else { other }
}

/// The last rows of a window in time, which are only known at the end.
struct Held {
    /// How many rows to hold; `None` holds nothing back.
    most: Option<u64>,
    rows: VecDeque<(u64, Vec<u8>)>,
}

impl Held {
    fn put(&mut self, row: &Row<'_>, out: &mut dyn Output) -> Result<()> {
        let Some(most) = self.most else {
            return Ok(out.row(row)?);
        };
        self.rows.push_back((row.seqn, row.bytes.to_vec()));
        if u64::try_from(self.rows.len()).unwrap_or(u64::MAX) > most {
            self.rows.pop_front();
        }
        Ok(())
    }

    /// Prints what was held; from here on nothing is held back.
    fn end(&mut self, codec: &Codec<'_>, out: &mut dyn Output) -> Result<()> {
        self.most = None;
        for (seqn, bytes) in std::mem::take(&mut self.rows) {
            if let Some(row) = codec.row(seqn, &bytes) {
                out.row(&row)?;
            }
        }
        Ok(())
    }
}

/// Which records lie between `--since` and `--until`, in nanoseconds; all, where neither is given.
struct Window {
    since: Option<TimeArg>,
    until: Option<TimeArg>,
    /// For each tag the place and the unit of its time.
    times: Vec<Option<(usize, TimeUnit)>>,
}

impl Window {
    fn new(shape: &Shape, args: &CatArgs) -> Result<Self> {
        let time = |format: &FormatShape| {
            let units = format.columns.iter().map(Column::time_unit);
            units.enumerate().find_map(|(at, unit)| Some((at, unit?)))
        };
        let times: Vec<_> = shape.formats.iter().map(time).collect();
        let window = Self { since: args.since, until: args.until, times };
        if window.is_open() && window.times.iter().all(Option::is_none) {
            return Err(Failure::usage(
                "--since and --until need a field named `time` with the unit s, ms, us or ns, and \
                 this log has none",
            )
            .hint(format!("tslog stats {}", shell(&args.place.path))));
        }
        Ok(window)
    }

    /// Whether times are looked at at all.
    fn is_open(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// A record without a time lies in no window.
    fn has(&self, row: &Row<'_>) -> bool {
        if !self.is_open() {
            return true;
        }
        let Some((at, unit)) = self.times.get(usize::from(row.tag)).copied().flatten() else {
            return false;
        };
        let time = match row.cells.get(at) {
            Some(Cell::Int(count)) => unit.nanoseconds(*count),
            Some(Cell::Float(count)) => unit.nanoseconds_of_float(*count),
            _ => return false,
        };
        self.since.is_none_or(|since| time >= since.nanoseconds(unit))
            && self.until.is_none_or(|until| time < until.nanoseconds(unit))
    }
}
