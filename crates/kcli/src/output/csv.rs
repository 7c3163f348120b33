//! Comma-separated values as in RFC 4180.

use super::{Page, Table};

/// A table with or without its header line.
pub(super) fn text(table: &Table, has_header: bool) -> String {
    let mut text = String::new();
    if has_header {
        push_line(table.columns.iter().map(|column| column.header), &mut text);
    }
    for row in &table.rows {
        push_line(row.iter().map(|cell| cell.text.as_str()), &mut text);
    }
    text
}

/// Labels and values, a pair a line, for pages without a table.
pub(super) fn facts(page: &Page) -> String {
    let mut text = String::new();
    for (label, cell) in page.all_facts() {
        push_line([*label, &cell.text].into_iter(), &mut text);
    }
    text
}

fn push_line<'a>(fields: impl Iterator<Item = &'a str>, text: &mut String) {
    let quoted: Vec<_> = fields.map(quoted).collect();
    text.push_str(&quoted.join(","));
    text.push('\n');
}

fn quoted(field: &str) -> String {
    match field.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}
