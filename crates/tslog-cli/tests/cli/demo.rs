//! The first command of the README.

use std::{process::Command, time::Instant};

use crate::{Desk, finish, wait_until};

#[test]
fn the_demo_balances_twice_at_the_same_time_and_leaves_nothing_behind() {
    let desk = Desk::new();
    let start = Instant::now();
    let runs = [desk.start("demo"), desk.start("demo")];
    for run in runs {
        let said = finish(run);
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{}", said.out);
        for line in [
            "The link goes down after number 6,000.\n",
            "SIGKILL to the storing process. Committed up to number ",
            "The link is still down.\n",
            "\nThe link is back.\n",
            "reader 0: cursor 18,914, lag 0",
            " 7 h\n",
            "\nstored 18,914 = delivered 18,914 + pending 0 + dropped 0\ndelivered twice: ",
            "\nAll 18,914 readings arrived in order, each value as in the data set: ",
        ] {
            assert!(said.out.contains(line), "{line}: {}", said.out);
        }
        let twice = said.out.split("delivered twice: ").nth(1).unwrap();
        let twice: u32 = twice.split(' ').next().unwrap().parse().unwrap();
        assert!((1..=64).contains(&twice), "{twice} were sent again");
        assert!(!said.out.contains(['\x1b', '\r']), "{}", said.out);
        assert!(said.out.lines().all(|line| line.len() <= 80), "{}", said.out);
    }
    assert!(start.elapsed().as_secs() < 30, "it took {:?}", start.elapsed());
    assert_eq!(std::fs::read_dir(desk.0.path()).unwrap().count(), 0);
}

#[test]
fn the_demo_keeps_its_log_where_it_is_told_to() {
    let desk = Desk::new();
    let out = desk.ok("demo --dir kept", "");
    assert!(out.ends_with("\nKept in kept: tslog stats kept/log\n"), "{out}");
    assert!(desk.ok("stats kept/log", "").contains("cursor 18,914, lag 0 records"));
    assert_eq!(desk.run("verify kept/log").code, Some(0));
    let delivered = std::fs::read_to_string(desk.path("kept/delivered.csv")).unwrap();
    assert!(delivered.lines().count() > 18_914, "some were delivered twice");
    assert_eq!(desk.run("demo --dir kept").code, Some(1));
}

#[test]
fn a_demo_that_is_stopped_takes_its_folder_with_it() {
    for signal in ["-TERM", "-HUP"] {
        stop_a_demo(signal);
    }
}

fn stop_a_demo(signal: &str) {
    let desk = Desk::new();
    let child = desk.start("demo");
    wait_until("it has begun", || std::fs::read_dir(desk.0.path()).unwrap().count() > 0);
    let begun = || {
        let mut folders = std::fs::read_dir(desk.0.path()).unwrap();
        folders.any(|folder| folder.unwrap().path().join("log/bucket-0000000000").exists())
    };
    wait_until("it has stored something", begun);
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    let said = finish(child);
    assert_eq!((said.code, &*said.err), (Some(1), "error: the demo was stopped\n"));
    assert_eq!(std::fs::read_dir(desk.0.path()).unwrap().count(), 0);
}
