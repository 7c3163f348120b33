//! A page for people: facts and tables under titles.

use super::{Cell, Output, Table, color};
use crate::failure::Result;

/// What a person sees of a report.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    sections: Vec<Section>,
}

/// One part of a page.
#[derive(Debug, Clone)]
pub(crate) enum Section {
    /// Labels and values, one a line.
    Facts(Vec<(&'static str, Cell)>),
    /// A table.
    Table(Table),
    /// A title above what follows.
    Title(String),
    /// Text as it stands.
    Text(String),
}

impl Page {
    /// Adds a part.
    #[must_use]
    pub(crate) fn with(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// Adds a title.
    #[must_use]
    pub(crate) fn title(self, title: impl Into<String>) -> Self {
        self.with(Section::Title(title.into()))
    }

    /// Adds labels and values.
    #[must_use]
    pub(crate) fn facts(self, facts: Vec<(&'static str, Cell)>) -> Self {
        self.with(Section::Facts(facts))
    }

    /// Adds a table.
    #[must_use]
    pub(crate) fn table(self, table: Table) -> Self {
        self.with(Section::Table(table))
    }

    /// Appends the parts of another page.
    #[must_use]
    pub(crate) fn followed_by(mut self, other: Self) -> Self {
        self.sections.extend(other.sections);
        self
    }

    /// All tables with the columns of the first one in one table: what CSV and names show.
    pub(super) fn main_table(&self) -> Option<Table> {
        let mut tables = self.sections.iter().filter_map(|section| match section {
            Section::Table(table) => Some(table),
            _ => None,
        });
        let mut main = tables.next()?.clone();
        for table in tables
            .filter(|table| table.columns == main.columns)
            .cloned()
            .collect::<Vec<_>>()
        {
            main.append(table);
        }
        Some(main)
    }

    /// All labels and values.
    pub(super) fn all_facts(&self) -> impl Iterator<Item = &(&'static str, Cell)> {
        self.sections.iter().flat_map(|section| match section {
            Section::Facts(facts) => facts.as_slice(),
            _ => &[],
        })
    }

    /// The page as text.
    pub(super) fn text(&self, output: &Output) -> Result<String> {
        let mut text = String::new();
        let mut is_after_title = true;
        for section in &self.sections {
            if !is_after_title {
                text.push('\n');
            }
            is_after_title = matches!(section, Section::Title(_));
            match section {
                Section::Facts(facts) => push_facts(facts, output, &mut text),
                Section::Table(table) => text.push_str(&table.text(output)?),
                Section::Title(title) => {
                    text.push_str(&color::bold(title, output.is_colored));
                    text.push('\n');
                }
                Section::Text(plain) => text.push_str(plain),
            }
        }
        Ok(text)
    }
}

fn push_facts(facts: &[(&'static str, Cell)], output: &Output, text: &mut String) {
    let width = facts
        .iter()
        .map(|(label, _)| label.len())
        .max()
        .unwrap_or(0);
    for (label, cell) in facts {
        let value = color::paint(&cell.text, cell.tone, output.is_colored);
        text.push_str(format!("{label:width$}  {value}").trim_end());
        text.push('\n');
    }
}

impl From<Table> for Page {
    fn from(table: Table) -> Self {
        Self::default().table(table)
    }
}

impl From<String> for Page {
    fn from(text: String) -> Self {
        Self::default().with(Section::Text(text))
    }
}
