//! `docs/guarantees.md` names tests that exist.

use std::path::Path;

#[test]
fn each_promise_names_a_test_and_each_of_these_tests_exists() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let text = std::fs::read_to_string(docs.join("guarantees.md")).unwrap();
    let mut named = 0;
    for link in text.split("[`").skip(1) {
        let (name, rest) = link.split_once("`](").unwrap();
        let (file, _) = rest.split_once(')').unwrap();
        let code = std::fs::read_to_string(docs.join(file)).unwrap();
        let marked = format!("#[test]\nfn {name}()");
        let inner = format!("#[test]\n    fn {name}()");
        assert!(code.contains(&marked) || code.contains(&inner), "{file} has no test {name}");
        named += 1;
    }
    // A promise is a numbered item, and its tests stand at its end.
    let (promises, _) = text.split_once("## On flash").unwrap();
    let items = promises.split("\n\n").flat_map(|part| part.split_inclusive(")\n"));
    let mut count = 0;
    for item in items.filter(|item| item.trim_start().starts_with(|c: char| c.is_ascii_digit())) {
        assert!(item.contains("[`"), "no test holds this promise: {item}");
        count += 1;
    }
    assert!(count >= 20 && named >= count, "{named} tests hold {count} promises");
}
