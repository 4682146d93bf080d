use super::Memory;
use super::node::{Node, Times};
use super::places::Places;
use crate::engine::OutOfSteps;
use crate::engine::anchor::holds;
use crate::engine::unit::Unit;

/// One run over one text.
pub(super) struct Simulation<'a> {
    pub(super) text: &'a [char],
    pub(super) memory: &'a mut Memory,
    pub(super) steps: u32,
}

impl Simulation<'_> {
    /// Makes of the places at which what follows may begin those at which the node and what follows may.
    pub(super) fn before(&mut self, node: &Node, places: &mut Places) -> Result<(), OutOfSteps> {
        self.take(places.words())?;
        match node {
            Node::Empty => {}
            Node::Unit(unit) => self.one(unit, places),
            Node::Literal(chars) => {
                places.move_back(chars.len());
                let text = self.text;
                places.retain(|place| text[place..].starts_with(chars));
            }
            Node::Anchor(anchor) => {
                let text = self.text;
                places.retain(|place| holds(*anchor, text, place));
            }
            Node::Concat(nodes) => {
                for node in nodes.iter().rev() {
                    if places.is_empty() {
                        break;
                    }
                    self.before(node, places)?;
                }
            }
            Node::Alternation(branches) => {
                let ends = self.copy(places);
                places.reset(self.text.len());
                for branch in branches {
                    let mut begins = self.copy(&ends);
                    self.before(branch, &mut begins)?;
                    places.add(&begins);
                    self.memory.spare.push(begins);
                }
                self.memory.spare.push(ends);
            }
            Node::Words(words) => {
                let ends = self.copy(places);
                places.reset(self.text.len());
                let steps = words.before(self.text, &ends, places);
                self.memory.spare.push(ends);
                self.take(steps)?;
            }
            Node::Run { unit, times } => self.run(unit, *times, places)?,
            Node::Repeat { body, times } => self.repeat(body, *times, places)?,
            Node::Look { number, negated, behind, body } => {
                let found = self.look(*number, *behind, body)?;
                match negated {
                    true => places.remove(&found),
                    false => places.retain(|place| found.contains(place)),
                }
                self.memory.looks[*number] = Some(found);
            }
            Node::Fixed { number, body, times } => {
                let after = self.ends_of(*number, body, *times)?;
                let ends = self.copy(places);
                places.reset(self.text.len());
                for (place, end) in after.iter().enumerate() {
                    if end.is_some_and(|end| ends.contains(end as usize)) {
                        places.insert(place);
                    }
                }
                self.memory.spare.push(ends);
                self.memory.fixed[*number] = Some(after);
            }
        }
        Ok(())
    }

    /// Counts steps: one for each node that is passed and each word of a set.
    pub(super) fn take(&mut self, steps: usize) -> Result<(), OutOfSteps> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(OutOfSteps)?;
        Ok(())
    }

    pub(super) fn copy(&mut self, places: &Places) -> Places {
        let mut copy = self.memory.spare.pop().unwrap_or_default();
        copy.copy_from(places);
        copy
    }

    fn one(&self, unit: &Unit, places: &mut Places) {
        places.move_back(1);
        let text = self.text;
        places.retain(|place| unit.fits(text[place]));
    }

    /// From the right to the left: how many characters from here on fit, and where the nearest end is that is far
    /// enough away.
    fn run(&mut self, unit: &Unit, times: Times, places: &mut Places) -> Result<(), OutOfSteps> {
        let Some(last) = places.last() else { return Ok(()) };
        self.take(last / 8)?;
        let ends = self.copy(places);
        places.reset(self.text.len());
        let min = times.min as usize;
        let max = times.max.map_or(usize::MAX, |max| max as usize);
        let mut fitting = 0;
        let mut nearest = None;
        for place in (0..=last).rev() {
            fitting = if place < last && unit.fits(self.text[place]) { fitting + 1 } else { 0 };
            if let Some(end) = place.checked_add(min).filter(|&end| ends.contains(end)) {
                nearest = Some(end);
            }
            if nearest.is_some_and(|end| end >= place + min && end - place <= fitting.min(max)) {
                places.insert(place);
            }
        }
        self.memory.spare.push(ends);
        Ok(())
    }

    fn repeat(&mut self, body: &Node, times: Times, places: &mut Places) -> Result<(), OutOfSteps> {
        let mut left = times.max.map(|max| max - times.min);
        // Those that the latest round has added; of the others all has been said.
        let mut new = self.copy(places);
        while left != Some(0) {
            self.before(body, &mut new)?;
            new.remove(places);
            if new.is_empty() {
                break;
            }
            places.add(&new);
            left = left.map(|left| left - 1);
        }
        // After at most one round more than there are places nothing changes any more: see the essay.
        for _ in 0..times.min {
            new.copy_from(places);
            self.before(body, places)?;
            if *places == new {
                break;
            }
        }
        self.memory.spare.push(new);
        Ok(())
    }

    /// The places at which the body of a look-around matches; those of each are found once for a text.
    fn look(&mut self, number: usize, behind: Option<u32>, body: &Node) -> Result<Places, OutOfSteps> {
        if let Some(known) = self.memory.looks[number].take() {
            return Ok(known);
        }
        let chars = self.text.len();
        let mut found = self.memory.spare.pop().unwrap_or_default();
        found.fill(chars);
        self.before(body, &mut found)?;
        if let Some(behind) = behind {
            let starts = self.copy(&found);
            found.reset(chars);
            let ends = starts.iter().map(|start| start + behind as usize).filter(|&end| end <= chars);
            ends.for_each(|end| found.insert(end));
            self.memory.spare.push(starts);
        }
        Ok(found)
    }
}
