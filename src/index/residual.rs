//! What follows a prefix, as something that can be run.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::undecided::UNDECIDED;
use python_re::Outcome;

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
    Dense(Box<dense::DFA<Vec<u32>>>),
    /// Where a table would be too large, or is not worth building.
    Nfa(Box<BoundedBacktracker>),
}

/// A table larger than this is not built, in bytes.
const MAX_TABLE: usize = 1 << 18;
/// Nor one that takes more than this to build.
const MAX_EFFORT: usize = 1 << 20;
/// No single expression makes an automaton larger than this, in bytes.
const MAX_NFA: usize = 8 << 20;

impl Residual {
    /// Without a table. `None` if the expression is too large for any automaton.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        if let Some(trivial) = Self::trivial(hir) {
            return Some(trivial);
        }
        let nfa = NFA::compiler().configure(NFA::config().nfa_size_limit(Some(MAX_NFA))).build_from_hir(hir).ok()?;
        BoundedBacktracker::builder().build_from_nfa(nfa).ok().map(|matcher| Self::Nfa(Box::new(matcher)))
    }

    /// The same with a table, if that is not too large.
    pub(super) fn with_table(self) -> Self {
        match self {
            Self::Nfa(matcher) => match table(matcher.get_nfa()) {
                Some(table) => Self::Dense(Box::new(table)),
                None => Self::Nfa(matcher),
            },
            trivial => trivial,
        }
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
    pub(super) fn matches(&self, text: &str, start: usize, visited: &mut Visited) -> Outcome {
        match self {
            Self::Always => Outcome::Match,
            Self::Never => Outcome::NoMatch,
            Self::End => outcome(text.len() == start),
            Self::Dense(dfa) => {
                let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(true);
                // Such a table neither quits nor gives up.
                dfa.try_search_fwd(&input).map_or(UNDECIDED, |found| outcome(found.is_some()))
            }
            Self::Nfa(matcher) => visited.run(matcher, text, start),
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        match self {
            Self::Always | Self::Never | Self::End => 0,
            Self::Dense(dfa) => dfa.memory_usage(),
            Self::Nfa(matcher) => matcher.get_nfa().memory_usage(),
        }
    }
}

fn table(nfa: &NFA) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(MAX_TABLE))
        .determinize_size_limit(Some(MAX_EFFORT));
    dense::Builder::new().configure(config).build_from_nfa(nfa).ok()
}

fn outcome(matches: bool) -> Outcome {
    if matches { Outcome::Match } else { Outcome::NoMatch }
}

/// What a search without a table notes about where it has been.
#[derive(Debug, Default)]
pub(super) struct Visited(Option<backtrack::Cache>);

impl Visited {
    fn run(&mut self, matcher: &BoundedBacktracker, text: &str, start: usize) -> Outcome {
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(true);
        let cache = match &mut self.0 {
            Some(cache) => {
                cache.reset(matcher);
                cache
            }
            none => none.insert(matcher.create_cache()),
        };
        match matcher.try_is_match(cache, input.clone()) {
            Ok(found) => outcome(found),
            // Too long a text for so large an automaton: slower, and without that limit.
            Err(_) => PikeVM::new_from_nfa(matcher.get_nfa().clone())
                .map_or(UNDECIDED, |matcher| outcome(matcher.is_match(&mut matcher.create_cache(), input))),
        }
    }
}
