//! What becomes of branches: characters become one class, and what several begin with is put before them once.
//!
//! That hardly bears on what matches, but it does on what is too large, and in one case on what matches: two branches that
//! begin with the same character, the one without regard to case and the other not, count as beginning alike, so that
//! `(?i:k)[0-9]|K[a-z]` matches `ka`. What Go does, a server written in it does.

use crate::error::Error;
use crate::node::{Arena, Flags, Id, Node, Op};
use crate::parser::Parser;
use crate::set::{MAX_RUNE, Set};

const NEWLINE: u32 = 0x0A;

/// Puts a class in order, and calls it by the name of those that match everything, or all but a line feed.
pub(crate) fn clean(node: &mut Node) {
    if node.op != Op::Class {
        return;
    }
    node.set.clean();
    let op = match node.set.ranges() {
        [(0, MAX_RUNE)] => Op::Any,
        [(0, before), (after, MAX_RUNE)] if before + 1 == NEWLINE && after - 1 == NEWLINE => Op::AnyButNewline,
        _ => return,
    };
    node.op = op;
    node.set = Set::default();
}

/// Adds what one matches to what the other does, which is not simpler.
pub(crate) fn merge(arena: &mut Arena, into: Id, from: Id) {
    let other = arena[from].clone();
    let node = &mut arena[into];
    match node.op {
        Op::AnyButNewline if other.matches(NEWLINE) => node.op = Op::Any,
        Op::Class if other.op == Op::Literal => add_literal(&mut node.set, &other),
        Op::Class => node.set.add_all(other.set.ranges()),
        Op::Literal if node.literal != other.literal || node.flags != other.flags => {
            let this = node.clone();
            node.op = Op::Class;
            node.literal.clear();
            add_literal(&mut node.set, &this);
            add_literal(&mut node.set, &other);
        }
        _ => {}
    }
}

fn add_literal(set: &mut Set, literal: &Node) {
    let c = literal.literal[0];
    if literal.flags.fold { set.add_folded(c, c) } else { set.add(c, c) }
}

impl Parser<'_> {
    /// Branches with what they have in common put before them.
    pub(crate) fn factored(&mut self, branches: Vec<Id>) -> Result<Vec<Id>, Error> {
        if branches.len() < 2 {
            return Ok(branches);
        }
        let branches = self.by_literal(&branches)?;
        let branches = self.by_first_piece(&branches)?;
        let branches = self.characters_united(&branches);
        Ok(self.empty_once(branches))
    }

    /// Literals that neighbours begin with.
    fn by_literal(&mut self, branches: &[Id]) -> Result<Vec<Id>, Error> {
        let mut out = Vec::with_capacity(branches.len());
        let (mut start, mut common, mut fold) = (0, Vec::new(), false);
        for at in 0..=branches.len() {
            let (literal, its_fold) = branches.get(at).map_or((&[][..], false), |&id| self.leading_literal(id));
            if at < branches.len() && its_fold == fold {
                let same = common.iter().zip(literal).take_while(|(a, b)| a == b).count();
                if same > 0 {
                    common.truncate(same);
                    continue;
                }
            }
            let next = literal.to_vec();
            match branches[start..at] {
                [] => {}
                [only] => out.push(only),
                _ => {
                    let prefix = self.arena.node(Op::Literal, Flags { fold, ..Flags::PERL });
                    let length = common.len();
                    self.arena[prefix].literal = common;
                    let mut rests = Vec::with_capacity(at - start);
                    for &branch in &branches[start..at] {
                        let rest = self.without_literal(branch, length);
                        self.check(rest)?;
                        rests.push(rest);
                    }
                    out.push(self.prefixed(prefix, rests)?);
                }
            }
            (start, common, fold) = (at, next, its_fold);
        }
        Ok(out)
    }

    /// One character, or one of a class, that neighbours begin with, or so many of them.
    fn by_first_piece(&mut self, branches: &[Id]) -> Result<Vec<Id>, Error> {
        let mut out = Vec::with_capacity(branches.len());
        let (mut start, mut first) = (0, None);
        for at in 0..=branches.len() {
            let its_first = branches.get(at).and_then(|&id| self.leading_piece(id));
            if let (Some(first), Some(its_first)) = (first, its_first)
                && self.arena.are_equal(first, its_first)
                && self.is_simple(first)
            {
                continue;
            }
            match (&branches[start..at], first) {
                (&[], _) => {}
                (&[only], _) => out.push(only),
                (alike, Some(prefix)) => {
                    let mut rests = Vec::with_capacity(alike.len());
                    for (number, &branch) in alike.iter().enumerate() {
                        // The first one's is the one that is kept.
                        let rest = self.without_piece(branch, number > 0);
                        self.check(rest)?;
                        rests.push(rest);
                    }
                    out.push(self.prefixed(prefix, rests)?);
                }
                (alike, None) => out.extend(alike),
            }
            (start, first) = (at, its_first);
        }
        Ok(out)
    }

    /// Neighbours that are one character each, as one class.
    fn characters_united(&mut self, branches: &[Id]) -> Vec<Id> {
        let mut out = Vec::with_capacity(branches.len());
        let is_one = |arena: &Arena, id: Id| arena[id].is_one_character();
        for run in branches
            .chunk_by(|&a, &b| is_one(&self.arena, a) && is_one(&self.arena, b))
            .map(<[Id]>::to_vec)
            .collect::<Vec<_>>()
        {
            let mut run = run;
            if run.len() > 1 {
                let of = |id: Id| (self.arena[id].op, self.arena[id].runes());
                let most = (1..run.len()).fold(0, |most, at| if of(run[most]) < of(run[at]) { at } else { most });
                run.swap(0, most);
                for &from in &run[1..] {
                    merge(&mut self.arena, run[0], from);
                    self.free(from);
                }
                clean(&mut self.arena[run[0]]);
            }
            out.push(run[0]);
        }
        out
    }

    fn empty_once(&self, mut branches: Vec<Id>) -> Vec<Id> {
        // Of neighbours the last stays.
        branches.reverse();
        branches.dedup_by(|next, last| [next, last].iter().all(|id| self.arena[**id].op == Op::Empty));
        branches.reverse();
        branches
    }

    fn prefixed(&mut self, prefix: Id, rests: Vec<Id>) -> Result<Id, Error> {
        let suffix = self.collapse(rests, Op::Alternate)?;
        let id = self.arena.node(Op::Concat, Flags::PERL);
        self.arena[id].subs = vec![prefix, suffix];
        Ok(id)
    }

    fn leading_literal(&self, id: Id) -> (&[u32], bool) {
        let node = &self.arena[id];
        let first = match node.op {
            Op::Concat => node.subs.first().map_or(node, |&first| &self.arena[first]),
            _ => node,
        };
        match first.op {
            Op::Literal => (&first.literal, first.flags.fold),
            _ => (&[], false),
        }
    }

    fn without_literal(&mut self, id: Id, length: usize) -> Id {
        match self.arena[id].op {
            Op::Literal => {
                self.arena[id].literal.drain(..length);
                if self.arena[id].literal.is_empty() {
                    self.arena[id].op = Op::Empty;
                }
                id
            }
            Op::Concat => {
                let first = self.arena[id].subs[0];
                let first = self.without_literal(first, length);
                if self.arena[first].op != Op::Empty {
                    return id;
                }
                self.free(first);
                self.without_first(id)
            }
            _ => id,
        }
    }

    /// A concatenation without its first item.
    fn without_first(&mut self, id: Id) -> Id {
        self.arena[id].subs.remove(0);
        match self.arena[id].subs[..] {
            [only] => {
                self.free(id);
                only
            }
            _ => id,
        }
    }

    fn leading_piece(&self, id: Id) -> Option<Id> {
        let first = match self.arena[id].op {
            Op::Concat => *self.arena[id].subs.first()?,
            _ => id,
        };
        (self.arena[first].op != Op::Empty).then_some(first)
    }

    /// A character or class, or so many of one and no more.
    fn is_simple(&self, id: Id) -> bool {
        let node = &self.arena[id];
        let fixed = node.op == Op::Repeat && node.max == Some(node.min);
        node.is_one_character() || (fixed && self.arena[node.subs[0]].is_one_character())
    }

    fn without_piece(&mut self, id: Id, free: bool) -> Id {
        if self.arena[id].op == Op::Concat {
            if free {
                let first = self.arena[id].subs[0];
                self.free(first);
            }
            return self.without_first(id);
        }
        if free {
            self.free(id);
        }
        self.arena.node(Op::Empty, Flags::PERL)
    }
}
