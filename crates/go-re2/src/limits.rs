//! When an expression is too large or too deep.
//!
//! Go looks at the size only when the number of nodes times the product of all repetitions is large, and at the depth
//! only when there are a thousand nodes; then it remembers what it has reckoned for each node, and forgets it neither when the
//! node is changed nor, for sizes, when it is used again. All of that decides about expressions that somebody can write
//! (`x` four thousand times, repeated a thousand times, is too large, and with a `y` behind it it is not), so it is done
//! here as it is there.

use std::collections::HashMap;

use crate::error::ErrorKind;
use crate::node::{Arena, Id, Op};

/// Levels of the tree.
const MAX_HEIGHT: usize = 1_000;
/// Instructions of forty bytes each in 128 MiB.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// Code points of four bytes each in 128 MiB.
const MAX_RUNES: usize = (128 << 20) / 4;

#[derive(Debug)]
pub(crate) struct Limits {
    /// Code points in literals and classes that have been put on the stack, again whenever they are.
    pub(crate) runes: usize,
    /// The product of all repetitions so far.
    repeats: u64,
    sizes: Option<HashMap<Id, u64>>,
    heights: Option<HashMap<Id, usize>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runes: 0, repeats: 1, sizes: None, heights: None }
    }
}

impl Limits {
    /// Looks at a node that has been made or changed.
    pub(crate) fn check(&mut self, arena: &Arena, stack: &[Id], id: Id) -> Result<(), ErrorKind> {
        if self.runes > MAX_RUNES {
            return Err(ErrorKind::Large);
        }
        self.check_size(arena, stack, id)?;
        self.check_height(arena, stack, id)
    }

    /// Forgets the height of a node that is no longer one.
    pub(crate) fn freed(&mut self, id: Id) {
        if let Some(heights) = &mut self.heights {
            heights.remove(&id);
        }
    }

    fn check_size(&mut self, arena: &Arena, stack: &[Id], id: Id) -> Result<(), ErrorKind> {
        if self.sizes.is_none() {
            let node = &arena[id];
            if node.op == Op::Repeat {
                let times = u64::from(node.max.unwrap_or(node.min).max(1));
                self.repeats = if times > MAX_SIZE / self.repeats { MAX_SIZE } else { self.repeats * times };
            }
            if (arena.len() as u64) < MAX_SIZE / self.repeats {
                return Ok(());
            }
            self.sizes = Some(HashMap::new());
            stack.iter().try_for_each(|&id| self.within_size(arena, id))?;
        }
        self.within_size(arena, id)
    }

    fn within_size(&mut self, arena: &Arena, id: Id) -> Result<(), ErrorKind> {
        let sizes = self.sizes.get_or_insert_default();
        if size(arena, sizes, id) > MAX_SIZE { Err(ErrorKind::Large) } else { Ok(()) }
    }

    fn check_height(&mut self, arena: &Arena, stack: &[Id], id: Id) -> Result<(), ErrorKind> {
        if arena.len() < MAX_HEIGHT {
            return Ok(());
        }
        if self.heights.is_none() {
            self.heights = Some(HashMap::new());
            stack.iter().try_for_each(|&id| self.within_height(arena, id))?;
        }
        self.within_height(arena, id)
    }

    fn within_height(&mut self, arena: &Arena, id: Id) -> Result<(), ErrorKind> {
        let heights = self.heights.get_or_insert_default();
        if height(arena, heights, id) > MAX_HEIGHT { Err(ErrorKind::NestingDepth) } else { Ok(()) }
    }
}

/// How many instructions a node takes, about; what has been reckoned of its parts before is taken as it was.
fn size(arena: &Arena, known: &mut HashMap<Id, u64>, id: Id) -> u64 {
    let node = &arena[id];
    let mut sum = 0;
    for &sub in &node.subs {
        sum += match known.get(&sub) {
            Some(&size) => size,
            None => size(arena, known, sub),
        };
    }
    let size = match node.op {
        Op::Literal => node.literal.len() as u64,
        Op::Capture | Op::Star => 2 + sum,
        Op::Plus | Op::Quest => 1 + sum,
        Op::Concat => sum,
        Op::Alternate => sum + (node.subs.len() as u64).saturating_sub(1),
        Op::Repeat => match (node.min, node.max) {
            (0, None) => 2 + sum,
            (min, None) => 1 + u64::from(min) * sum,
            (min, Some(max)) => u64::from(max) * sum + u64::from(max) - u64::from(min),
        },
        _ => 0,
    };
    known.insert(id, size.max(1));
    size.max(1)
}

/// How many levels a node has.
fn height(arena: &Arena, known: &mut HashMap<Id, usize>, id: Id) -> usize {
    let mut most = 1;
    for &sub in &arena[id].subs {
        let below = match known.get(&sub) {
            Some(&height) => height,
            None => height(arena, known, sub),
        };
        most = most.max(1 + below);
    }
    known.insert(id, most);
    most
}

/// Whether a repetition, with those within it, makes no more copies of anything than this.
pub(crate) fn repeats_at_most(arena: &Arena, id: Id, mut copies: u32) -> bool {
    let node = &arena[id];
    if node.op == Op::Repeat {
        let times = match node.max {
            Some(0) => return true,
            Some(max) => max,
            None => node.min,
        };
        if times > copies {
            return false;
        }
        copies /= times.max(1);
    }
    node.subs.iter().all(|&sub| repeats_at_most(arena, sub, copies))
}
