//! Languages as terms of an extended regular expression, with intersection and complement.
//!
//! # Why
//!
//! A finding is a question about languages: do two entries share an ID, does one hold all that the other does, is
//! anything left of an entry after the earlier ones of its file? With `&` and `¬` each of these is *one* term, and the
//! question is whether that term has a member. Look-around becomes `&` and `¬` too ([`super::language`]), and so does
//! "an ID of this server" ([`super::id_space`]). Automata would have to be made deterministic before they can be
//! complemented, the whole of them, before the first answer; derivatives make only what a search walks through.
//!
//! # How
//!
//! The *derivative* of a language by a character `c` is what may follow `c` in it: `∂c L = { w | cw ∈ L }`. Of a term it
//! is a term again, by rules that go through its structure (Brzozowski, *Derivatives of Regular Expressions*, Journal of
//! the ACM 11(4), 1964):
//!
//! ```text
//! ∂c a      = ε if a holds c, else ∅            ∂c (r | s) = ∂c r | ∂c s
//! ∂c (r s)  = ∂c r · s                          ∂c (r & s) = ∂c r & ∂c s
//!             | ∂c s, if ε ∈ r                  ∂c (¬ r)   = ¬ ∂c r
//! ∂c r{m,n} = ∂c r · r{m-1,n-1}
//! ```
//!
//! A text belongs to a term if the derivative by all its characters, one after the other, holds the empty text
//! ([`Terms::is_nullable`]). So a term is the state of an automaton whose other states are its derivatives, and a
//! breadth-first search through them ([`super::search`]) meets a shortest member first.
//!
//! **Repetition.** The rule takes the first copy of `r` to be the one that reads `c`. If `r` may be empty, copies before
//! it may have been empty, and `r{m-2,n-2}`, `r{m-3,n-3}` … may follow as well; each of these is part of `r{m-1,n-1}`,
//! since a copy that may be empty can always be added. [`Arena::repeat`] makes that plain by setting `m` to 0 as soon as
//! `r` may be empty (nothing is a way to do it `m` times), and gives equal languages the same term by it. Whoever makes a
//! `Node::Repeat` otherwise owes the same.
//!
//! # Why it ends
//!
//! A term has only finitely many derivatives if those that differ by associativity, commutativity and idempotence of `|`
//! alone count as one (Brzozowski, theorem 5.2). [`Arena`] keeps each term once, in a normal form by these identities,
//! and no more:
//!
//! | of | identities |
//! |---|---|
//! | `r \| s`, `r & s` | flat, sorted, without repetition; `∅` and `Σ*` as unit and zero |
//! | `r & s` besides | `ε & r` is `ε` or `∅`; `r & ¬r` is `∅` |
//! | `r s` | nested to the right; `∅` zero, `ε` unit; `Σ* Σ*` is `Σ*` |
//! | `¬ r` | `¬¬r` is `r`; `¬∅` is `Σ*`; `¬Σ*` is `∅` |
//! | `r{m,n}` | the empty text and `∅` repeated; `r{1,1}` is `r`; every character `{0,∞}` is `Σ*` |
//!
//! Neither distribution (`r (s | t)` against `r s | r t`) nor De Morgan's rules nor inclusion (`r | s` where `s` is part
//! of `r`) are applied: they are not needed for finiteness, and each costs a search of its own or makes terms larger.
//! Counters only fall, so that repetitions stay finite too. Finite may still be exponential in the regex
//! (`(a|b)*a(a|b){20}` has two million derivatives), hence the limits of a search.
//!
//! # Why one character a stretch suffices
//!
//! There are 1,112,064 characters, but a term treats most alike. [`Terms::cuts`] yields the code points at which its
//! derivative may change; between two of them all characters have *the same term* as derivative, by induction: a class
//! changes only where one of its ranges begins or ends, and the rules above ask nothing of `c` but the derivatives of
//! parts. These stretches are the *derivative classes* of Owens, Reppy and Turon (*Regular-expression derivatives
//! re-examined*, Journal of Functional Programming 19(2), 2009), kept as ends of ranges since ranges are what classes
//! are made of. The second part of `r s` counts only if `ε ∈ r`, as in the rule.
//!
//! # An example
//!
//! Do `@a.*` and `@.*b` share an ID? Neither regex is anchored at its end, so the languages are `@ a Σ*` and
//! `@ .* b Σ*`, of which `.` is any character but a line feed. Their intersection, and what it becomes:
//!
//! ```text
//! t0 = @ a Σ* & @ .* b Σ*      cuts at @ and behind it
//! t1 = ∂@ t0 = a Σ* & .* b Σ*  by anything else: ∅
//! t2 = ∂a t1 = .* b Σ*         Σ* & r is r; by anything else the first part is ∅, and so is the whole
//! t3 = ∂b t2 = Σ*              .* b Σ* | Σ* is Σ*, which holds the empty text: the search ends
//! ```
//!
//! The characters on the way are the witness: `@ab`. In earnest a third part of the intersection says that it must be an
//! ID of this server, and the witness is `@ab:example.com`.
//!
//! # What it costs
//!
//! All that is made is counted in bytes ([`Arena::weight`], with what has been remembered of derivatives and cuts) and
//! all that is done in steps ([`Terms::steps`]: one for each derivative, part of a list, end of a stretch). Both are the
//! same on every machine, and limits are set on them; the `Deadline` is for whoever waits.
//!
//! # Terms do not outlive their arena
//!
//! An arena that has grown too large is thrown away ([`super::examiner`]). A [`Term`] borrows from the [`Terms`] that it
//! was made by, so that the compiler refuses one from an earlier arena. What is to be remembered from one use to the
//! next is kept by the arena itself, by name ([`Terms::remember`]), and goes with it.

mod arena;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

pub(super) use arena::Arena;
use arena::Id;

use super::name::Name;

/// A term, for as long as its arena is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Term<'a>(Id, PhantomData<&'a Arena>);

/// No text.
pub(super) const NEVER: Term<'static> = Term(Id::NEVER, PhantomData);
/// The empty text.
pub(super) const EMPTY: Term<'static> = Term(Id::EMPTY, PhantomData);
/// Every text.
pub(super) const ANY: Term<'static> = Term(Id::ANY, PhantomData);

/// What was remembered: a term, or that there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recalled<'a>(pub(super) Option<Term<'a>>);

/// An arena while terms of it are in use.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    arena: &'a mut Arena,
}

impl<'a> Terms<'a> {
    const fn of(arena: &'a mut Arena) -> Self {
        Self { arena }
    }

    const fn term(id: Id) -> Term<'a> {
        Term(id, PhantomData)
    }

    /// One character of a set.
    pub(super) fn class(&mut self, class: &ClassUnicode) -> Term<'a> {
        Self::term(self.arena.class(class))
    }

    /// A character.
    pub(super) fn char(&mut self, c: char) -> Term<'a> {
        self.class(&ClassUnicode::new([ClassUnicodeRange::new(c, c)]))
    }

    /// A text and nothing else.
    pub(super) fn literal(&mut self, text: &str) -> Term<'a> {
        text.chars().rev().fold(EMPTY, |rest, c| {
            let first = self.char(c);
            self.concat(first, rest)
        })
    }

    /// One after the other.
    pub(super) fn concat(&mut self, a: Term<'a>, b: Term<'a>) -> Term<'a> {
        Self::term(self.arena.concat(a.0, b.0))
    }

    /// Any of several.
    pub(super) fn or(&mut self, items: impl IntoIterator<Item = Term<'a>>) -> Term<'a> {
        Self::term(self.arena.or(items.into_iter().map(|item| item.0)))
    }

    /// All of several.
    pub(super) fn and(&mut self, items: impl IntoIterator<Item = Term<'a>>) -> Term<'a> {
        Self::term(self.arena.and(items.into_iter().map(|item| item.0)))
    }

    /// All other texts.
    pub(super) fn not(&mut self, body: Term<'a>) -> Term<'a> {
        Self::term(self.arena.not(body.0))
    }

    /// What is in the one and not in the other.
    pub(super) fn without(&mut self, all: Term<'a>, some: Term<'a>) -> Term<'a> {
        let others = self.not(some);
        self.and([all, others])
    }

    /// Again and again, at least and at most so often.
    pub(super) fn repeat(&mut self, body: Term<'a>, min: u32, max: Option<u32>) -> Term<'a> {
        Self::term(self.arena.repeat(body.0, min, max))
    }

    /// Whether the empty text belongs to it.
    pub(super) fn is_nullable(&self, term: Term<'a>) -> bool {
        self.arena.is_nullable(term.0)
    }

    /// What may follow a character in texts of this language.
    pub(super) fn derivative(&mut self, term: Term<'a>, c: char) -> Term<'a> {
        Self::term(self.arena.derivative(term.0, c))
    }

    /// Code points between which all characters have the same derivative: where a new stretch begins, ascending.
    pub(super) fn cuts(&mut self, term: Term<'a>) -> Arc<[u32]> {
        self.arena.cuts(term.0)
    }

    /// Keeps a term, or that there is none, for as long as the arena is there.
    pub(super) fn remember(&mut self, name: Name, term: Option<Term<'a>>) {
        self.arena.named.insert(name, term.map(|term| term.0));
    }

    /// What has been remembered by a name.
    pub(super) fn recall(&self, name: Name) -> Option<Recalled<'a>> {
        self.arena.named.get(&name).map(|known| Recalled(known.map(Self::term)))
    }

    /// Whether as many bytes have been made as may be.
    pub(super) const fn is_full(&self) -> bool {
        self.arena.is_full()
    }

    /// How much has been done so far.
    pub(super) const fn steps(&self) -> u64 {
        self.arena.steps()
    }

    /// Counts what is done elsewhere.
    pub(super) const fn step(&mut self, steps: u64) {
        self.arena.step(steps);
    }

    /// Whether the time is up. Costs next to nothing.
    pub(super) fn is_late(&mut self) -> bool {
        self.arena.is_late()
    }

    /// The same, with a look at the clock.
    pub(super) fn is_late_now(&mut self) -> bool {
        self.arena.is_late_now()
    }
}
