//! Lines that become records, and lines that do not.

use crate::Desk;

/// Every code there is, and two records with what is hardest for each.
const CODES: &str = "c,b,B,?,h,H,i,I,l,L,q,Q,n,N,P,e,f,d,5s,6p";
const EDGES: [&str; 2] = [
    "\\xff,-128,255,true,-32768,65535,-2147483648,4294967295,-2147483648,4294967295,\
     -9223372036854775808,18446744073709551615,-9223372036854775808,18446744073709551615,\
     18446744073709551615,-65504.0,3.4028235e38,1.7976931348623157e308,\"a,\"\"\n\",\\x00\\\\b",
    ",127,0,false,32767,0,2147483647,0,2147483647,0,9223372036854775807,0,9223372036854775807,0,0,\
     NaN,-inf,5e-324,,",
];

#[test]
fn every_code_comes_back_from_csv_and_from_json_as_it_went() {
    let text: String = CODES.split(',').collect();
    for (prefix, skip) in [("", 0), ("@", 0), ("=", 3), ("<", 3), (">", 3), ("!", 3)] {
        // n, N and P exist in the sizes of the platform alone.
        let format = if skip == 0 { text.clone() } else { text.replace(['n', 'N', 'P'], "") };
        let desk = Desk::new();
        for log in ["one", "two", "three"] {
            desk.ok(&format!("create {log} --format {prefix}x{format}3x"), "");
        }
        let line = |edge: &str| {
            let mut cells: Vec<&str> = edge.splitn(16, ',').collect();
            cells.drain(12..12 + skip);
            // One byte has to be there for `c`; a blank cell is none.
            let first = if cells[0].is_empty() { "x" } else { cells[0] };
            [first, &cells[1..].join(",")].join(",") + "\n"
        };
        desk.ok("append one", &EDGES.map(line).concat());
        let csv = desk.ok("cat one --csv", "");
        desk.ok("append two --csv", &csv);
        desk.ok("append three --json-lines", &desk.ok("cat one --json", ""));
        let hex = desk.ok("cat one --hex", "");
        assert!(hex.lines().count() > 8, "{hex}");
        for log in ["two", "three"] {
            assert_eq!(desk.ok(&format!("cat {log} --hex"), ""), hex, "{prefix} in {log}: {csv}");
        }
    }
}

#[test]
fn input_that_begins_with_an_object_is_json_lines_unless_csv_is_said() {
    let desk = Desk::new();
    desk.ok("create log --format 9s --fields note", "");
    desk.ok("append log", "\n {\"note\":\"dry\"}\n{\"note\":\"wet\"}\n");
    desk.ok("append log --csv", "{}\n");
    assert_eq!(desk.ok("cat log --csv", ""), "seqn,note\n1,dry\n2,wet\n3,{}\n");
}

#[test]
fn several_formats_come_back_with_their_tags() {
    let desk = Desk::new();
    for log in ["one", "two", "three"] {
        desk.ok(
            &format!(
                "create {log} --format Qf --fields time:s,level:m --format QH --fields time:s,n"
            ),
            "",
        );
    }
    desk.ok("append one --tag 1", "5,6\n");
    desk.ok("append one", "tag,time,level,n\n0,1,2.5,\n1,3,,4\n");
    desk.ok("append two", &desk.ok("cat one --csv --utc", ""));
    desk.ok("append three --json-lines", &desk.ok("cat one --json", ""));
    let hex = desk.ok("cat one --hex", "");
    assert_eq!(hex.lines().count(), 3);
    assert_eq!(desk.ok("cat two --hex", ""), hex);
    assert_eq!(desk.ok("cat three --hex", ""), hex);
    let error = desk.feed("append one", "1,2\n").err;
    assert!(
        error.contains("line 1: expected a column `tag`, or --tag N with N from 0 to 1"),
        "{error}"
    );
}

#[test]
fn raw_records_come_back_from_lines_csv_and_json() {
    let desk = Desk::new();
    for log in ["one", "two", "three"] {
        desk.ok(&format!("create {log} --record-size 9"), "");
    }
    desk.ok("append one", "plain\n\\x41,\"q\"\n\n");
    desk.ok("append two --csv", &desk.ok("cat one --csv", ""));
    desk.ok("append three --json-lines", &desk.ok("cat one --json", ""));
    let hex = desk.ok("cat one --hex", "");
    assert_eq!(hex.lines().count(), 3);
    assert_eq!(desk.ok("cat two --hex", ""), hex);
    assert_eq!(desk.ok("cat three --hex", ""), hex);
}

#[test]
fn a_bad_line_is_named_and_nothing_before_it_is_lost() {
    for (flags, input, told, command) in [
        (
            "",
            "1,1\n2,2\n\n3,x\n4,4\n",
            "line 4: value: expected an integer from 0 to 4294967295, got \"x\"",
            "tail -n +4 INPUT | tslog append log",
        ),
        (
            "",
            "time,value\n1,1\n2,2\n3\n",
            "line 4: value: expected 2 values, got 1",
            "(head -n 1 INPUT; tail -n +4 INPUT) | tslog append log",
        ),
        ("", "1,1\n2,2\n3,3,3\n", "line 3: expected 2 values (time:s, value), got 3", "tail -n +3"),
        (" --json-lines", "[1,1]\n[2,2]\n{\"time\":3}\n", "line 3: expected a key `value`", "tail"),
        (
            " --json-lines",
            "[1,1]\n[2,2]\nnonsense\n",
            "line 3: expected a JSON object or array: expected ident at character",
            "tail -n +3 INPUT | tslog append log --json-lines",
        ),
        (" --json-lines", "[1,1]\n[2,2]\n[3,-1]", "line 3: value: expected an integer", "tail"),
    ] {
        let desk = Desk::with_log(0, "", 1);
        let said = desk.feed(&format!("append log{flags}"), input);
        assert_eq!((said.code, &*said.out), (Some(1), ""), "{said:?}");
        assert!(said.err.starts_with(&format!("error: {told}")), "{said:?}");
        let done = "2 records before it are stored and committed, up to number 2";
        assert!(said.err.contains(done) && said.err.contains(command), "{said:?}");
        assert_eq!(desk.ok("cat log --json", "").lines().count(), 2);
    }
}

#[test]
fn a_first_line_that_is_bad_stores_nothing_and_a_line_without_an_end_takes_no_memory() {
    let desk = Desk::with_log(0, "", 1);
    desk.feed("append log", "-1,1\n").is(
        1,
        "",
        "error: line 1: time: expected an integer from 0 to 18446744073709551615, or a time such \
         as 2026-01-01T00:00:00Z, got \"-1\"; no record before it is stored and committed\n  tslog \
         append log < INPUT\n",
    );
    for flags in ["--csv", "--json-lines"] {
        let mut command = desk.command(&format!("append log {flags}"));
        let zeros = std::fs::File::open("/dev/zero").unwrap();
        let said: crate::Said = command.stdin(zeros).output().unwrap().into();
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err.contains("line 1: expected a record in at most 67108864 bytes"),
            "{said:?}"
        );
    }
    assert_eq!(desk.last(), 0);
}
