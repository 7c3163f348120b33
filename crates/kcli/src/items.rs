//! Commands on several items: one line for each that failed, and an exit code that says so.

use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Report, Table, note};

/// What became of one item.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its name.
    pub(crate) name: String,
    /// What happened: `created`, `deleted`, `would be created`.
    pub(crate) result: &'static str,
    /// More about it, by column.
    pub(crate) details: Vec<(&'static str, Value)>,
    /// Why it failed, if it did.
    pub(crate) failure: Option<Failure>,
}

impl Item {
    /// It worked.
    pub(crate) fn done(name: impl Into<String>, result: &'static str) -> Self {
        Self {
            name: name.into(),
            result,
            details: Vec::new(),
            failure: None,
        }
    }

    /// It did not.
    pub(crate) fn failed(name: impl Into<String>, failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::done(name, "failed")
        }
    }

    /// Adds a detail, shown in its own column.
    #[must_use]
    pub(crate) fn with(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((column, value.into()));
        self
    }

    fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(self.name));
        object.insert("result".to_owned(), json!(self.result));
        for (column, value) in &self.details {
            object.insert(camel_case(column), value.clone());
        }
        if let Some(failure) = &self.failure {
            object.insert("error".to_owned(), failure.to_json());
        }
        Value::Object(object)
    }
}

/// Prints all items and fails if one of them did.
pub(crate) fn finish(context: &Context, label: &'static str, items: &[Item]) -> Result {
    let failures: Vec<&Failure> = items
        .iter()
        .filter_map(|item| item.failure.as_ref())
        .collect();
    let is_json = context.output.format.is_json();
    if is_json || failures.len() < items.len() {
        let json: Vec<Value> = items.iter().map(Item::to_json).collect();
        context
            .output
            .print(&Report::new(&json, table(label, items)))?;
    }
    for failure in &failures {
        note(&format!("error: {}", failure.message));
        failure
            .hints
            .iter()
            .for_each(|hint| note(&format!("  hint: {hint}")));
    }
    let Some(first) = failures.first() else {
        return Ok(());
    };
    let is_same = failures.iter().all(|failure| failure.exit == first.exit);
    Err(Failure::reported(if is_same {
        first.exit
    } else {
        Exit::Failed
    }))
}

/// The items that worked; the others are told on standard error.
fn table(label: &'static str, items: &[Item]) -> Table {
    let done: Vec<&Item> = items.iter().filter(|item| item.failure.is_none()).collect();
    let mut details: Vec<&'static str> = Vec::new();
    for (column, _) in done.iter().flat_map(|item| &item.details) {
        if !details.contains(column) {
            details.push(column);
        }
    }
    let mut columns = vec![Column::new(label)];
    columns.extend(details.iter().map(|column| Column::new(column)));
    columns.push(Column::new("RESULT"));
    let mut table = Table::new(columns);
    for item in done {
        let mut row = vec![Cell::from(item.name.as_str())];
        let detail = |column| item.details.iter().find(|(name, _)| *name == column);
        let cells = details.iter().map(|column| detail(*column));
        row.extend(cells.map(|found| found.map_or_else(|| Cell::from("-"), |(_, v)| cell(v))));
        row.push(Cell::from(item.result));
        table.push(item.name.as_str(), row);
    }
    table
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::from("-"),
        Value::String(text) => Cell::from(text.as_str()),
        Value::Array(items) => Cell::list(items),
        other => Cell::from(other.to_string()),
    }
}

/// `LOG START` becomes `logStart`.
fn camel_case(column: &str) -> String {
    let words = column.split([' ', '-']).enumerate().map(|(i, word)| {
        let lower = word.to_lowercase();
        match i {
            0 => lower,
            _ => lower[..1].to_uppercase() + &lower[1..],
        }
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_item_carries_its_error_in_json() {
        let failure = Failure::failed("topic a: it broke");
        let json = Item::failed("a", failure).to_json();
        assert_eq!(json["result"], "failed");
        assert_eq!(json["error"]["message"], "topic a: it broke");
    }

    #[test]
    fn items_may_have_different_details() {
        let items = [
            Item::done("a", "moved").with("TO", json!([1, 2])),
            Item::done("b", "is there"),
        ];
        let table = table("PARTITION", &items);
        assert_eq!(table.rows[0][1], Cell::from("1,2"));
        assert_eq!(table.rows[1][1], Cell::from("-"));
    }

    #[test]
    fn columns_are_camel_case_keys() {
        assert_eq!(camel_case("PARTITIONS"), "partitions");
        assert_eq!(camel_case("LOG START"), "logStart");
    }
}
