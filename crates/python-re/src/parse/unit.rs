use super::atom::{Atoms, reference};
use super::charset::{Member, distinct, is_lost};
use super::flags::Flags;
use crate::ast::{Anchor, Ast};

/// An item of a sequence as Python's parser knows it, when it has not come to flags yet.
///
/// Python takes out of alternatives what all begin with, and makes one set of what is left if that is one character or
/// set in each. It may do so to the alternatives of a group that neither captures nor sets flags before it comes to
/// those around. For what matches, this makes a difference only where a set loses members: see [`is_lost`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Literal(u32),
    /// Of members that differ.
    Set {
        members: Vec<Member>,
        negated: bool,
    },
    Dot,
    /// With the character that it is written with.
    Anchor(Anchor, char),
    Reference(u32),
    /// What a group holds that neither captures nor sets flags: items like those around it.
    Several(Vec<Self>),
    /// Anything else. Python takes no two of these for the same.
    Other,
}

impl Unit {
    /// A set in brackets, of members that differ. One of a single character is that character.
    pub(super) fn set(members: Vec<Member>, negated: bool) -> Self {
        match *members {
            [Member::Literal(c)] if !negated => Self::Literal(c),
            _ => Self::Set { members, negated },
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
            Self::Set { members, negated: false } => Some(members.clone()),
            _ => None,
        }
    }
}

/// The items of a sequence, without groups that are none.
pub(super) fn flat(units: impl IntoIterator<Item = Unit>) -> Vec<Unit> {
    let mut all = Vec::new();
    for unit in units {
        match unit {
            Unit::Several(units) => all.extend(units),
            unit => all.push(unit),
        }
    }
    all
}

/// What Python makes of two or more alternatives.
pub(super) fn alternatives(branches: &[Vec<Unit>]) -> Vec<Unit> {
    let Some((first, others)) = branches.split_first() else { return Vec::new() };
    let common = (0..first.len())
        .take_while(|&at| first[at] != Unit::Other && others.iter().all(|branch| branch.get(at) == Some(&first[at])))
        .count();
    let one = |branch: &Vec<Unit>| match &branch[common..] {
        [only] => only.members(),
        _ => None,
    };
    let mut units = first[..common].to_vec();
    units.push(match branches.iter().map(one).collect::<Option<Vec<_>>>() {
        Some(members) => Unit::Set { members: distinct(members.concat()), negated: false },
        None => Unit::Other,
    });
    units
}

/// What these match, where that is not what the alternatives that they were made of do one by one.
pub(super) fn differing(units: &[Unit], flags: Flags, atoms: &mut Atoms) -> Option<Ast> {
    match units.last() {
        Some(Unit::Set { members, .. }) if members.iter().any(|member| is_lost(*member, flags)) => {
            units.iter().map(|unit| unit.ast(flags, atoms)).collect::<Option<_>>().map(Ast::Concat)
        }
        _ => None,
    }
}
