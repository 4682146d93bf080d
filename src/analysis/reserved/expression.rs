//! A regular expression as neighbours read it: Go's RE2, JavaScript and Python take what is written here alike.
//!
//! It is built by functions that put it as simply as they see at once: what branches begin and end with in common stands
//! once, `xx*` is `x+`, `x|` is `x?`. They need not find the shortest, since what comes out is read and proved anew.

use std::fmt::Write;

use super::letters::Letters;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// One character of a set.
    One(Letters),
    /// One after the other; the empty text, if there are none.
    Concat(Vec<Self>),
    /// Any of two or more.
    Either(Vec<Self>),
    Repeat {
        body: Box<Self>,
        min: u32,
        max: Option<u32>,
    },
}

use Expression::{Concat, Either, One, Repeat};

impl Expression {
    pub(super) const EMPTY: Self = Concat(Vec::new());

    pub(super) fn literal(text: &str) -> Self {
        Self::concat(text.chars().map(|c| One(Letters::one(c))).collect())
    }

    /// Any number of any characters.
    pub(super) fn any(alphabet: Letters) -> Self {
        Self::repeat(One(alphabet), 0, None)
    }

    pub(super) fn concat(items: Vec<Self>) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        let mut add = |item: Self| match flat.pop() {
            None => flat.push(item),
            Some(last) => match together(&last, &item) {
                Some(both) => flat.push(both),
                None => flat.extend([last, item]),
            },
        };
        for item in items {
            match item {
                Concat(inner) => inner.into_iter().for_each(&mut add),
                other => add(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Concat(flat) }
    }

    pub(super) fn either(a: Self, b: Self) -> Self {
        if a == b {
            return a;
        }
        if let (One(a), One(b)) = (&a, &b) {
            return One(a.or(*b));
        }
        if let Some(repeated) = one_range(&a, &b) {
            return repeated;
        }
        let (a, b) = (a.into_items(), b.into_items());
        let first = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        let (head, a, b) = (&a[..first], &a[first..], &b[first..]);
        let last = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
        let tail = &a[a.len() - last..];
        let [a, b] = [a, b].map(|items| Self::concat(items[..items.len() - last].to_vec()));
        if head.is_empty() && tail.is_empty() {
            return Self::branches(a, b);
        }
        let middle = Self::either(a, b);
        Self::concat([head, &[middle], tail].concat())
    }

    /// Two that have nothing in common at either end.
    fn branches(a: Self, b: Self) -> Self {
        if a == Self::EMPTY || b == Self::EMPTY {
            return Self::repeat(if a == Self::EMPTY { b } else { a }, 0, Some(1));
        }
        let mut branches: Vec<Self> = Vec::new();
        for branch in a.into_branches().into_iter().chain(b.into_branches()) {
            let class =
                branches.iter_mut().find_map(|known| if let One(letters) = known { Some(letters) } else { None });
            if let (One(letters), Some(known)) = (&branch, class) {
                *known = known.or(*letters);
            } else if !branches.contains(&branch) {
                branches.push(branch);
            }
        }
        if branches.len() == 1 { branches.remove(0) } else { Either(branches) }
    }

    pub(super) fn repeat(body: Self, min: u32, max: Option<u32>) -> Self {
        match body {
            _ if max == Some(0) || body == Self::EMPTY => Self::EMPTY,
            _ if (min, max) == (1, Some(1)) => body,
            // What is repeated any number of times may be left out once more, or be repeated as a whole.
            Repeat { body, min: inner, max: most } if inner <= 1 && min <= 1 && (most.is_none() || max == Some(1)) => {
                let min = inner.min(min);
                Repeat { body, min, max: most }
            }
            body => Repeat { body: Box::new(body), min, max },
        }
    }

    /// How it is repeated; once, as a rule.
    fn times(&self) -> (&Self, u32, Option<u32>) {
        match self {
            Repeat { body, min, max } => (body, *min, *max),
            other => (other, 1, Some(1)),
        }
    }

    pub(super) fn into_items(self) -> Vec<Self> {
        match self {
            Concat(items) => items,
            other => vec![other],
        }
    }

    fn into_branches(self) -> Vec<Self> {
        match self {
            Either(branches) => branches,
            other => vec![other],
        }
    }

    /// Of how many parts it is made.
    pub(super) fn size(&self) -> usize {
        match self {
            One(_) => 1,
            Concat(items) | Either(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Repeat { body, .. } => 1 + body.size(),
        }
    }

    /// The text, if it is that of a single one.
    pub(super) fn as_literal(items: &[Self]) -> Option<String> {
        let one = |item: &Self| match item {
            One(letters) => letters.only().map(String::from),
            Repeat { body, min, max: Some(max) } if min == max => match &**body {
                One(letters) => letters.only().map(|c| String::from(c).repeat(*min as usize)),
                _ => None,
            },
            _ => None,
        };
        items.iter().map(one).collect()
    }

    /// How it is written, for texts of an alphabet.
    pub(super) fn write(&self, alphabet: Letters, out: &mut String) {
        match self {
            One(letters) => write_letters(*letters, alphabet, out),
            Concat(items) => items.iter().for_each(|item| match item {
                Either(_) => item.write_grouped(alphabet, out),
                _ => item.write(alphabet, out),
            }),
            Either(branches) => {
                for (at, branch) in branches.iter().enumerate() {
                    if at > 0 {
                        out.push('|');
                    }
                    branch.write(alphabet, out);
                }
            }
            Repeat { body, min, max } => {
                match **body {
                    One(_) => body.write(alphabet, out),
                    _ => body.write_grouped(alphabet, out),
                }
                write_times(*min, *max, out);
            }
        }
    }

    pub(super) fn write_grouped(&self, alphabet: Letters, out: &mut String) {
        out.push_str("(?:");
        self.write(alphabet, out);
        out.push(')');
    }
}

/// One after the other as one repetition, if they repeat the same. A letter twice stays what it is: `ss`, not `s{2}`.
fn together(a: &Expression, b: &Expression) -> Option<Expression> {
    let ((body, min, max), (other, more, most)) = (a.times(), b.times());
    let is_text = matches!((a, b), (One(a), One(_)) if a.only().is_some());
    if body != other || is_text {
        return None;
    }
    let max = max.zip(most).map(|(max, most)| max + most);
    Some(Repeat { body: Box::new(body.clone()), min: min + more, max })
}

/// Either of two repetitions of the same, whose numbers make one range.
fn one_range(a: &Expression, b: &Expression) -> Option<Expression> {
    let ((body, a_min, a_max), (other, b_min, b_max)) = (a.times(), b.times());
    let follows = |max: Option<u32>, min: u32| max.is_none_or(|max| min <= max.saturating_add(1));
    if body != other || !follows(a_max, b_min) || !follows(b_max, a_min) {
        return None;
    }
    let max = a_max.zip(b_max).map(|(a, b)| a.max(b));
    Some(Expression::repeat(body.clone(), a_min.min(b_min), max))
}

fn write_times(min: u32, max: Option<u32>, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match (min, max) {
        (0, Some(1)) => write!(out, "?"),
        (0, None) => write!(out, "*"),
        (1, None) => write!(out, "+"),
        (min, None) => write!(out, "{{{min},}}"),
        (min, Some(max)) if min == max => write!(out, "{{{min}}}"),
        (min, Some(max)) => write!(out, "{{{min},{max}}}"),
    };
}

fn write_letters(letters: Letters, alphabet: Letters, out: &mut String) {
    if letters == alphabet {
        return out.push('.');
    }
    if let Some(c) = letters.only() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        return out.push(c);
    }
    // Of the two ways to say it, the shorter.
    let (these, others) = (letters.ranges(), alphabet.without(letters).ranges());
    let (negated, ranges) = if others.len() < these.len() { (true, others) } else { (false, these) };
    out.push_str(if negated { "[^" } else { "[" });
    for (first, last) in ranges {
        write_in_class(first, out);
        if first != last {
            if u32::from(first) + 1 < u32::from(last) {
                out.push('-');
            }
            write_in_class(last, out);
        }
    }
    out.push(']');
}

fn write_in_class(c: char, out: &mut String) {
    if r"\]^-[".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(c: char) -> Expression {
        One(Letters::one(c))
    }

    fn digit() -> Expression {
        One(Letters::between('0'.into(), ':'.into()))
    }

    fn written(expression: &Expression) -> String {
        let mut text = String::new();
        expression.write(Letters::registrable(), &mut text);
        text
    }

    #[test]
    fn what_is_said_twice_is_said_once() {
        let star = Expression::repeat(digit(), 0, None);
        assert_eq!(written(&Expression::concat(vec![letter('a'), digit(), star.clone()])), "a[0-9]+");
        assert_eq!(written(&Expression::concat(vec![digit(), digit(), letter('s'), letter('s')])), "[0-9]{2}ss");
        let [ab, ac] = ["ab", "ac"].map(Expression::literal);
        assert_eq!(written(&Expression::either(ab.clone(), ac)), "a[bc]");
        assert_eq!(written(&Expression::either(ab.clone(), Expression::literal("cb"))), "[ac]b");
        assert_eq!(written(&Expression::either(ab.clone(), letter('a'))), "ab?");
        assert_eq!(written(&Expression::either(ab, Expression::literal("cd"))), "ab|cd");
        let twice = Expression::concat(vec![digit(), digit()]);
        assert_eq!(written(&Expression::either(twice, digit())), "[0-9]{1,2}");
        assert_eq!(written(&Expression::either(star, Expression::EMPTY)), "[0-9]*");
    }

    #[test]
    fn characters_are_written_so_that_everybody_reads_them_alike() {
        let all = Letters::registrable();
        assert_eq!(written(&Expression::literal("a.b+c/d-e=_")), r"a\.b\+c/d-e=_");
        assert_eq!(written(&Expression::any(all)), ".*");
        assert_eq!(written(&One(all.without(Letters::one('_')))), "[^_]");
        let some = Letters::one('-').or(Letters::between('a'.into(), '{'.into()));
        assert_eq!(written(&One(some)), r"[\-a-z]");
    }

    #[test]
    fn a_text_is_known_as_one() {
        assert_eq!(Expression::as_literal(&Expression::literal("aab").into_items()).as_deref(), Some("aab"));
        assert_eq!(Expression::as_literal(&[digit()]), None);
        assert_eq!(Expression::as_literal(&[]).as_deref(), Some(""));
    }
}
