//! Every input that was kept goes through its target, without the fuzzer.

use std::path::{Path, PathBuf};

use tslog_fuzz::{TARGETS, seeds};

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn no_input_that_was_kept_breaks_its_target() {
    for target in TARGETS {
        let files = corpus(target.name);
        for file in &files {
            let data = std::fs::read(file).unwrap();
            assert!(data.len() <= target.size_max, "{file:?} is larger than its target takes");
            eprintln!("{file:?}");
            (target.run)(&data);
        }
        assert!(files.len() > 1, "{} has no corpus", target.name);
    }
}

/// A hundred mutants of each input, the same with every run.
#[test]
fn no_mutant_of_an_input_that_was_kept_breaks_its_target() {
    for target in TARGETS {
        for file in corpus(target.name) {
            let whole = std::fs::read(&file).unwrap();
            for seed in 1..=100_u32 {
                let mut data = whole.clone();
                let mut draw = seed;
                for _ in 0..=seed % 4 {
                    draw = draw.wrapping_mul(0x9E37_79B1).wrapping_add(0x7F4A_7C15);
                    let at = draw as usize % data.len().max(1);
                    if let Some(byte) = data.get_mut(at) {
                        *byte ^= draw.to_le_bytes()[3];
                    }
                }
                if seed % 2 == 0 {
                    (target.mend)(&mut data, draw);
                }
                let input = std::env::temp_dir().join("tslog-fuzz-mutant");
                let run = std::panic::catch_unwind(|| (target.run)(&data));
                if run.is_err() {
                    std::fs::write(&input, &data).unwrap();
                    panic!("mutant {seed} of {file:?}, kept as {input:?}");
                }
            }
        }
    }
}

/// Writes the seeds that are not there yet, and never one that is.
#[test]
fn the_seeds_are_in_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, name, data) in seeds::all() {
        let file = corpus.join(target).join(&name);
        if std::env::var_os("TSLOG_BLESS").is_some() && !file.exists() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &data).unwrap();
        }
        let kept = std::fs::read(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        assert!(kept == data, "{file:?} is not what its recipe makes");
    }
}
