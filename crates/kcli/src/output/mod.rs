//! The one place that writes results: tables for people, JSON and the like for programs.
//!
//! A command makes a [`Report`]; what is printed depends on `-o` alone. Standard output carries
//! data and nothing else. Hints, progress and errors of single items go to standard error.

mod color;
mod csv;
mod page;
mod table;
mod yaml;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use color::ColorChoice;
pub(crate) use page::Page;
pub(crate) use table::{Cell, Column, Table, Tone};

use crate::failure::{Failure, Result};

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    /// More columns.
    Wide,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    Jsonl,
    /// YAML.
    Yaml,
    /// Comma-separated values with a header line.
    Csv,
    /// Names only, one a line.
    Name,
}

impl Format {
    /// Whether programs read it.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }
}

/// What a command found out, for people and for programs.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// For programs.
    pub(crate) json: Value,
    /// For people.
    pub(crate) page: Page,
}

impl Report {
    /// Both forms. A value that cannot be JSON is our own mistake and shows as such.
    pub(crate) fn new(json: &impl Serialize, page: impl Into<Page>) -> Self {
        Self {
            json: serde_json::to_value(json)
                .unwrap_or_else(|error| json!({"error": {"message": error.to_string()}})),
            page: page.into(),
        }
    }
}

/// How to print, from the global flags.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// `-o`.
    pub(crate) format: Format,
    /// `--columns`, lower case.
    pub(crate) columns: Option<Vec<String>>,
    /// `--no-header`.
    pub(crate) has_header: bool,
    /// Whether standard output takes colours.
    pub(crate) is_colored: bool,
    /// The width of the terminal, if standard output is one.
    pub(crate) width: Option<u16>,
}

impl Output {
    /// Prints a report to standard output.
    ///
    /// # Errors
    /// `--columns` names a column that is not there, or standard output is closed.
    pub(crate) fn print(&self, report: &Report) -> Result {
        let text = self.text(report)?;
        write_stdout(text.as_bytes())
    }

    /// A report as it will be printed.
    fn text(&self, report: &Report) -> Result<String> {
        match self.format {
            Format::Json => Ok(format!("{:#}\n", report.json)),
            Format::Jsonl => Ok(lines_of(&report.json)),
            Format::Yaml => Ok(yaml::text(&report.json)),
            Format::Table | Format::Wide => report.page.text(self),
            Format::Csv => match report.page.main_table() {
                Some(table) => Ok(csv::text(&table.selected(self)?, self.has_header)),
                None => Ok(csv::facts(&report.page)),
            },
            Format::Name => match report.page.main_table() {
                Some(table) => Ok(table.names()),
                None => Ok(String::new()),
            },
        }
    }

    /// Prints a failure: a sentence with hints for people on standard error, and an object for
    /// programs on standard output, so that it is valid JSON also then.
    pub(crate) fn print_failure(&self, failure: &Failure) {
        if failure.is_reported {
            return;
        }
        if self.format.is_json() {
            let error = json!({ "error": failure.to_json() });
            let text = match self.format {
                Format::Json => format!("{error:#}\n"),
                _ => format!("{error}\n"),
            };
            // The failure itself is what is being told; a closed pipe has nobody to tell.
            drop(write_stdout(text.as_bytes()));
        }
        note(&format!("error: {}", failure.message));
        for hint in &failure.hints {
            note(&format!("  hint: {hint}"));
        }
    }
}

fn lines_of(json: &Value) -> String {
    match json {
        Value::Array(items) => items.iter().map(|item| format!("{item}\n")).collect(),
        other => format!("{other}\n"),
    }
}

/// Writes data to standard output at once.
///
/// # Errors
/// Standard output cannot take it; a closed pipe comes back as [`io::ErrorKind::BrokenPipe`] and
/// ends the program quietly.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| closed_pipe(&error))
}

/// A failure to write standard output. A closed pipe is no failure: the reader has had enough.
pub(crate) fn closed_pipe(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::reported(crate::exit::Exit::Ok),
        _ => Failure::failed(format!("standard output: {error}")),
    }
}

/// One line to a person, on standard error. Nobody is left to tell if that is closed.
pub(crate) fn note(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(format: Format) -> Output {
        Output {
            format,
            columns: None,
            has_header: true,
            is_colored: false,
            width: None,
        }
    }

    fn report() -> Report {
        let mut table = Table::new(vec![Column::new("TOPIC"), Column::wide("ID")]);
        table.push("cities", vec![Cell::from("cities"), Cell::from("x,y")]);
        Report::new(&json!([{"name": "cities", "id": "x,y"}]), table)
    }

    #[test]
    fn every_format_shows_the_same_facts() {
        for (format, expected) in [
            (Format::Table, "TOPIC\ncities\n"),
            (Format::Wide, "TOPIC   ID\ncities  x,y\n"),
            (Format::Jsonl, "{\"name\":\"cities\",\"id\":\"x,y\"}\n"),
            (Format::Csv, "TOPIC,ID\ncities,\"x,y\"\n"),
            (Format::Name, "cities\n"),
            (Format::Yaml, "- name: cities\n  id: \"x,y\"\n"),
        ] {
            let text = output(format).text(&report()).expect("prints");
            assert_eq!(text, expected, "{format:?}");
        }
    }

    #[test]
    fn columns_are_chosen_by_name() {
        let mut output = output(Format::Table);
        output.columns = Some(vec!["id".to_owned()]);
        assert_eq!(output.text(&report()).expect("prints"), "ID\nx,y\n");
        output.columns = Some(vec!["idd".to_owned()]);
        let failure = output.text(&report()).expect_err("no such column");
        assert!(failure.message.contains("idd"), "{}", failure.message);
    }
}
