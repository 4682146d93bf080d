//! Many expressions at once, for those that offer nothing to look for.

use std::sync::atomic::{AtomicU64, Ordering};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::NFA;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

/// The states that a thread has found so far take at most about so many bytes; then it starts afresh.
const CACHE: usize = 4 << 20;
/// Expressions that together make a larger automaton are tried one by one, in bytes. These hold twenty-five thousand like
/// `@.*[a-z]+_x`, and are built in half a second.
const MAX_NFA: usize = 16 << 20;
/// So many automata have states in one scratch memory: those of three kinds in three layers.
const MAX_STATES: usize = 9;

/// One automaton for many expressions, made deterministic as far as texts need it.
#[derive(Debug)]
pub(super) struct LazyDfaSet {
    dfa: DFA,
    number: Number,
}

/// Tells the automata of a process apart, so that a scratch memory knows which states are whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number(u64);

impl Number {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// The states of the automata that were asked last, the latest at the end.
#[derive(Debug, Default)]
pub(super) struct LazyStates(Vec<State>);

#[derive(Debug)]
struct State {
    number: Number,
    cache: Cache,
    found: PatternSet,
}

impl LazyStates {
    fn of(&mut self, set: &LazyDfaSet) -> &mut State {
        let Self(states) = self;
        match states.iter().rposition(|state| state.number == set.number) {
            Some(at) => states[at..].rotate_left(1),
            None => {
                if states.len() == MAX_STATES {
                    states.remove(0);
                }
                let (cache, found) = (set.dfa.create_cache(), PatternSet::new(set.dfa.pattern_len()));
                states.push(State { number: set.number, cache, found });
            }
        }
        let last = states.len() - 1;
        &mut states[last]
    }
}

impl LazyDfaSet {
    /// `None` if they are too many or too large.
    pub(super) fn new(expressions: &[Hir]) -> Option<Self> {
        let config = NFA::config().nfa_size_limit(Some(MAX_NFA));
        let nfa = NFA::compiler().configure(config).build_many_from_hir(expressions).ok()?;
        let config = DFA::config().match_kind(MatchKind::All).cache_capacity(CACHE).skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self { dfa, number: Number::next() })
    }

    /// Visits the index of each expression that matches at the start of the text.
    pub(super) fn matches(&self, text: &str, states: &mut LazyStates, mut visit: impl FnMut(usize)) {
        let State { cache, found, .. } = states.of(self);
        found.clear();
        let input = Input::new(text).anchored(Anchored::Yes);
        match self.dfa.try_which_overlapping_matches(cache, &input, found) {
            Ok(()) => found.iter().for_each(|pattern| visit(pattern.as_usize())),
            // It never gives up as configured; if it did, each must be tried (see `undecided`).
            Err(_) => (0..self.dfa.pattern_len()).for_each(visit),
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.dfa.memory_usage()
    }
}
