//! `tslog demo`: where it works, and what it leaves behind.

use std::path::PathBuf;

use crate::args::DemoArgs;
use crate::demo;
use crate::exit::{Exit, Failure, Result};
use crate::shell::shell;

pub(crate) fn run(args: &DemoArgs) -> Result<Exit> {
    if let Some(dir) = &args.dir {
        // Only a new folder is known to hold nothing of value.
        std::fs::create_dir(dir).map_err(|error| {
            Failure::error(format!("the folder {} cannot be made: {error}", shell(dir)))
        })?;
        return demo::run(dir, true);
    }
    let temporary = tempfile::Builder::new().prefix("tslog-demo-").tempdir().map_err(|error| {
        Failure::error(format!("no temporary folder can be made: {error}"))
            .hint("tslog demo --dir demo")
    })?;
    if args.keep {
        let dir: PathBuf = temporary.keep();
        return demo::run(&dir, true);
    }
    demo::run(temporary.path(), false)
}
