//! Reads the tables in `crates/protocol/schema`: rows of cells, the first row names the columns.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;

/// One row, its cells by the name of their column. A missing cell is empty.
#[derive(Debug)]
pub(super) struct Row(HashMap<String, String>);

impl Row {
    pub(super) fn cell(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    /// Whether the cell says yes.
    pub(super) fn is_yes(&self, column: &str) -> bool {
        matches!(self.cell(column), "yes" | "True" | "true")
    }

    pub(super) fn number(&self, column: &str) -> anyhow::Result<i16> {
        let cell = self.cell(column);
        cell.parse()
            .with_context(|| format!("{column} is {cell:?}, not a number"))
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<Row> {
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let row = |line: &str| {
        let cells = line.split('\t').map(str::to_owned);
        Row(columns
            .iter()
            .copied()
            .map(str::to_owned)
            .zip(cells)
            .collect())
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_cells_are_empty() {
        let rows = parse("api\tkey\tcodec\nFetch\t1\n");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].number("key").ok(), Some(1));
        assert!(!rows[0].is_yes("codec"));
    }
}
