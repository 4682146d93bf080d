//! What CPython's parser makes of alternatives before it has come to flags.
//!
//! `_parser.py` takes out of alternatives what all of them begin with (`ab|ac` is `a(?:b|c)`), and if one character or set is
//! left of each, it makes one set of them (`a[bc]`). That is meant to make matching quicker, and it nearly never changes what
//! matches. Where it does, we must do the same:
//!
//! | pattern | text | CPython 3.11 | why |
//! |---|---|---|---|
//! | `(?i)𐐀\|x` | `𐐀` | no match | the two make the set `[𐐀x]`, and a set loses such capitals: see [`is_lost`] |
//! | `(?i)(?:𐐀)\|x` | `𐐀` | no match | a group that neither captures nor sets flags is no group to it |
//! | `(?i)(𐐀)\|x` | `𐐀` | match | a capturing group cannot become a member of a set |
//! | `(?i)a𐐀\|ax` | `a𐐀` | no match | behind the common `a` there are `𐐀` and `x` |
//! | `(?i)a𐐀\|axx` | `a𐐀` | match | `xx` is no single character |
//!
//! So beside the tree, the parser keeps for each sequence a list of [`Piece`]s: what CPython's own parser would compare.
//! [`alternatives`] does to them what CPython does; [`differing`] makes a tree of the outcome only if a set in it loses
//! something, so that all other patterns keep the alternatives that were written.

use super::atom::{Atoms, reference};
use super::charset::{Member, distinct, is_lost};
use super::flags::Flags;
use crate::ast::{Anchor, Ast};

/// An item of a sequence as Python's parser knows it, when it has not come to flags yet.
///
/// Two are the same to Python if they are equal here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(u32),
    /// Of members that differ.
    Set {
        members: Box<[Member]>,
        negated: bool,
    },
    Dot,
    /// With the character that it is written with.
    Anchor(Anchor, char),
    Reference(u32),
    /// What a group holds that neither captures nor sets flags: items like those around it.
    Several(Box<[Self]>),
    /// Anything else. Python takes no two of these for the same.
    Other,
}

impl Piece {
    /// A set in brackets, of members that differ. One of a single character is that character.
    pub(super) fn set(members: Vec<Member>, negated: bool) -> Self {
        match *members {
            [Member::Literal(c)] if !negated => Self::Literal(c),
            _ => Self::Set { members: members.into(), negated },
        }
    }

    /// What it matches, if it says that itself.
    pub(super) fn ast(&self, flags: Flags, atoms: &mut Atoms) -> Option<Ast> {
        Some(match self {
            Self::Literal(c) => atoms.literal(*c, flags),
            Self::Set { members, negated } => atoms.set(members, *negated, flags),
            Self::Dot => Atoms::any(flags),
            Self::Anchor(anchor, _) => Ast::Anchor(*anchor),
            Self::Reference(group) => reference(*group, flags),
            Self::Several(_) | Self::Other => return None,
        })
    }

    /// As members of a set, if it can be.
    fn members(&self) -> Option<Vec<Member>> {
        match self {
            Self::Literal(c) => Some(vec![Member::Literal(*c)]),
            Self::Set { members, negated: false } => Some(members.to_vec()),
            _ => None,
        }
    }
}

/// What Python makes of two or more alternatives.
pub(super) fn alternatives(branches: &[Vec<Piece>]) -> Vec<Piece> {
    let Some((first, others)) = branches.split_first() else { return Vec::new() };
    let common = (0..first.len())
        .take_while(|&at| first[at] != Piece::Other && others.iter().all(|branch| branch.get(at) == Some(&first[at])))
        .count();
    let one = |branch: &Vec<Piece>| match &branch[common..] {
        [only] => only.members(),
        _ => None,
    };
    let mut pieces = first[..common].to_vec();
    pieces.push(match branches.iter().map(one).collect::<Option<Vec<_>>>() {
        Some(members) => Piece::Set { members: distinct(members.concat()).into(), negated: false },
        None => Piece::Other,
    });
    pieces
}

/// What these match, where that is not what the alternatives that they were made of do one by one.
pub(super) fn differing(pieces: &[Piece], flags: Flags, atoms: &mut Atoms) -> Option<Ast> {
    match pieces.last() {
        Some(Piece::Set { members, .. }) if members.iter().any(|member| is_lost(*member, flags)) => {
            pieces.iter().map(|piece| piece.ast(flags, atoms)).collect::<Option<_>>().map(Ast::Concat)
        }
        _ => None,
    }
}
