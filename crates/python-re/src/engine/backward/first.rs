//! What CPython matches first.
//!
//! An atomic group and a possessive repetition take the first way that leads through their body and no other, so the set
//! of all ends does not tell; here each place has the one end that comes first. It is carried backwards just as the sets
//! are: [`Simulation::first`] is given for each place the end of what follows, and makes of it the end of the node and what
//! follows. Where there are several ways, the one that CPython would try first has precedence.

use super::node::{Node, Times};
use super::simulation::Simulation;
use crate::engine::OutOfSteps;

/// For each place the end of the first way from there, if there is any.
pub(super) type Ends = Vec<Option<u32>>;

impl Simulation<'_> {
    /// Where what is matched in one way alone ends, from each place; found once for a text.
    pub(super) fn ends_of(&mut self, number: usize, body: &Node, times: Times) -> Result<Ends, OutOfSteps> {
        if let Some(known) = self.memory.fixed[number].take() {
            return Ok(known);
        }
        let mut once = self.every_place();
        self.first(body, &mut once)?;
        if (times.min, times.max) == (1, Some(1)) {
            return Ok(once);
        }
        let ends = (0..).zip(&once).map(|(place, _)| rounds(&once, place, times)).collect();
        self.take(once.len() * once.len() / 64)?;
        Ok(ends)
    }

    fn every_place(&self) -> Ends {
        (0..).map(Some).take(self.text.len() + 1).collect()
    }

    fn first(&mut self, node: &Node, ends: &mut Ends) -> Result<(), OutOfSteps> {
        self.take(ends.len() / 8 + 1)?;
        match node {
            Node::Empty => {}
            Node::Unit(unit) => {
                for place in 0..ends.len() {
                    let fits = self.text.get(place).is_some_and(|&c| unit.fits(c));
                    ends[place] = if fits { ends[place + 1] } else { None };
                }
            }
            Node::Literal(chars) => {
                for place in 0..ends.len() {
                    let fits = self.text[place..].starts_with(chars);
                    ends[place] = if fits { ends[place + chars.len()] } else { None };
                }
            }
            Node::Concat(nodes) => {
                for node in nodes.iter().rev() {
                    self.first(node, ends)?;
                }
            }
            Node::Alternation(branches) => {
                let after = std::mem::replace(ends, vec![None; ends.len()]);
                for branch in branches {
                    let mut way = after.clone();
                    self.first(branch, &mut way)?;
                    prefer_former(ends, &way);
                }
            }
            Node::Run { unit, times } => self.first_run(unit, *times, ends)?,
            Node::Repeat { body, times } => self.first_repeat(body, *times, ends)?,
            // Conditions: the place itself, if it is one of those before which the node may stand.
            Node::Anchor(_) | Node::Look { .. } => {
                let mut places = self.memory.spare.pop().unwrap_or_default();
                places.fill(self.text.len());
                self.before(node, &mut places)?;
                for (place, end) in ends.iter_mut().enumerate() {
                    *end = end.filter(|_| places.contains(place));
                }
                self.memory.spare.push(places);
            }
            Node::Fixed { number, body, times } => {
                let own = self.ends_of(*number, body, *times)?;
                *ends = own.iter().map(|end| end.and_then(|end| ends[end as usize])).collect();
                self.memory.fixed[*number] = Some(own);
            }
            // Never made where the order counts.
            Node::Words(_) => return Err(OutOfSteps),
        }
        Ok(())
    }

    /// Of a character or set, tried from the longest run down or from the shortest up.
    fn first_run(&mut self, unit: &crate::engine::unit::Unit, times: Times, ends: &mut Ends) -> Result<(), OutOfSteps> {
        let min = times.min as usize;
        let most = times.max.map_or(usize::MAX, |max| max as usize);
        let fits = |place: usize| self.text.get(place).is_some_and(|&c| unit.fits(c));
        let mut steps = 0;
        for place in 0..ends.len() {
            let run = (place..).take_while(|&place| fits(place)).take(most).count();
            steps += run;
            let mut after = (min..=run).filter_map(|taken| ends[place + taken]);
            ends[place] = if times.lazy { after.next() } else { after.next_back() };
        }
        self.take(steps / 8)
    }

    /// Of something that takes at least one character a round.
    fn first_repeat(&mut self, body: &Node, times: Times, ends: &mut Ends) -> Result<(), OutOfSteps> {
        // There are no more rounds than characters.
        let rounds = |count: u32| (count as usize).min(ends.len());
        let (must, may) = (rounds(times.min), rounds(times.max.map_or(u32::MAX, |max| max - times.min)));
        let after = ends.clone();
        for _ in 0..may {
            let was = ends.clone();
            self.first(body, ends)?;
            if times.lazy {
                let round = std::mem::replace(ends, after.clone());
                prefer_former(ends, &round);
            } else {
                prefer_former(ends, &after);
            }
            if *ends == was {
                break;
            }
        }
        for _ in 0..must {
            self.first(body, ends)?;
        }
        if times.min as usize > must {
            ends.fill(None);
        }
        Ok(())
    }
}

/// Fills what has no end yet.
fn prefer_former(ends: &mut Ends, others: &Ends) {
    for (end, other) in ends.iter_mut().zip(others) {
        *end = end.or(*other);
    }
}

/// Where a possessive repetition ends that begins at a place, if each round takes one to the end that `once` says.
fn rounds(once: &Ends, mut place: u32, times: Times) -> Option<u32> {
    let mut count = 0;
    while times.max.is_none_or(|max| count < max) {
        match once[place as usize] {
            // A round that takes nothing may be repeated as often as is needed.
            Some(end) if end == place => return Some(place),
            Some(end) => place = end,
            None if count < times.min => return None,
            None => break,
        }
        count += 1;
    }
    Some(place)
}
