//! Several processes at one log, and processes that are stopped.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command},
    sync::mpsc,
};

use crate::{Desk, PATIENCE, finish, numbers, wait_until};

/// A process that is killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that appends and has its standard input open.
fn writer(desk: &Desk) -> Running {
    let mut writer = Running(desk.start("append log --commit-delta 1"));
    writer.0.stdin.as_mut().unwrap().write_all(numbers(1..=2).as_bytes()).unwrap();
    // The line behind it shows that the first one was a record.
    wait_until("the writer has stored a record", || desk.last() >= 1);
    writer
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let desk = Desk::with_log(50_000, "", 1000);
    for args in
        ["cat log", "cat log --csv", "cat log --json", "cat log --hex", "read log --reader 0"]
    {
        let mut child = Running(desk.start(args));
        let mut line = String::new();
        let mut out = BufReader::with_capacity(16, child.0.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{args}");
        drop(out);
        let mut err = String::new();
        child.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.0.wait().unwrap().code(), &*err), (Some(0), ""), "{args}");
    }
}

#[test]
fn what_could_not_be_printed_is_not_acknowledged() {
    let desk = Desk::with_log(50_000, "", 1000);
    let mut child = Running(desk.start("read log --reader 0 --commit --csv"));
    drop(child.0.stdout.take());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert!(desk.ok("stats log", "").contains("cursor 0, lag 50,000 records"));
}

#[test]
fn following_shows_what_a_running_writer_commits() {
    let desk = Desk::with_log(3, "", 1);
    let mut follower = Running(desk.start("cat log -f --json --from 2"));
    let (lines, seen) = mpsc::channel();
    let out = BufReader::new(follower.0.stdout.take().unwrap());
    std::thread::spawn(move || {
        out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
    });
    let line = |n| format!("{{\"seqn\":{n},\"time\":{},\"value\":{n}}}", 10 * n);
    for n in 2..=3 {
        assert_eq!(seen.recv_timeout(PATIENCE), Ok(line(n)));
    }
    for n in 4..=6 {
        desk.ok("append log", &numbers(n..=n));
        assert_eq!(seen.recv_timeout(PATIENCE), Ok(line(n)));
    }
    desk.ok("create log --recreate --format Q", "");
    wait_until("the follower has noticed", || follower.0.try_wait().unwrap().is_some());
    let mut err = String::new();
    follower.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "error: the log in log was made anew meanwhile\n  tslog stats log\n");
    assert_eq!(follower.0.wait().unwrap().code(), Some(1));
}

#[test]
fn following_ends_with_the_number_that_was_asked_for() {
    let desk = Desk::with_log(3, "", 1);
    assert_eq!(desk.run("cat log -f --csv --to 2").first_column(), [1, 2]);
    assert_eq!(desk.run("cat log -f --csv --to 3").first_column(), [1, 2, 3]);
    let follower = desk.start("cat log -f --csv --to 5 --tail 1");
    desk.ok("append log", &numbers(4..=7));
    let said = finish(follower);
    assert_eq!(said.code, Some(0));
    assert!(said.first_column().ends_with(&[5]), "{said:?}");
}

#[test]
fn a_second_writer_is_told_who_has_the_log() {
    let desk = Desk::with_log(0, "", 1);
    let writer = writer(&desk);
    for args in ["append log", "create log --recreate --format Q"] {
        let told = format!(
            "error: the log in log is being written by process {}\n  tslog stats log\n",
            writer.0.id()
        );
        desk.run(args).is(6, "", &told);
    }
    assert_eq!(desk.run("cat log --csv").code, Some(0));
    assert_eq!(desk.run("read log --reader 0").code, Some(0));
    drop(writer);
    desk.ok("append log", &numbers(3..=3));
}

#[test]
fn a_reader_that_is_in_use_is_locked() {
    let desk = Desk::with_log(3, "--readers 2", 1);
    let reader = tslog::Options::open_reader(desk.path("log"), 1).unwrap();
    desk.run("read log --reader 1").is(
        6,
        "",
        "error: reader 1 of the log in log is in use by another process\n  tslog stats log\n",
    );
    assert_eq!(desk.run("read log --reader 0").code, Some(0));
    drop(reader);
    assert_eq!(desk.run("read log --reader 1").code, Some(0));
}

#[test]
fn a_killed_append_loses_nothing_that_was_committed() {
    let desk = Desk::with_log(0, "--bucket-size 64", 1);
    let mut child = Running(desk.start("append log --commit-delta 4"));
    let mut stdin = child.0.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        // It goes on until the process is gone.
        (1_u64..).try_for_each(|n| stdin.write_all(numbers(n..=n).as_bytes()))
    });
    let mut seen = 0;
    wait_until("a thousand records are committed", || {
        seen = desk.last();
        seen >= 1000
    });
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    assert!(feeder.join().unwrap().is_err());
    assert_eq!(desk.run("verify log").code, Some(0));
    let last = desk.last();
    assert!(last >= seen && last.is_multiple_of(4), "{seen} were seen, and {last} are there");
    let shown = desk.ok("cat log --csv", "");
    let values: Vec<String> = shown.lines().skip(1).map(str::to_owned).collect();
    let expected = (1..=last).map(|n| format!("{n},{},{n}", 10 * n));
    assert!(values == expected.collect::<Vec<_>>(), "what is there is not what was fed");
    desk.ok("append log", &numbers(last + 1..=last + 1));
    assert_eq!(desk.ok("read log --reader 0 --json", "").lines().count() as u64, last + 1);
}

#[test]
fn a_signal_ends_an_append_with_a_commit() {
    for signal in ["-INT", "-TERM"] {
        let desk = Desk::with_log(0, "", 1);
        let mut child = desk.start("append log --commit-delta 1000");
        let mut stdin = child.stdin.take().unwrap();
        // Far more than a pipe holds, so that what is taken off it was read.
        let feeder = std::thread::spawn(move || {
            let fed = stdin.write_all(numbers(1..=100_000).as_bytes());
            (stdin, fed)
        });
        let (stdin, fed) = feeder.join().unwrap();
        fed.unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let said = finish(child);
        drop(stdin);
        assert_eq!((said.code, &*said.err), (Some(0), ""));
        assert!(said.out.contains("records stored and committed in log; the last is number "));
        let last = desk.last();
        assert!(last > 90_000, "{last}");
        assert_eq!(desk.ok("cat log --json", "").lines().count() as u64, last);
    }
}

#[test]
fn following_ends_when_the_log_is_made_anew_and_says_so() {
    for records in [0, 2] {
        let desk = Desk::with_log(records, "", 1);
        let mut follower = desk.start("cat log -f --csv");
        let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
        for _ in 0..=records {
            lines.next().unwrap().unwrap();
        }
        desk.ok("create log --recreate --format QI --fields time:s,value", "");
        desk.ok("append log", &numbers(1..=1));
        let said = finish(follower);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert_eq!(said.err, "error: the log in log was made anew meanwhile\n  tslog stats log\n");
    }
}
