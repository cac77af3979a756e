//! What people copy and paste: the commands of the README, and the examples of each `--help`.

use std::{
    fs::Permissions,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use crate::{Desk, Said, numbers};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

impl Desk {
    /// Runs a line as a shell does, with `tslog` and the programs in the desk's `bin` on the path.
    fn shell(&self, line: &str) -> Said {
        let tslog = Path::new(env!("CARGO_BIN_EXE_tslog")).parent().unwrap();
        let bin = self.path("bin");
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{}:{path}", tslog.display(), bin.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.0.path()).env("PATH", path);
        shell.output().unwrap().into()
    }

    fn program(&self, name: &str, script: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(self.path(name), Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn the_commands_of_the_readme_run_as_they_stand() {
    let desk = Desk::new();
    for folder in ["examples", "crates"] {
        symlink(Path::new(ROOT).join(folder), desk.path(folder)).unwrap();
    }
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let block = readme.split("```sh\n").find(|block| block.starts_with("tslog ")).unwrap();
    let lines: Vec<&str> = block.split("```").next().unwrap().lines().collect();
    let said: Vec<Said> = lines.iter().map(|line| desk.shell(line)).collect();
    for (line, said) in lines.iter().zip(&said) {
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{line}: {said:?}");
    }
    assert!(said[1].out.starts_with("60 records stored and committed"), "{said:?}");
    assert!(
        said[2].out.ends_with("\n  60       300               32.92         36.99\n"),
        "{said:?}"
    );
    assert!(said[3].out.ends_with("sound\n"), "{said:?}");
    assert!(said[4].out.contains("reader 1      cursor 420"), "{said:?}");
}

#[test]
fn the_examples_of_each_help_run_as_they_stand() {
    for command in ["create", "append", "cat", "read", "stats", "verify", ""] {
        let desk = Desk::new();
        let help = desk.ok(format!("{command} --help").trim_start(), "");
        let examples = help.split("Examples:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let has_data = examples.contains("tslog create");
        for (log, more) in [
            ("data", "--format Qff --fields time:s,temperature:degC,humidity:%"),
            ("mixed", "--format Qf --fields time:s,level:m --format QH --fields time:s,alarm"),
        ] {
            if !has_data {
                desk.ok(&format!("create {log} {more}"), "");
            }
        }
        if !has_data {
            desk.ok("append data", &"1,20,40\n".repeat(2000));
        }
        std::fs::write(desk.path("readings.csv"), "1,20,40\n2,20,40\n").unwrap();
        std::fs::write(desk.path("alarms.csv"), numbers(1..=3)).unwrap();
        let flash = Path::new(ROOT).join("crates/tslog/tests/golden/flash-4.bin");
        std::fs::copy(flash, desk.path("flash.bin")).unwrap();
        desk.program("bin/sensor", "echo '{\"time\":1,\"temperature\":20,\"humidity\":40}'");
        desk.program("bin/jq", "cat");
        desk.program("send", "cat > sent");
        let mut run = 0;
        for line in examples.lines().map(str::trim) {
            // One never ends, and the demo has tests of its own; the dump has sectors of 512 bytes.
            let line = line.replace("--sector-size 4096", "--sector-size 512");
            if line.is_empty() || line.ends_with(" -f") || line.starts_with("tslog demo") {
                continue;
            }
            let said = desk.shell(&line);
            assert_eq!((said.code, &*said.err), (Some(0), ""), "{line}: {said:?}");
            run += 1;
        }
        assert!(run >= 2, "{command}: {examples}");
    }
}
