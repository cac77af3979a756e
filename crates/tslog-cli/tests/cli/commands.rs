//! Every command as its help shows it, and the exit codes of arguments.

use crate::{Desk, numbers};

#[test]
fn a_log_is_made_filled_shown_read_and_checked() {
    let desk = Desk::new();
    let format = "--format Qff --fields time:s,temperature:degC,humidity:%";
    desk.run(&format!("create data {format}")).is(
        0,
        "data is an empty log: 16 bytes a record, 1,024 records a bucket, 1 reader.\n  tslog \
         append data < readings.csv\n",
        "",
    );
    desk.feed("append data", "time,temperature,humidity\n2026-01-01,21.5,40\n1767225605,21,41\n")
        .is(0, "2 records stored and committed in data; the last is number 2\n", "");
    let table = "seqn    time [s]  temperature [degC]  humidity [%]\n   \
                 1  1767225600                21.5          40.0\n   \
                 2  1767225605                21.0          41.0\n";
    desk.run("cat data").is(0, table, "");
    desk.run("cat data --csv --utc --tail 1").is(
        0,
        "seqn,time:s,temperature:degC,humidity:%\n2,2026-01-01T00:00:05Z,21.0,41.0\n",
        "",
    );
    desk.run("cat data --hex --to 1").is(
        0,
        "         1  00 b9 55 69 00 00 00 00 00 00 ac 41 00 00 20 42  |..Ui.......A.. B|\n",
        "",
    );
    desk.run("read data --reader 0").is(0, table, "");
    let json = "{\"seqn\":1,\"time\":1767225600,\"temperature\":21.5,\"humidity\":40.0}\n";
    desk.run("read data --reader 0 --json --limit 1 --commit").is(0, json, "");
    assert!(
        desk.ok("read data --reader 0 --csv --commit", "").ends_with("\n2,1767225605,21.0,41.0\n")
    );
    desk.run("read data --reader 0 --json").is(0, "", "");
    let stats = desk.ok("stats data", "");
    assert!(stats.contains("2 committed: number 1 to 2\n"), "{stats}");
    assert!(stats.contains("reader 0      cursor 2, lag 0 records\n"), "{stats}");
    desk.run("verify data").is(0, "2 records in 1 bucket checked\nsound\n", "");
}

#[test]
fn json_is_there_where_something_is_told() {
    let desk = Desk::new();
    let made = desk.ok("create log --record-size 8 --readers 2 --json", "");
    assert!(made.contains("\"record_size\": 8,") && made.contains("\"last\": 0,"), "{made}");
    assert_eq!(desk.ok("append log --json", "a\nb\n"), "{\n  \"stored\": 2,\n  \"last\": 2\n}\n");
    let stats = desk.ok("stats log --json", "");
    assert!(stats.contains("\"reader\": 1,") && stats.contains("\"lag\": 2\n"), "{stats}");
    assert!(desk.ok("verify log --json", "").contains("\"sound\": true"));
    desk.run("cat log --json").is(
        0,
        "{\"seqn\":1,\"data\":\"a\"}\n{\"seqn\":2,\"data\":\"b\"}\n",
        "",
    );
}

#[test]
fn every_help_has_examples_and_nothing_that_is_piped_has_colour() {
    let desk = Desk::new();
    for command in ["create", "append", "cat", "read", "stats", "verify", "demo"] {
        let help = desk.run(&format!("{command} --help"));
        assert_eq!((help.code, &*help.err), (Some(0), ""));
        assert!(help.out.contains(&format!("Examples:\n  tslog {command}")), "{}", help.out);
        assert!(!help.out.contains('\x1b'));
    }
    let help = desk.run("--help").out;
    assert!(help.contains("Examples:\n  tslog demo\n") && help.contains("\n  7  the log is full"));
    desk.ok("create log --format Q", "");
    for args in ["cat log", "stats log", "verify log", "append log", "read log --reader 9", "cat x"]
    {
        let said = desk.run(args);
        assert!(!said.out.contains('\x1b') && !said.err.contains('\x1b'), "{args}: {said:?}");
    }
}

#[test]
fn arguments_that_are_wrong_change_nothing_and_say_what_was_expected() {
    let desk = Desk::new();
    for (args, told) in [
        ("create", "the following required arguments were not provided: <DIR>"),
        ("creat log", "unrecognized subcommand 'creat'"),
        ("create log --format Qz", "bad format at character 2: expected one of the codes"),
        ("create log --format Qf --fields a", "the format has 2 values, and 1 field names"),
        ("create log --format Q --format Q --fields a", "expected --fields once for each --format"),
        ("create log --record-size 0", "record_size must be at least 1 byte"),
        ("create log --record-size 999999999", "expected a --record-size of at most 16777216"),
        ("create log --bucket-size 0", "bucket_size must be at least 1 record"),
        ("create log --readers 5", "the number of readers must be 1 to 4, got 5"),
        ("create log --readers many", "expected a whole number from 0 to 255"),
    ] {
        let said = desk.run(args);
        assert_eq!((said.code, &*said.out), (Some(2), ""), "{args}: {said:?}");
        assert!(said.err.starts_with("error: ") && said.err.contains(told), "{args}: {said:?}");
        assert!(!desk.path("log").exists(), "{args}");
    }
    desk.ok("create log --format QI --fields clock,b", "");
    for (args, told) in [
        ("read log", "not provided: --reader <N>"),
        ("read log --reader 1", "expected a --reader from 0 to 0, got 1"),
        ("append log --tag 1", "expected a --tag from 0 to 0, got 1"),
        ("append log --text", "--text is for a log of raw records"),
        ("append log --commit-delta 0", "commit_delta must be at least 1, got 0"),
        ("cat log --tail -1", "expected a whole number"),
        ("cat log --from 3 --to 2", "expected --to at or behind --from 3, got 2"),
        ("cat log --since 10m", "need a field named `time`"),
        ("cat log --since soon", "expected a time: 10m"),
        ("cat log --csv --hex", "cannot be used with"),
        ("stats log --sector-size 512", "not provided: --image"),
        ("stats log --image --sector-size 0", "expected a --sector-size of at least 1 byte"),
    ] {
        let said = desk.feed(args, "1,2\n");
        assert_eq!((said.code, &*said.out), (Some(2), ""), "{args}: {said:?}");
        assert!(said.err.starts_with("error: ") && said.err.contains(told), "{args}: {said:?}");
    }
    assert_eq!(desk.last(), 0);
}

#[test]
fn where_there_is_no_log_the_code_is_3() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    std::fs::write(desk.path("empty/foreign"), "text").unwrap();
    for command in ["append", "cat", "stats", "verify", "read --reader 0"] {
        for place in ["nothing", "empty"] {
            desk.run(&format!("{command} {place}")).is(
                3,
                "",
                &format!(
                    "error: there is no log in {place}\n  tslog create {place} --format Qff \
                     --fields time:s,a,b\n"
                ),
            );
        }
    }
    assert_eq!(std::fs::read_dir(desk.path("empty")).unwrap().count(), 1);
    assert_eq!(desk.run("stats nothing --image").code, Some(3));
}

#[test]
fn a_log_is_not_made_twice_unless_that_is_asked_for() {
    let desk = Desk::with_log(5, "", 1);
    std::fs::write(desk.path("log/foreign"), "text").unwrap();
    desk.run("create log").is(1, "", "error: there is a log in log already\n  tslog stats log\n");
    assert_eq!(desk.last(), 5);
    desk.ok("create log --recreate --record-size 4", "");
    assert_eq!(desk.last(), 0);
    assert!(desk.path("log/foreign").exists());
}

#[test]
fn a_file_where_a_folder_has_to_be_and_the_other_way_round() {
    let desk = Desk::with_log(1, "", 1);
    std::fs::write(desk.path("file"), "text").unwrap();
    for args in ["cat file", "create file --format Q", "append file"] {
        let said = desk.run(args);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("expected the folder of a log, and file is a file"), "{said:?}");
    }
    desk.run("cat log --image").is(
        1,
        "",
        "error: expected a flash dump, and log is a folder\n  tslog stats log\n",
    );
}

#[test]
fn windows_of_numbers_show_what_is_in_them() {
    let desk = Desk::with_log(30, "--bucket-size 8", 4);
    for (args, expected) in [
        ("--from 28", vec![28, 29, 30]),
        ("--to 3", vec![1, 2, 3]),
        ("--from 7 --to 9", vec![7, 8, 9]),
        ("--tail 2", vec![29, 30]),
        ("--tail 2 --to 10", vec![9, 10]),
        ("--tail 5 --from 29", vec![29, 30]),
        ("--tail 0", vec![]),
        ("--to 0", vec![]),
        ("--from 18446744073709551615", vec![]),
    ] {
        let said = desk.run(&format!("cat log --csv {args}"));
        assert_eq!((said.code, said.first_column()), (Some(0), expected), "{args}");
    }
    assert_eq!(
        desk.run("cat log --from 31").err,
        "the log ends with number 30: there is no 31 yet\n"
    );
}

#[test]
fn windows_of_time_know_the_unit_of_the_field() {
    for (format, unit, scale) in
        [("QI", "s", ""), ("qI", "ms", "000"), ("dI", "us", "000000"), ("QI", "ns", "000000000")]
    {
        let desk = Desk::new();
        desk.ok(&format!("create log --format {format} --fields time:{unit},value"), "");
        let midnight = 1_767_225_600_u64;
        let lines = (1..=9).map(|n| format!("{}{scale},{n}\n", midnight + n));
        desk.ok("append log", &lines.collect::<String>());
        let three = format!("{}{scale}", midnight + 3);
        for (args, expected) in [
            ("--since 2026-01-01T00:00:08Z".to_owned(), vec![8, 9]),
            ("--until 2026-01-01T00:00:02Z".to_owned(), vec![1]),
            (format!("--since {three} --until 2026-01-01T01:00:05+01:00"), vec![3, 4]),
            ("--since 2026-01-01 --tail 2".to_owned(), vec![8, 9]),
            ("--since 2026-01-01T00:00:02Z --from 4 --to 5".to_owned(), vec![4, 5]),
            ("--until 2026-01-01".to_owned(), vec![]),
        ] {
            let said = desk.run(&format!("cat log --csv {args}"));
            assert_eq!((said.code, said.first_column()), (Some(0), expected), "{unit}: {args}");
        }
    }
    let desk = Desk::new();
    desk.ok("create log --format QI --fields time:s,value", "");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    desk.ok("append log", &format!("{},1\n{},2\n", now - 7200, now - 60));
    assert_eq!(desk.run("cat log --csv --since 10m").first_column(), [2]);
    assert_eq!(desk.run("cat log --csv --until 1h").first_column(), [1]);
}

#[test]
fn a_full_log_ends_with_7_and_goes_on_when_a_reader_has_read() {
    let desk = Desk::with_log(0, "--bucket-size 8", 1);
    let said = desk.feed("append log --max-buckets 3 --commit-delta 4", &numbers(1..=40));
    said.is(
        7,
        "",
        "error: line 25: the log in log is full, and its readers still need every bucket; 24 \
         records before it are stored and committed, up to number 24\n  tslog read log --reader 0 \
         --commit\n",
    );
    let read = desk.run("read log --reader 0 --commit --csv");
    assert_eq!(read.first_column(), (1..=24).collect::<Vec<_>>());
    desk.ok("append log --max-buckets 3 --commit-delta 4", &numbers(25..=40));
    assert_eq!(desk.run("cat log --csv").first_column(), (25..=40).collect::<Vec<_>>());
    desk.ok("append log --max-buckets 3 --commit-delta 4 --drop-oldest", &numbers(41..=60));
    let left = desk.run("read log --reader 0 --csv");
    assert_eq!(
        (left.code, &*left.err),
        (Some(0), "dropped before they were read: 25 to 40 (16 records)\n")
    );
    assert_eq!(left.first_column(), (41..=60).collect::<Vec<_>>());
}
