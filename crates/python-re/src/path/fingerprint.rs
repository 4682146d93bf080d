use crate::ast::{Anchor, Ast, Mode};

/// What tells two trees apart, as bytes to hash and compare.
///
/// If it is equal, the trees match the same texts. It does not see groups, nor which number of repetitions is tried first,
/// since neither bears on whether there is a match. `None` for a tree that refers to a group, whose meaning depends on what
/// stands around it.
///
/// ```
/// use python_re::{Pattern, fingerprint};
///
/// let of = |pattern| fingerprint(Pattern::parse(pattern).unwrap().ast());
/// assert_eq!(of("(?i)a(.*)"), of("[aA](?:.*?)"));
/// assert_ne!(of("a.*"), of("a.+"));
/// assert_eq!(of(r"(a)\1"), None);
/// ```
#[must_use]
pub fn fingerprint(ast: &Ast) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(32);
    add(ast, &mut bytes)?;
    Some(bytes)
}

/// Seven bits a byte, the lowest first, and a bit that says whether more follow: nothing is cut off, so that trees of
/// different numbers never look alike, and most characters take a byte or two.
fn number(bytes: &mut Vec<u8>, mut number: usize) {
    while number > 0x7F {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn add(ast: &Ast, bytes: &mut Vec<u8>) -> Option<()> {
    match ast {
        Ast::Empty => bytes.push(b'0'),
        Ast::Literal(c) => {
            bytes.push(b'c');
            number(bytes, *c as usize);
        }
        Ast::Class(class) => {
            bytes.push(b'[');
            number(bytes, class.ranges().len());
            for range in class.iter() {
                number(bytes, range.start() as usize);
                number(bytes, range.end() as usize);
            }
        }
        Ast::Anchor(anchor) => bytes.extend_from_slice(&[b'@', anchor_byte(*anchor)]),
        Ast::Concat(items) => many(b'.', items, bytes)?,
        Ast::Alternation(items) => many(b'|', items, bytes)?,
        Ast::Repeat(repeat) => {
            bytes.push(match repeat.mode {
                // Which number is tried first does not bear on whether there is a match.
                Mode::Greedy | Mode::Lazy => b'*',
                Mode::Possessive => b'+',
            });
            number(bytes, repeat.min as usize);
            number(bytes, repeat.max.map_or(usize::MAX, |max| max as usize));
            add(&repeat.body, bytes)?;
        }
        Ast::Group(_, body) => add(body, bytes)?,
        Ast::Look(look) => {
            bytes.extend_from_slice(&[b'?', look.negated.into()]);
            number(bytes, look.behind.map_or(usize::MAX, |behind| behind as usize));
            add(&look.body, bytes)?;
        }
        Ast::Atomic(body) => {
            bytes.push(b'>');
            add(body, bytes)?;
        }
        Ast::Reference { .. } | Ast::Conditional { .. } => return None,
    }
    Some(())
}

fn many(tag: u8, items: &[Ast], bytes: &mut Vec<u8>) -> Option<()> {
    bytes.push(tag);
    number(bytes, items.len());
    items.iter().try_for_each(|item| add(item, bytes))
}

const fn anchor_byte(anchor: Anchor) -> u8 {
    match anchor {
        Anchor::Start => 0,
        Anchor::StartLine => 1,
        Anchor::End => 2,
        Anchor::EndOrFinalNewline => 3,
        Anchor::EndLine => 4,
        Anchor::WordBoundary { negated, ascii } => 5 + (negated as u8) * 2 + ascii as u8,
    }
}
