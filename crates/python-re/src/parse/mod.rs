//! CPython's parser.

mod atom;
mod charset;
mod escape;
mod flags;
mod groups;
mod names;
mod parenthesis;
mod parser;
mod set;
mod tokens;
mod unit;
mod width;

pub(crate) use parser::parse;
