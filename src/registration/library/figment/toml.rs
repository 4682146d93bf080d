//! What `toml` 0.8.23 makes values of: it is `toml_edit` 0.22.27 that reads there, and here, since that says where things
//! stand. TOML says itself what is a text and what is a number, and refuses two equal keys; it has no null.

use pyyaml::Place;
use toml_edit::{ArrayOfTables, ImDocument, InlineTable, Item, Table, Value as TomlValue};

use super::super::said::Wrong;
use super::{Value, Values};

/// The text of a file, and where its lines begin.
pub(super) struct Text<'b> {
    text: &'b str,
    lines: Vec<usize>,
}

impl<'b> Text<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Result<Self, Vec<Wrong>> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| vec![Wrong::Other { message: "it is not UTF-8", place: None }])?;
        let begins = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        Ok(Self { text, lines: std::iter::once(0).chain(begins).collect() })
    }

    pub(super) fn parse(&self) -> Result<Document<'b>, Vec<Wrong>> {
        ImDocument::parse(self.text).map(Document).map_err(|error| {
            // What else it says may repeat the file.
            let twice = error.message().starts_with("duplicate key");
            let message = if twice { "a key stands twice" } else { "it is not TOML" };
            vec![Wrong::Other { message, place: error.span().map(|span| self.place(span.start)) }]
        })
    }

    fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|&begin| begin <= at);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(begin..at).map_or(0, |before| before.chars().count()) + 1;
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place { line: number(line), column: number(column) }
    }
}

pub(super) struct Document<'b>(ImDocument<&'b str>);

impl Document<'_> {
    pub(super) fn root(&self) -> Node<'_> {
        Node::Table(self.0.as_table())
    }
}

/// A value, as it is written: as a header, in brackets, or in braces.
#[derive(Clone, Copy)]
pub(super) enum Node<'d> {
    Table(&'d Table),
    Tables(&'d ArrayOfTables),
    Inline(&'d InlineTable),
    Value(&'d TomlValue),
}

impl<'d> Node<'d> {
    fn of_item(item: &'d Item) -> Option<Self> {
        match item {
            Item::None => None,
            Item::Value(value) => Some(Self::of_value(value)),
            Item::Table(table) => Some(Self::Table(table)),
            Item::ArrayOfTables(tables) => Some(Self::Tables(tables)),
        }
    }

    const fn of_value(value: &'d TomlValue) -> Self {
        match value {
            TomlValue::InlineTable(table) => Self::Inline(table),
            _ => Self::Value(value),
        }
    }
}

pub(super) struct Toml<'t>(&'t Text<'t>);

impl<'t> Toml<'t> {
    pub(super) const fn new(text: &'t Text<'t>) -> Self {
        Self(text)
    }
}

impl<'d> Values for Toml<'d> {
    type Id = Node<'d>;

    fn value(&self, id: Node<'d>) -> Value<Node<'d>> {
        match id {
            Node::Table(table) => {
                let pairs = table.iter().filter_map(|(key, item)| Some((key.to_owned(), Node::of_item(item)?)));
                Value::Dict(pairs.collect())
            }
            Node::Inline(table) => {
                Value::Dict(table.iter().map(|(key, value)| (key.to_owned(), Node::of_value(value))).collect())
            }
            Node::Tables(tables) => Value::List(tables.iter().map(Node::Table).collect()),
            Node::Value(value) => match value {
                TomlValue::String(text) => Value::Text(text.value().clone()),
                TomlValue::Boolean(boolean) => Value::Bool(*boolean.value()),
                TomlValue::Integer(_) | TomlValue::Float(_) => Value::Number,
                TomlValue::Array(items) => Value::List(items.iter().map(Node::of_value).collect()),
                // A date is a mapping of one key, which nobody asks for.
                TomlValue::Datetime(_) | TomlValue::InlineTable(_) => Value::Dict(super::Dict::new()),
            },
        }
    }

    fn kind(&self, id: Node<'d>) -> &'static str {
        match id {
            Node::Table(_) | Node::Inline(_) => "a table",
            Node::Tables(_) => "a list",
            Node::Value(value) => match value {
                TomlValue::String(_) => "a text",
                TomlValue::Boolean(_) => "a boolean",
                TomlValue::Integer(_) | TomlValue::Float(_) => "a number",
                TomlValue::Datetime(_) => "a date",
                TomlValue::Array(_) => "a list",
                TomlValue::InlineTable(_) => "a table",
            },
        }
    }

    fn place(&self, id: Node<'d>) -> Place {
        let span = match id {
            Node::Table(table) => table.span(),
            Node::Tables(tables) => tables.span(),
            Node::Inline(table) => table.span(),
            Node::Value(value) => value.span(),
        };
        // A table that no line of its own begins has none.
        self.0.place(span.map_or(0, |span| span.start))
    }
}
