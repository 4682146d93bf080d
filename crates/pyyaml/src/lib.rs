//! YAML exactly as `yaml.safe_load` of PyYAML 6.0.3 reads a text file.
//!
//! No parser of the YAML family gives PyYAML's verdicts: they are stricter or laxer about tabs, plain scalars,
//! simple keys and anchors, type scalars by YAML 1.2, or lose where a node stands. So this is a scanner, parser,
//! composer and constructor by PyYAML's own rules, which are those of YAML 1.1 with a few bends:
//!
//! * [`text`]: bytes to characters, as CPython's text mode and PyYAML's reader do;
//! * [`scanner`] with [`plain`], [`flow`], [`block`] and [`name`]: characters to tokens;
//! * [`parser`]: tokens to a [`graph`] of nodes, whose types [`resolve`] finds;
//! * [`construct`]: the graph to a [`Document`], merge keys resolved, everything refused that PyYAML cannot make an
//!   object of.
//!
//! Positions count lines and columns from 1, columns in characters. What is read is borrowed from the text where it
//! stands in one piece. Depth, nodes and merged pairs are budgeted; the limits are far above any real file.

mod base64;
mod block;
mod collection;
mod construct;
mod cursor;
mod decode;
mod document;
mod error;
mod graph;
mod merge;
mod number;
mod parser;
mod place;
mod plain;
mod properties;
mod quoted;
mod release;
mod resolve;
mod scalar_text;
mod scanner;
mod text;
mod timestamp;
mod token;

pub use document::{Document, Located, Value};
pub use error::{Problem, YamlError};
pub use graph::NodeId;
pub use place::Place;
pub use python_text::Integer;
pub use release::Release;
pub use text::Text;

use std::borrow::Cow;

/// The characters of a file, or why it has none.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    decode::decode(bytes)
}
