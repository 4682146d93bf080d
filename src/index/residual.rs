//! What follows a prefix, as something that can be run.

use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::NFA;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::undecided::UNDECIDED;
use python_re::{Ast, Backward, Outcome, Scratch};

/// An automaton for what follows a prefix.
#[derive(Debug)]
pub(super) enum Residual {
    /// Whatever follows, if anything.
    Always,
    /// Nothing at all.
    Never,
    /// The end of the text.
    End,
    /// A table: a few instructions a byte.
    Dense(Table),
    /// Where a table would be too large, is not worth building, or does not take the expression: a simulation that goes
    /// through the text backwards, in a few hundred bytes and without anything to be built.
    Backward(Box<Backward>),
}

/// A table, which the layers of an index share: one takes half a millisecond to build.
pub(super) type Table = Arc<dense::DFA<Vec<u32>>>;

/// A table larger than this is not built, in bytes.
const MAX_TABLE: usize = 1 << 18;
/// Nor one that takes more than this to build.
const MAX_EFFORT: usize = 1 << 20;
/// Nor one for a larger automaton than this, in bytes.
const MAX_NFA: usize = 1 << 20;

impl Residual {
    /// Without a table. `None` if what a group has captured bears on it. The expression is what automata take for it.
    pub(super) fn new(ast: &Ast, expression: Option<&Hir>) -> Option<Self> {
        match expression.and_then(Self::trivial) {
            Some(trivial) => Some(trivial),
            None => Backward::new(ast).map(|matcher| Self::Backward(Box::new(matcher))),
        }
    }

    /// Whether there is something to be made quicker.
    pub(super) const fn wants_table(&self) -> bool {
        matches!(self, Self::Backward(_))
    }

    /// A table for an expression, if that is not too large.
    pub(super) fn table(expression: &Hir) -> Option<Table> {
        let config = NFA::config().nfa_size_limit(Some(MAX_NFA));
        let nfa = NFA::compiler().configure(config).build_from_hir(expression).ok()?;
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(MAX_TABLE))
            .determinize_size_limit(Some(MAX_EFFORT));
        Some(Arc::new(dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?))
    }

    fn trivial(hir: &Hir) -> Option<Self> {
        let properties = hir.properties();
        if properties.minimum_len() == Some(0) && properties.look_set().is_empty() {
            return Some(Self::Always);
        }
        match hir.kind() {
            HirKind::Look(Look::End) => Some(Self::End),
            // What never matches is the whole expression or no part of it.
            HirKind::Class(class) if class.is_empty() => Some(Self::Never),
            _ => None,
        }
    }

    /// Whether the text goes on from `start` as this says.
    pub(super) fn matches(&self, text: &str, start: usize, scratch: &mut Scratch) -> Outcome {
        match self {
            Self::Always => Outcome::Match,
            Self::Never => Outcome::NoMatch,
            Self::End => outcome(text.len() == start),
            Self::Dense(dfa) => {
                let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(true);
                // Such a table neither quits nor gives up.
                dfa.try_search_fwd(&input).map_or(UNDECIDED, |found| outcome(found.is_some()))
            }
            Self::Backward(matcher) => matcher.run(scratch, text, start),
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        match self {
            Self::Always | Self::Never | Self::End => 0,
            Self::Dense(dfa) => dfa.memory_usage(),
            Self::Backward(matcher) => size_of::<Backward>() + matcher.memory_usage(),
        }
    }
}

fn outcome(matches: bool) -> Outcome {
    if matches { Outcome::Match } else { Outcome::NoMatch }
}
