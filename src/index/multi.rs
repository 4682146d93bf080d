//! Many expressions at once, for those that offer nothing to look for.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::NFA;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

/// The states that a thread has found so far take at most about so many bytes; then it starts afresh.
const CACHE: usize = 4 << 20;
/// Expressions that together make a larger automaton are tried one by one, in bytes.
const MAX_NFA: usize = 64 << 20;
/// A thread remembers the states of so many automata: those of three kinds, before and after a reload.
const MAX_CACHES: usize = 6;

/// One automaton for many expressions, made deterministic as far as texts need it.
#[derive(Debug)]
pub(super) struct Multi {
    dfa: DFA,
    /// Tells the automata of a process apart.
    number: u64,
}

struct State {
    number: u64,
    cache: Cache,
    found: PatternSet,
}

thread_local! {
    static STATES: RefCell<Vec<State>> = const { RefCell::new(Vec::new()) };
}

static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl Multi {
    /// `None` if they are too many or too large.
    pub(super) fn new(expressions: &[Hir]) -> Option<Self> {
        let config = NFA::config().nfa_size_limit(Some(MAX_NFA));
        let nfa = NFA::compiler().configure(config).build_many_from_hir(expressions).ok()?;
        let config = DFA::config().match_kind(MatchKind::All).cache_capacity(CACHE).skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self { dfa, number: NUMBERS.fetch_add(1, Ordering::Relaxed) })
    }

    /// Visits the number of each expression that matches at the start of the text.
    pub(super) fn matches(&self, text: &str, mut visit: impl FnMut(usize)) {
        STATES.with_borrow_mut(|states| {
            let at = states.iter().position(|state| state.number == self.number).unwrap_or_else(|| {
                if states.len() == MAX_CACHES {
                    states.remove(0);
                }
                let found = PatternSet::new(self.dfa.pattern_len());
                states.push(State { number: self.number, cache: self.dfa.create_cache(), found });
                states.len() - 1
            });
            let State { cache, found, .. } = &mut states[at];
            found.clear();
            let input = Input::new(text).anchored(Anchored::Yes);
            match self.dfa.try_which_overlapping_matches(cache, &input, found) {
                Ok(()) => found.iter().for_each(|pattern| visit(pattern.as_usize())),
                // It never gives up as configured; if it did, each must be tried.
                Err(_) => (0..self.dfa.pattern_len()).for_each(visit),
            }
        });
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.dfa.memory_usage()
    }
}
