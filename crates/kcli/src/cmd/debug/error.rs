//! `kcli debug error`.

use clap::Args;
use serde_json::json;
use types::ErrorCode;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::nearest::did_you_mean;
use crate::output::{Cell, Column, Report, Table};

/// What a Kafka error code means.
#[derive(Debug, Args)]
pub(crate) struct Lookup {
    /// Numbers or names; all if none is given
    #[arg(value_name = "CODE|NAME", allow_negative_numbers = true)]
    codes: Vec<String>,
}

/// Shows them.
pub(crate) fn run(lookup: &Lookup, context: &Context) -> Result {
    let mut codes = lookup
        .codes
        .iter()
        .map(|text| find(text))
        .collect::<Result<Vec<_>>>()?;
    if codes.is_empty() {
        codes = ErrorCode::ALL.to_vec();
    }
    let mut table = Table::new(vec![
        Column::number("CODE"),
        Column::new("NAME"),
        Column::new("RETRIABLE"),
    ]);
    for code in &codes {
        let retriable = if code.is_retriable() { "yes" } else { "no" };
        let number = code.to_wire().to_string();
        table.push(
            code.name(),
            vec![
                Cell::from(number),
                Cell::from(code.name()),
                Cell::from(retriable),
            ],
        );
    }
    let json = codes.iter().map(|code| {
        json!({ "code": code.to_wire(), "name": code.name(), "isRetriable": code.is_retriable() })
    });
    context
        .output
        .print(&Report::new(&json.collect::<Vec<_>>(), table))
}

fn find(text: &str) -> Result<ErrorCode> {
    let number = text.parse::<i16>().ok().and_then(ErrorCode::from_wire);
    let name = text.to_uppercase().replace('-', "_");
    let by_name = || {
        ErrorCode::ALL
            .iter()
            .copied()
            .find(|code| code.name() == name)
    };
    number.or_else(by_name).ok_or_else(|| {
        let names = ErrorCode::ALL.iter().map(|code| code.name());
        Failure::usage(format!("Kafka has no error {text}")).hint_if(did_you_mean(&name, names))
    })
}
