//! `tslog read`: what one reader has not read yet, and its commit.

use crate::args::ReadArgs;
use crate::cmd::tell_gap;
use crate::codec::Codec;
use crate::exit::{Exit, Result};
use crate::output::output;
use crate::source::{Gap, Reading, Records as _, Step};

pub(crate) fn run(args: &ReadArgs) -> Result<Exit> {
    let mut reader = Reading::open(&args.dir, args.reader)?;
    let schema = reader.schema().clone();
    let codec = Codec::new(&schema)?;
    let mut out = output(&args.output, codec.shape());
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut exit = Exit::Ok;
    while left > 0 {
        let gap = match reader.step()? {
            Step::End => break,
            Step::Gap(gap) => gap,
            Step::Record(seqn) => {
                left -= 1;
                if let Some(row) = codec.row(seqn, reader.bytes()) {
                    out.row(&row)?;
                    continue;
                }
                Gap::unreadable(seqn)
            }
        };
        if tell_gap(&gap, out.as_mut())? != Exit::Ok {
            exit = Exit::Damage;
        }
    }
    // Only what has left this process is acknowledged.
    out.flush()?;
    if args.commit {
        reader.commit()?;
    }
    Ok(exit)
}
