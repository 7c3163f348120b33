//! A page of the course as something to do: the files it shows, and what is typed in which terminal.
//!
//! ```text
//! ```properties broker-1.properties      a file of that name
//! ```console                             commands behind "$ ", each run to its end, and what they print
//! ```console terminal=1                  the last one stays open in that terminal, until "^C"
//! >verde                                 typed into it ("^D" ends the typing)
//! <!-- with: kcli -->                    what follows is one way of doing it, as far as the next such line
//! ```
//!
//! In what a command prints, `…` stands for anything; a line of nothing else stands for any lines.

use std::collections::BTreeMap;

/// A page, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// What is done in any case.
    common: Vec<Block>,
    /// The rest, by the way it is done.
    ways: BTreeMap<String, Vec<Block>>,
}

/// One fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// A file.
    File { name: String, text: String },
    /// A piece of work in a terminal. Without a name nothing stays open in it.
    Terminal {
        name: Option<String>,
        lines: Vec<Line>,
    },
}

/// What happens in a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A command is started.
    Command(String),
    /// A line is typed into it.
    Typed(String),
    /// Ctrl-D.
    EndOfInput,
    /// Ctrl-C.
    Interrupt,
    /// It prints something.
    Printed(String),
}

impl Page {
    /// Reads the blocks of a page that are meant to be done.
    pub(crate) fn parse(markdown: &str) -> Self {
        let mut page = Self {
            common: Vec::new(),
            ways: BTreeMap::new(),
        };
        let mut way: Option<String> = None;
        let mut lines = markdown.lines();
        while let Some(line) = lines.next() {
            if let Some(name) = marker(line) {
                way = Some(name.to_owned());
            }
            let Some(info) = line.strip_prefix("```") else {
                continue;
            };
            let inside: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let blocks = match &way {
                Some(name) => page.ways.entry(name.clone()).or_default(),
                None => &mut page.common,
            };
            blocks.extend(block(info, &inside));
        }
        page
    }

    /// The ways of doing it.
    pub(crate) fn ways(&self) -> impl Iterator<Item = &str> {
        self.ways.keys().map(String::as_str)
    }

    /// All that is done that way.
    pub(crate) fn blocks(&self, way: &str) -> Vec<Block> {
        let own = self.ways.get(way).into_iter().flatten();
        self.common.iter().chain(own).cloned().collect()
    }
}

fn marker(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- with: ")?.strip_suffix(" -->")
}

fn block(info: &str, inside: &[&str]) -> Option<Block> {
    match info.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["properties", name] => Some(Block::File {
            name: (*name).to_owned(),
            text: inside.iter().map(|line| format!("{line}\n")).collect(),
        }),
        ["console", rest @ ..] => Some(Block::Terminal {
            name: rest
                .iter()
                .find_map(|word| word.strip_prefix("terminal="))
                .map(ToOwned::to_owned),
            lines: terminal_lines(inside),
        }),
        _ => None,
    }
}

fn terminal_lines(inside: &[&str]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut unfinished: Option<String> = None;
    for line in inside {
        if let Some(so_far) = unfinished.take() {
            push_command(
                so_far + " " + line.trim_start(),
                &mut lines,
                &mut unfinished,
            );
        } else if let Some(command) = line.strip_prefix("$ ") {
            push_command(command.to_owned(), &mut lines, &mut unfinished);
        } else if let Some(typed) = line.strip_prefix('>') {
            lines.push(Line::Typed(typed.to_owned()));
        } else {
            lines.push(match *line {
                "^C" => Line::Interrupt,
                "^D" => Line::EndOfInput,
                printed => Line::Printed(printed.to_owned()),
            });
        }
    }
    lines
}

/// A line that ends with a backslash goes on in the next one.
fn push_command(text: String, lines: &mut Vec<Line>, unfinished: &mut Option<String>) {
    match text.strip_suffix('\\') {
        Some(part) => *unfinished = Some(part.trim_end().to_owned()),
        None => lines.push(Line::Command(text)),
    }
}

/// Whether a line that was printed is the one the page shows. Blanks count as one, before `…` as none.
pub(crate) fn matches(shown: &str, printed: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, printed) = (words(shown).replace(" …", "…"), words(printed));
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let mut is_open_ended = false;
    for part in parts {
        is_open_ended = part.is_empty();
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || is_open_ended
}

/// What is tried without any server.
pub(crate) fn a_page_is_read_block_by_block() {
    let text = "\
```properties a.properties
k=v
```
```sh
not run
```
<!-- with: x -->
```console terminal=2
$ one \\
    --two
>typed
^D
…
^C
```
";
    let page = Page::parse(text);
    assert_eq!(page.ways().collect::<Vec<_>>(), ["x"]);
    let blocks = page.blocks("x");
    assert_eq!(
        blocks,
        [
            Block::File {
                name: "a.properties".to_owned(),
                text: "k=v\n".to_owned()
            },
            Block::Terminal {
                name: Some("2".to_owned()),
                lines: vec![
                    Line::Command("one --two".to_owned()),
                    Line::Typed("typed".to_owned()),
                    Line::EndOfInput,
                    Line::Printed("…".to_owned()),
                    Line::Interrupt,
                ],
            },
        ]
    );
    for (shown, printed, is_same) in [
        ("a  b", "a b", true),
        ("a", "a b", false),
        ("a …", "a b c", true),
        ("a: …", "a: ", true),
        ("a … c", "a b c", true),
        ("a … d", "a b c", false),
        ("…", "", true),
    ] {
        assert_eq!(matches(shown, printed), is_same, "{shown:?} {printed:?}");
    }
}
