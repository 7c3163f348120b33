//! Rows and columns.

use super::{Format, Output};
use crate::failure::{Failure, Result};
use crate::nearest::did_you_mean;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its header, in capitals.
    pub(crate) header: &'static str,
    /// Whether only `-o wide` shows it.
    pub(crate) is_wide: bool,
    /// Whether numbers stand in it.
    pub(crate) is_right_aligned: bool,
}

impl Column {
    /// A column that always shows.
    pub(crate) fn new(header: &'static str) -> Self {
        Self {
            header,
            is_wide: false,
            is_right_aligned: false,
        }
    }

    /// A column of numbers.
    pub(crate) fn number(header: &'static str) -> Self {
        Self {
            is_right_aligned: true,
            ..Self::new(header)
        }
    }

    /// A column that shows with `-o wide`, in CSV and when asked for by name.
    pub(crate) fn wide(header: &'static str) -> Self {
        Self {
            is_wide: true,
            ..Self::new(header)
        }
    }
}

/// What a colour says. The text says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// Leading, healthy.
    Good,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What it says.
    pub(crate) text: String,
    /// What its colour adds.
    pub(crate) tone: Tone,
}

impl Cell {
    /// A field with a meaning.
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }

    /// A list with commas between, `-` if empty.
    pub(crate) fn list<T: ToString>(items: &[T]) -> Self {
        let all: Vec<_> = items.iter().map(ToString::to_string).collect();
        match all.is_empty() {
            true => Self::from("-"),
            false => Self::from(all.join(",")),
        }
    }

    /// A value that may be missing.
    pub(crate) fn optional(item: Option<impl ToString>) -> Self {
        item.map_or_else(|| Self::from("-"), |item| Self::from(item.to_string()))
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// A table. Each row has a name, for `-o name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    names: Vec<String>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Adds a row: as many cells as there are columns.
    pub(crate) fn push(&mut self, name: impl Into<String>, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len(), "one cell for each column");
        self.names.push(name.into());
        self.rows.push(row);
    }

    /// Adds the rows of a table with the same columns.
    pub(crate) fn append(&mut self, other: Self) {
        debug_assert_eq!(self.columns, other.columns, "the same columns");
        self.rows.extend(other.rows);
        self.names.extend(other.names);
    }

    /// The names of the rows, one a line.
    pub(crate) fn names(&self) -> String {
        let mut names = self.names.clone();
        names.dedup();
        names.iter().map(|name| format!("{name}\n")).collect()
    }

    /// The columns asked for with `--columns`, or those that the format shows.
    pub(crate) fn selected(&self, output: &Output) -> Result<Self> {
        let shown: Vec<usize> = match &output.columns {
            Some(wanted) => wanted
                .iter()
                .map(|name| self.column(name))
                .collect::<Result<_>>()?,
            None => (0..self.columns.len())
                .filter(|i| output.format != Format::Table || !self.columns[*i].is_wide)
                .collect(),
        };
        let pick = |row: &Vec<Cell>| shown.iter().filter_map(|i| row.get(*i).cloned()).collect();
        Ok(Self {
            columns: shown.iter().map(|i| self.columns[*i].clone()).collect(),
            rows: self.rows.iter().map(pick).collect(),
            names: self.names.clone(),
        })
    }

    fn column(&self, name: &str) -> Result<usize> {
        let headers = self.columns.iter().map(|column| column.header);
        let found = headers.clone().position(|h| h.eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let all: Vec<_> = headers.clone().map(str::to_lowercase).collect();
            Failure::usage(format!(
                "--columns: no column {name:?}; there are {}",
                all.join(", ")
            ))
            .hint_if(did_you_mean(name, all.iter().map(String::as_str)))
        })
    }

    /// The table as text: two blanks between columns, cut to the terminal's width.
    pub(crate) fn text(&self, output: &Output) -> Result<String> {
        let table = self.selected(output)?;
        let mut widths: Vec<usize> = table.columns.iter().map(|c| c.header.len()).collect();
        if !output.has_header {
            widths.fill(0);
        }
        for row in &table.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let mut text = String::new();
        if output.has_header {
            let header: Vec<_> = table.columns.iter().map(|c| Cell::from(c.header)).collect();
            table.push_line(&header, &widths, output, &mut text);
        }
        for row in &table.rows {
            table.push_line(row, &widths, output, &mut text);
        }
        Ok(text)
    }

    fn push_line(&self, row: &[Cell], widths: &[usize], output: &Output, text: &mut String) {
        let mut room = output.width.map_or(usize::MAX, usize::from);
        let last = row.len().saturating_sub(1);
        for (i, ((cell, column), width)) in row.iter().zip(&self.columns).zip(widths).enumerate() {
            let shown = cut(&cell.text, room);
            let pad = width.saturating_sub(shown.chars().count()).min(room);
            let (before, after) = match (column.is_right_aligned, i == last) {
                (true, _) => (pad, 0),
                (false, true) => (0, 0),
                (false, false) => (0, pad),
            };
            text.extend(std::iter::repeat_n(' ', before));
            text.push_str(&super::color::paint(&shown, cell.tone, output.is_colored));
            if i != last {
                text.extend(std::iter::repeat_n(' ', after + 2));
            }
            room = room.saturating_sub(width + 2);
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
}

fn cut(text: &str, room: usize) -> String {
    match text.chars().count() <= room {
        true => text.to_owned(),
        false if room == 0 => String::new(),
        false => text.chars().take(room - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_on_the_right_and_lines_end_without_blanks() {
        let mut table = Table::new(vec![Column::number("N"), Column::new("NAME")]);
        table.push("a", vec![Cell::from("7"), Cell::from("a")]);
        table.push("b", vec![Cell::from("1234"), Cell::from("")]);
        let output = Output {
            format: Format::Table,
            columns: None,
            has_header: true,
            is_colored: false,
            width: None,
        };
        let text = table.text(&output).expect("prints");
        assert_eq!(text, "   N  NAME\n   7  a\n1234\n");
    }

    #[test]
    fn a_terminal_cuts_what_does_not_fit() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcd", 0), "");
    }
}
