//! `docs/layout.md` says what the code does.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use tslog::layout_fields::{BUCKET_FIELDS, FRAME_FIELDS, HEADER_FIELDS, LayoutField, PLACE_FIELDS};

fn table(title: &str) -> Vec<(String, u32, u32)> {
    let text = std::fs::read_to_string("../../docs/layout.md").unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with(title)).unwrap();
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, offset, size, ..] = cells[..] else { return None };
        Some((name.to_owned(), offset.parse().ok()?, size.parse().ok()?))
    });
    rows.collect()
}

fn fields(fields: &[LayoutField]) -> Vec<(String, u32, u32)> {
    fields.iter().map(|field| (field.name.to_owned(), field.offset, field.size)).collect()
}

#[test]
fn each_table_of_the_document_is_that_of_the_code() {
    assert_eq!(table("Log header"), fields(HEADER_FIELDS));
    assert_eq!(table("Bucket header"), fields(BUCKET_FIELDS));
    assert_eq!(table("Frames"), fields(FRAME_FIELDS));
    assert_eq!(table("Cursor place"), fields(PLACE_FIELDS));
}
