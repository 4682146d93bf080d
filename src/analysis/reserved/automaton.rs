//! The localparts that a language of IDs holds, as an automaton, and that as an expression.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::expression::Expression;
use super::letters::Letters;
use crate::analysis::search::LimitReached;
use crate::analysis::term::{NEVER, Term, Terms};

/// So many states there may be. The largest automaton of 217 real namespaces has 51, one for each character of its text;
/// what has more than this would be written in kilobytes, and no neighbour would thank us for it.
const MAX_STATES: usize = 256;

/// Which localparts, character by character; from the first state, of as few states as it takes, and each of them leads
/// somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Automaton {
    states: Vec<State>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    accepts: bool,
    /// Where each character leads, by where it leads.
    to: BTreeMap<usize, Letters>,
}

impl Automaton {
    /// All texts of an alphabet that are in `language` when `end` is put behind them: the right quotient by `end`.
    pub(super) fn quotient<'a>(
        terms: &mut Terms<'a>,
        language: Term<'a>,
        alphabet: Letters,
        end: &str,
    ) -> Result<Self, LimitReached> {
        let mut known: HashMap<Term<'a>, usize> = HashMap::from([(language, 0)]);
        let mut found = vec![language];
        let mut states: Vec<State> = Vec::new();
        while let Some(&term) = found.get(states.len()) {
            let behind = end.chars().fold(term, |term, c| terms.derivative(term, c));
            let mut state = State { accepts: terms.is_nullable(behind), to: BTreeMap::new() };
            for letters in stretches(&terms.cuts(term), alphabet) {
                let Some(c) = letters.iter().next() else { continue };
                let next = terms.derivative(term, c);
                if terms.is_full() || terms.is_late() {
                    return Err(LimitReached);
                }
                if next == NEVER {
                    continue;
                }
                let to = *known.entry(next).or_insert_with(|| {
                    found.push(next);
                    found.len() - 1
                });
                let known = state.to.entry(to).or_insert(letters);
                *known = known.or(letters);
            }
            states.push(state);
            if found.len() > MAX_STATES {
                return Err(LimitReached);
            }
        }
        Ok(Self { states }.trimmed().minimal())
    }

    /// Whether nothing is accepted.
    pub(super) fn is_empty(&self) -> bool {
        self.states.iter().all(|state| !state.accepts)
    }

    /// Without what leads nowhere.
    fn trimmed(mut self) -> Self {
        let mut alive: Vec<bool> = self.states.iter().map(|state| state.accepts).collect();
        loop {
            let more: Vec<usize> =
                (0..alive.len()).filter(|&at| !alive[at] && self.states[at].to.keys().any(|&to| alive[to])).collect();
            if more.is_empty() {
                break;
            }
            for at in more {
                alive[at] = true;
            }
        }
        for state in &mut self.states {
            state.to.retain(|&to, _| alive[to]);
        }
        self
    }

    /// With one state for all that the same texts lead on from: Moore's refinement, until no block is divided.
    fn minimal(self) -> Self {
        let mut block: Vec<usize> = self.states.iter().map(|state| usize::from(state.accepts)).collect();
        let mut count = 0;
        loop {
            let mut blocks: HashMap<State, usize> = HashMap::new();
            let refined: Vec<usize> = self
                .states
                .iter()
                .map(|state| {
                    let fresh = blocks.len();
                    *blocks.entry(state.seen_as(&block)).or_insert(fresh)
                })
                .collect();
            let now = blocks.len();
            block = refined;
            if now == count {
                break;
            }
            count = now;
        }
        // Numbered in the order in which they are met from the first.
        let mut numbers: HashMap<usize, usize> = HashMap::from([(block[0], 0)]);
        let mut queue = VecDeque::from([0]);
        let mut states = Vec::new();
        while let Some(at) = queue.pop_front() {
            let state = &self.states[at];
            let mut to: BTreeMap<usize, Letters> = BTreeMap::new();
            for (&next, &letters) in &state.to {
                let fresh = numbers.len();
                let number = *numbers.entry(block[next]).or_insert_with(|| {
                    queue.push_back(next);
                    fresh
                });
                let known = to.entry(number).or_insert(letters);
                *known = known.or(letters);
            }
            states.push(State { accepts: state.accepts, to });
        }
        Self { states }
    }

    /// A state that accepts whatever follows.
    fn everything(&self, alphabet: Letters) -> Option<usize> {
        let only = |at: usize, state: &State| state.accepts && state.to.get(&at) == Some(&alphabet);
        self.states.iter().enumerate().find_map(|(at, state)| only(at, state).then_some(at))
    }

    /// Its texts one by one, and those beginnings behind which everything is in it, if it consists of at most so many of
    /// them.
    pub(super) fn spelled(&self, alphabet: Letters, most: usize) -> Option<Vec<Expression>> {
        let everything = self.everything(alphabet);
        let any = Expression::any(alphabet);
        // Nobody has the empty name: whether it is among them does not matter.
        if everything.is_some() && self.states[0].to.get(&everything?) == Some(&alphabet) {
            return Some(vec![any]);
        }
        let mut spelled = Vec::new();
        let mut ways = vec![(0, String::new())];
        while let Some((at, text)) = ways.pop() {
            if Some(at) == everything {
                spelled.push(Expression::concat(vec![Expression::literal(&text), any.clone()]));
                continue;
            }
            let state = &self.states[at];
            if state.accepts && !text.is_empty() {
                spelled.push(Expression::literal(&text));
            }
            // On a loop texts become longer than there are states.
            if text.len() > self.states.len() || spelled.len() > most || ways.len() > most {
                return None;
            }
            for (&to, letters) in &state.to {
                ways.extend(letters.iter().take(most + 1).map(|c| (to, format!("{text}{c}"))));
            }
        }
        (spelled.len() <= most).then_some(spelled)
    }

    /// What all its texts begin with, and a shortest text that leads on from there to one of them.
    pub(super) fn beginning_and_shortest_rest(&self) -> (String, String) {
        let (mut at, mut beginning) = (0, String::new());
        while let State { accepts: false, to } = &self.states[at]
            && let (1, Some((&next, letters))) = (to.len(), to.first_key_value())
            && let Some(c) = letters.only()
        {
            beginning.push(c);
            at = next;
        }
        (beginning, self.shortest_from(at))
    }

    fn shortest_from(&self, start: usize) -> String {
        let mut seen = vec![false; self.states.len()];
        let mut queue = VecDeque::from([(start, String::new())]);
        while let Some((at, text)) = queue.pop_front() {
            if self.states[at].accepts {
                return text;
            }
            for (&to, letters) in &self.states[at].to {
                if !std::mem::replace(&mut seen[to], true) {
                    queue.extend(letters.iter().next().map(|c| (to, format!("{text}{c}"))));
                }
            }
        }
        String::new()
    }

    /// The same as one expression, by taking out state after state, the last first; what leads through one that is taken
    /// out leads past it from then on (state elimination: Brzozowski and `McCluskey`, *Signal Flow Graph
    /// Techniques for Sequential Circuit State Diagrams*, 1963). `None` if that becomes longer than `most` characters.
    pub(super) fn expression(&self, alphabet: Letters, most: usize) -> Option<Expression> {
        let end = self.states.len();
        let mut edges: Vec<BTreeMap<usize, Expression>> = Vec::new();
        for state in &self.states {
            let mut of_state: BTreeMap<usize, Expression> =
                state.to.iter().map(|(&to, &letters)| (to, Expression::One(letters))).collect();
            if state.accepts {
                of_state.insert(end, Expression::EMPTY);
            }
            edges.push(of_state);
        }
        for out in (1..end).rev() {
            let mut onward = std::mem::take(&mut edges[out]);
            let again = onward.remove(&out).map_or(Expression::EMPTY, |again| Expression::repeat(again, 0, None));
            for edges in edges.iter_mut().take(out) {
                let Some(to_it) = edges.remove(&out) else { continue };
                for (&to, on) in &onward {
                    let through = Expression::concat(vec![to_it.clone(), again.clone(), on.clone()]);
                    let both = match edges.remove(&to) {
                        Some(past) => Expression::either(past, through),
                        None => through,
                    };
                    if both.size() > most {
                        return None;
                    }
                    edges.insert(to, both);
                }
            }
        }
        let mut first = std::mem::take(&mut edges[0]);
        let again = first.remove(&0).map_or(Expression::EMPTY, |again| Expression::repeat(again, 0, None));
        let whole = Expression::concat(vec![again, first.remove(&end)?]);
        let mut text = String::new();
        whole.write(alphabet, &mut text);
        (text.len() <= most).then_some(whole)
    }
}

impl State {
    /// With the blocks in place of the states.
    fn seen_as(&self, block: &[usize]) -> Self {
        let mut to: BTreeMap<usize, Letters> = BTreeMap::new();
        for (&next, &letters) in &self.to {
            let known = to.entry(block[next]).or_insert(letters);
            *known = known.or(letters);
        }
        Self { accepts: self.accepts, to }
    }
}

/// What of an alphabet lies between the cuts, stretch by stretch.
fn stretches(cuts: &[u32], alphabet: Letters) -> Vec<Letters> {
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([0x11_0000]);
    let stretches = starts.zip(ends).map(|(start, end)| Letters::between(start, end).and(alphabet));
    stretches.filter(|letters| !letters.is_empty()).collect()
}
