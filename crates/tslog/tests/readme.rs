//! The program that the README shows.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

#[expect(clippy::print_stdout, reason = "it is shown to people")]
mod program {
    include!("readme/program.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

#[test]
fn the_readme_shows_a_program_that_runs_and_runs_again() {
    let shown = include_str!("../../../README.md").split("```rust\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    assert_eq!(shown, include_str!("readme/program.rs"));
    // The program works where it is started; no other test is in this process.
    let temp = tempfile::tempdir().unwrap();
    std::env::set_current_dir(temp.path()).unwrap();
    for run in 1..=3 {
        program::run();
        let log = tslog::Options::new().open_raw("data/readings").unwrap();
        assert_eq!((log.stats().seqn, log.stats().lag), (run, 0));
    }
}
