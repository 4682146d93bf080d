//! What `serde_yaml` takes a scalar for, which figment's values come from, too.

use pyyaml::{Node, NodeId, Tree};

pub(super) const NULL: &str = "tag:yaml.org,2002:null";
pub(super) const BOOL: &str = "tag:yaml.org,2002:bool";
pub(super) const INT: &str = "tag:yaml.org,2002:int";
pub(super) const FLOAT: &str = "tag:yaml.org,2002:float";

/// What a node is called in a message.
pub(super) fn kind(tree: &Tree<'_>, id: NodeId) -> &'static str {
    match tree.node(id) {
        Node::Scalar { text, plain: true } if text.chars.is_empty() => "empty",
        Node::Scalar { text, plain: true } if is_null(&text.chars) => "null",
        Node::Scalar { text, plain: true } if boolean(&text.chars).is_some() => "a boolean",
        Node::Scalar { text, plain: true } if is_number(&text.chars) => "a number",
        Node::Scalar { plain: false, .. } => "a text in quotes",
        Node::Scalar { .. } => "a text",
        Node::Sequence(_) => "a list",
        Node::Mapping(_) => "a mapping",
    }
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "null" | "Null" | "NULL" | "~")
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Whether a scalar is an integer of at most 128 bits, or a float.
pub(super) fn is_number(text: &str) -> bool {
    is_integer(text) || (!has_leading_zero(text) && is_float(text))
}

pub(super) fn is_integer(text: &str) -> bool {
    is_unsigned(text) || is_negative(text)
}

fn is_unsigned(text: &str) -> bool {
    let bare = text.strip_prefix('+').unwrap_or(text);
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = bare.strip_prefix(prefix) {
            if rest.starts_with(['+', '-']) {
                return false;
            }
            if u128::from_str_radix(rest, radix).is_ok() {
                return true;
            }
        }
    }
    !bare.starts_with(['+', '-']) && !has_leading_zero(text) && bare.parse::<u128>().is_ok()
}

fn is_negative(text: &str) -> bool {
    for (prefix, radix) in [("-0x", 16), ("-0o", 8), ("-0b", 2)] {
        if let Some(rest) = text.strip_prefix(prefix)
            && i128::from_str_radix(&format!("-{rest}"), radix).is_ok()
        {
            return true;
        }
    }
    !has_leading_zero(text) && text.parse::<i128>().is_ok()
}

/// `007`, which is a text in YAML 1.2.
fn has_leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_float(text: &str) -> bool {
    let bare = match text.strip_prefix('+') {
        Some(rest) if rest.starts_with(['+', '-']) => return false,
        Some(rest) => rest,
        None => text,
    };
    matches!(bare, ".inf" | ".Inf" | ".INF")
        || matches!(text, "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN")
        || bare.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_yaml_1_2_calls_one() {
        for number in ["0", "1", "-1", "+1", "0x1F", "0o17", "0b1", "-0x1", "1e3", "1.", ".5", ".inf", "-.INF", ".nan"]
        {
            assert!(is_number(number), "{number}");
        }
        for text in ["", "007", "-01", "1_000", "1:30", "0x", "0xg", "++1", "0x+1", "inf", "nan", "yes", "1e999"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
