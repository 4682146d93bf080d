use proptest::prelude::*;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::*;
use crate::analysis::Deadline;
use crate::analysis::search::shortest;

/// A term as a tree, with a meaning that owes nothing to derivatives.
#[derive(Clone, Debug)]
enum Tree {
    Empty,
    Any,
    Class(char, char),
    Concat(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
    Repeat(Box<Tree>, u32, Option<u32>),
}

impl Tree {
    fn term<'a>(&self, terms: &mut Terms<'a>) -> Term<'a> {
        let of = |tree: &Self, terms: &mut Terms<'a>| tree.term(terms);
        match self {
            Self::Empty => EMPTY,
            Self::Any => ANY,
            Self::Class(low, high) => terms.class(&ClassUnicode::new([ClassUnicodeRange::new(*low, *high)])),
            Self::Concat(a, b) => {
                let (a, b) = (of(a, terms), of(b, terms));
                terms.concat(a, b)
            }
            Self::Or(a, b) => {
                let both = [of(a, terms), of(b, terms)];
                terms.or(both)
            }
            Self::And(a, b) => {
                let both = [of(a, terms), of(b, terms)];
                terms.and(both)
            }
            Self::Not(body) => {
                let body = of(body, terms);
                terms.not(body)
            }
            Self::Repeat(body, min, max) => {
                let body = of(body, terms);
                terms.repeat(body, *min, *max)
            }
        }
    }

    /// Whether a text belongs to it, by trying all ways to divide the text.
    fn holds(&self, text: &[char]) -> bool {
        let splits = || (0..=text.len()).map(|at| text.split_at(at));
        match self {
            Self::Empty | Self::Repeat(_, _, Some(0)) => text.is_empty(),
            Self::Any => true,
            Self::Class(low, high) => matches!(text, [c] if (low..=high).contains(&c)),
            Self::Concat(a, b) => splits().any(|(left, right)| a.holds(left) && b.holds(right)),
            Self::Or(a, b) => a.holds(text) || b.holds(text),
            Self::And(a, b) => a.holds(text) && b.holds(text),
            Self::Not(body) => !body.holds(text),
            Self::Repeat(body, min, max) => {
                let again = |rest: &[char]| {
                    Self::Repeat(body.clone(), min.saturating_sub(1), max.map(|max| max - 1)).holds(rest)
                };
                // A copy that takes nothing is only of use where one is owed.
                let owed = *min > 0 && body.holds(&[]) && again(text);
                (*min == 0 && text.is_empty())
                    || owed
                    || splits().skip(1).any(|(left, right)| body.holds(left) && again(right))
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Empty),
        Just(Tree::Any),
        Just(Tree::Class('a', 'a')),
        Just(Tree::Class('b', 'c')),
        Just(Tree::Class('a', 'b')),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let two = || (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            two().prop_map(|(a, b)| Tree::Concat(a, b)),
            two().prop_map(|(a, b)| Tree::Or(a, b)),
            two().prop_map(|(a, b)| Tree::And(a, b)),
            inner.clone().prop_map(|body| Tree::Not(Box::new(body))),
            (inner, 0..3_u32, prop::option::of(0..3_u32))
                .prop_map(|(body, min, more)| { Tree::Repeat(Box::new(body), min, more.map(|more| min + more)) }),
        ]
    })
}

/// All texts of at most so many of these letters, the shortest first.
fn texts(length: usize) -> Vec<Vec<char>> {
    let mut all = vec![vec![]];
    let mut last = all.clone();
    for _ in 0..length {
        last = last.iter().flat_map(|text| ['a', 'b', 'c'].map(|c| [text.as_slice(), &[c]].concat())).collect();
        all.extend_from_slice(&last);
    }
    all
}

fn belongs<'a>(terms: &mut Terms<'a>, term: Term<'a>, text: &[char]) -> bool {
    let left = text.iter().fold(term, |left, &c| terms.derivative(left, c));
    terms.is_nullable(left)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn derivatives_say_what_belongs(tree in tree()) {
        let mut arena = Arena::new(Deadline::none());
        let mut terms = arena.terms();
        let term = tree.term(&mut terms);
        for text in texts(4) {
            prop_assert_eq!(belongs(&mut terms, term, &text), tree.holds(&text), "{:?}", text);
        }
    }

    #[test]
    fn the_shortest_is_found(tree in tree()) {
        let mut arena = Arena::new(Deadline::none());
        let mut terms = arena.terms();
        // Of these letters alone, so that all can be tried.
        let letters = Tree::Repeat(Box::new(Tree::Class('a', 'c')), 0, None);
        let tree = Tree::And(Box::new(tree), Box::new(letters));
        let term = tree.term(&mut terms);
        let found = shortest(&mut terms, term).expect("it is small");
        let expected = texts(4).into_iter().find(|text| tree.holds(text)).map(|text| text.len());
        match found.map(|found| found.chars().collect::<Vec<_>>()) {
            Some(found) if found.len() <= 4 => {
                prop_assert!(tree.holds(&found), "{:?}", found);
                prop_assert_eq!(Some(found.len()), expected);
            }
            _ => prop_assert_eq!(expected, None),
        }
    }

    #[test]
    fn all_characters_of_a_stretch_have_the_same_derivative(tree in tree()) {
        let mut arena = Arena::new(Deadline::none());
        let mut terms = arena.terms();
        let term = tree.term(&mut terms);
        let cuts = terms.cuts(term);
        for c in '`'..='d' {
            let next = char::from_u32(u32::from(c) + 1).expect("a letter");
            if !cuts.contains(&next.into()) {
                prop_assert_eq!(terms.derivative(term, c), terms.derivative(term, next), "{}", c);
            }
        }
    }
}

#[test]
fn the_example_is_as_it_is_told() {
    let mut arena = Arena::new(Deadline::none());
    let mut terms = arena.terms();
    let [at, a, b] = ['@', 'a', 'b'].map(|c| terms.char(c));
    let but_newline = [('\0', '\t'), ('\u{b}', char::MAX)].map(|(low, high)| ClassUnicodeRange::new(low, high));
    let dot = terms.class(&ClassUnicode::new(but_newline));
    let dots = terms.repeat(dot, 0, None);
    let first = {
        let rest = terms.concat(a, ANY);
        terms.concat(at, rest)
    };
    let behind = {
        let rest = terms.concat(b, ANY);
        terms.concat(dots, rest)
    };
    let second = terms.concat(at, behind);
    let t0 = terms.and([first, second]);
    assert_eq!(terms.cuts(t0).as_ref(), ['@', 'A'].map(u32::from));
    let t1 = terms.derivative(t0, '@');
    let a_any = terms.concat(a, ANY);
    assert_eq!(t1, terms.and([a_any, behind]));
    assert_eq!(terms.derivative(t0, 'x'), NEVER);
    let t2 = terms.derivative(t1, 'a');
    assert_eq!(t2, behind);
    assert_eq!(terms.derivative(t2, 'b'), ANY);
    assert_eq!(shortest(&mut terms, t0).expect("it is small").as_deref(), Some("@ab"));
}
