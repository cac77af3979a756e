//! The second reader, which knows `docs/layout.md` alone, and the library read the same.

use std::path::Path;
use std::process::Command;

use tslog_fuzz::{seeds, story, told_by_reference};

#[test]
fn the_reference_reads_old_logs_and_new_ones_as_the_library_does() {
    let mut records = 0;
    let mut same = |name: &str, kind: u8, image: &[u8]| {
        let ours = story(kind, image).unwrap();
        assert_eq!(ours, told_by_reference(kind, image).unwrap(), "{name}");
        records += ours.lines().filter(|line| line.starts_with(r#"{"record""#)).count();
    };
    for (name, flash, folder) in seeds::logs() {
        same(&format!("{name} on flash"), 0, &flash);
        same(&format!("{name} in a folder"), 1, &tslog_fuzz::pack(&folder));
    }
    let golden = seeds::golden();
    for name in ["flash-1", "flash-4", "flash-32"] {
        same(name, 0, &std::fs::read(golden.join(format!("{name}.bin"))).unwrap());
    }
    same("folder", 1, &tslog_fuzz::pack(&seeds::load(&golden.join("folder"))));
    assert!(records > 800, "only {records} records were compared");
}

#[test]
fn the_reference_reads_a_folder_and_a_dump_by_their_path() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/reference.py");
    let golden = seeds::golden();
    for (path, kind, image) in [
        ("folder", 1, tslog_fuzz::pack(&seeds::load(&golden.join("folder")))),
        ("flash-4.bin", 0, std::fs::read(golden.join("flash-4.bin")).unwrap()),
    ] {
        let told = Command::new("python3").arg(&program).arg(golden.join(path)).output().unwrap();
        assert!(told.status.success(), "{told:?}");
        let lines = String::from_utf8(told.stdout).unwrap();
        assert_eq!(lines.split_once('\n').unwrap().1, story(kind, &image).unwrap(), "{path}");
    }
    let none = Command::new("python3").arg(&program).arg(&program).output().unwrap();
    assert_eq!(none.status.code(), Some(1), "a program is no log");
}
