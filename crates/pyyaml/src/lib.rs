//! YAML exactly as `yaml.safe_load` of PyYAML reads a text file: what it makes of it, what it refuses, and where.
//!
//! A program that says what a Python program will make of its configuration must read that configuration as the Python
//! program does. No other parser of the YAML family gives PyYAML's verdicts: they are stricter or laxer about tabs, plain
//! scalars, simple keys and anchors, type scalars by YAML 1.2, or lose where a node stands. So this is a scanner, parser,
//! composer and constructor by PyYAML's own rules, which are those of YAML 1.1 with a few bends.
//!
//! ```
//! use pyyaml::{Document, Release, Value};
//!
//! let text = pyyaml::decode(b"enabled: on\ntoken: 123e4567\nport: 1:30\n")?;
//! let document = Document::read(&text, Release::V6_0_3)?.expect("the file is not empty");
//! let Value::Dict(pairs) = document.value(document.root()) else { panic!("a mapping") };
//!
//! let enabled = document.get(pairs, "enabled").expect("it is there");
//! assert_eq!(enabled.value, Value::Bool(true));
//! assert_eq!((enabled.place.line, enabled.place.column), (1, 10));
//! // A float needs a dot, and a sign before its exponent.
//! assert!(matches!(document.get(pairs, "token").expect("it is there").value, Value::Str(_)));
//! // Minutes and seconds: 1 * 60 + 30.
//! assert!(matches!(document.get(pairs, "port").expect("it is there").value, Value::Int(n) if n.small() == Some(90)));
//!
//! let error = Document::read("name: @home\n", Release::V6_0_3).unwrap_err();
//! assert_eq!(error.to_string(), "found '@', which cannot start any value");
//! assert_eq!((error.place.line, error.place.column), (1, 7));
//! # Ok::<(), pyyaml::YamlError>(())
//! ```
//!
//! # How a file is read
//!
//! | step | room | what is PyYAML's own |
//! |---|---|---|
//! | bytes to characters | `decode` | strict UTF-8; `\r\n` and `\r` read as `\n`, as CPython's text mode does; a byte order mark is passed over at the very start and nowhere else |
//! | characters to tokens | `scanner` with `plain`, `quoted`, `block`, `properties` | a key must be found within 1,024 characters and on one line; whether one may begin is a flag that line breaks set; tabs separate in flow and between tokens, never indent |
//! | tokens to nodes | `parser` with `collection` | one document; an anchor may stand only once; a list under a key need not be indented |
//! | types | `resolve`, `number`, `timestamp` | by the *first character*, then by regexes of YAML 1.1: `yes`, `on`, `0x1F`, `0o17` (a string), `1:30`, `2020-01-01`, `=`, `<<` |
//! | nodes to objects | `construct`, `merge`, `base64` | `int()`, `float()`, `date()`, `b64decode` may yet refuse; merge keys; unhashable keys |
//!
//! The scanner is the one place where YAML is hard. It cannot know that `a b c` is a key before it sees the colon, so it
//! remembers, for each level of brackets, the one token that may turn out to be a key, hands no token out that stands
//! behind it, and puts the tokens `KEY` and `BLOCK-MAPPING-START` in front of it when the colon comes. PyYAML does so, and
//! each of its verdicts about a missing or misplaced colon follows from when such a memory is dropped.
//!
//! Nothing recurses: what is open is kept in vectors, so that no file can exhaust a thread's stack.
//!
//! # Merge keys
//!
//! What `<<: [*a, *b]` means was changed by PyYAML 6.0.4, so the caller says which [`Release`] is meant; see the
//! documentation of `merge` in the source. [`Document::merges`] tells whether it matters at all.
//!
//! # Others of the family
//!
//! libyaml is the same scanner in C, and `serde_yaml` and Go's yaml.v2 read with ports of it. A [`Tree`] is a text read by such
//! a [`Grammar`], with tags and styles as they are written: what a scalar is, is for them to say.
//!
//! # Limits
//!
//! PyYAML is bounded by CPython's recursion limit of 1,000, and by memory and patience. Here:
//!
//! | what | limit | PyYAML, called from a bare script |
//! |---|---|---|
//! | lists and mappings within each other | 480 | 491, less what stands on the caller's stack |
//! | merges that merge, `=` that refer to `=` | 960 | 988, likewise |
//! | nodes in a file | 2,000,000 (150 MB) | none |
//! | pairs copied by merging | 2,000,000 (0.15 s) | none: 2,250,000 from a file of 30 kB take 3.4 s |
//! | digits of a number | 4,300 | the same |
//!
//! Of integers the value is kept up to 128 bits; `!!binary` is checked and not decoded; dates are checked and kept as
//! they are written. Tags other than those of `SafeLoader` are refused, as it does.
//!
//! # How it is verified
//!
//! `oracle/cases.py` makes random YAML and records what PyYAML 6.0.3 and 6.0.4 make of it; the tests replay 3,000 such
//! files with both, values, types and order of keys included. A differential run of 40,000 more found no difference in
//! verdict or value; 98 % of the errors are at the line and column that PyYAML names.

mod base64;
mod block;
mod collection;
mod construct;
mod cursor;
mod decode;
mod dict;
mod document;
mod error;
mod grammar;
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
mod room;
mod scalar_text;
mod scanner;
mod text;
mod timestamp;
mod token;
mod tree;

use std::borrow::Cow;

pub use document::{Document, Located, Value};
pub use error::{Problem, YamlError};
pub use grammar::Grammar;
pub use graph::NodeId;
pub use place::Place;
pub use python_text::Integer;
pub use release::Release;
pub use text::Text;
pub use tree::{Node, Tree};

/// The characters of a file, or why it has none.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    decode::decode(bytes, Grammar::PyYaml)
}

/// The same for what is read by another grammar.
pub fn decode_as(bytes: &[u8], grammar: Grammar) -> Result<Cow<'_, str>, YamlError> {
    decode::decode(bytes, grammar)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
