//! What follows a prefix, as something that can be run.

use std::cell::RefCell;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, HirKind, Look};

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
    /// `dense`: whether a table is worth building. `None` if the expression is too large for any automaton.
    pub(super) fn new(hir: &Hir, dense: bool) -> Option<Self> {
        if let Some(trivial) = Self::trivial(hir) {
            return Some(trivial);
        }
        let nfa = NFA::compiler().configure(NFA::config().nfa_size_limit(Some(MAX_NFA))).build_from_hir(hir).ok()?;
        if dense && let Some(table) = table(&nfa) {
            return Some(Self::Dense(Box::new(table)));
        }
        BoundedBacktracker::builder().build_from_nfa(nfa).ok().map(|matcher| Self::Nfa(Box::new(matcher)))
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
    pub(super) fn matches(&self, text: &str, start: usize) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::End => text.len() == start,
            Self::Dense(dfa) => {
                let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(true);
                // Such a table neither quits nor gives up.
                dfa.try_search_fwd(&input).is_ok_and(|found| found.is_some())
            }
            Self::Nfa(matcher) => run_nfa(matcher, text, start),
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

thread_local! {
    static VISITED: RefCell<Option<backtrack::Cache>> = const { RefCell::new(None) };
}

fn run_nfa(matcher: &BoundedBacktracker, text: &str, start: usize) -> bool {
    let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(true);
    VISITED.with_borrow_mut(|cache| {
        let cache = match cache {
            Some(cache) => {
                cache.reset(matcher);
                cache
            }
            None => cache.insert(matcher.create_cache()),
        };
        match matcher.try_is_match(cache, input.clone()) {
            Ok(found) => found,
            // Too long a text for so large an automaton: slower, and without that limit.
            Err(_) => PikeVM::new_from_nfa(matcher.get_nfa().clone())
                .is_ok_and(|matcher| matcher.is_match(&mut matcher.create_cache(), input)),
        }
    })
}
