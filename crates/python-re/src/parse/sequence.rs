//! What stands between two bars, while it is parsed.

use super::parser::{Item, ItemKind, Sized};
use super::piece::Piece;
use super::width::Width;
use crate::ast::{Ast, Mode, Repeat};

/// Items one after the other, in the lists that are wanted of them in the end: to keep each item as a whole, and to take all apart
/// again, took half as long again for all that a pattern of 30 characters takes.
pub(super) struct Sequence {
    asts: Vec<Ast>,
    /// Without groups that are none to Python: these stand for the items that they hold.
    pieces: Vec<Piece>,
    /// How many characters all but the last take.
    width: Width,
    last: Option<Last>,
}

/// What is asked of the last item, which a quantifier may yet be about.
#[derive(Clone, Copy)]
struct Last {
    kind: ItemKind,
    width: Width,
    /// Where its pieces begin.
    pieces: usize,
}

impl Sequence {
    /// None yet, and room for so many.
    pub(super) fn with_room(items: usize) -> Self {
        let (asts, pieces) = (Vec::with_capacity(items), Vec::with_capacity(items));
        Self { asts, pieces, width: Width::ZERO, last: None }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub(super) fn push(&mut self, item: Item) {
        let Item { kind, ast, piece, width } = item;
        self.width = self.all();
        self.last = Some(Last { kind, width, pieces: self.pieces.len() });
        self.asts.push(ast);
        match piece {
            Piece::Several(pieces) => self.pieces.extend(pieces),
            piece => self.pieces.push(piece),
        }
    }

    /// What the last item is.
    pub(super) fn last_kind(&self) -> Option<ItemKind> {
        self.last.map(|last| last.kind)
    }

    /// The last item again and again, at least and at most so many times.
    pub(super) fn repeat_last(&mut self, (min, max): (u32, Option<u32>), mode: Mode) {
        let (Some(last), Some(ast)) = (&mut self.last, self.asts.last_mut()) else { return };
        let body = std::mem::replace(ast, Ast::Empty);
        *ast = Ast::Repeat(Box::new(Repeat { min, max, mode, body }));
        last.width = last.width.repeated(min, max);
        last.kind = ItemKind::Repeat;
        self.pieces.truncate(last.pieces);
        self.pieces.push(Piece::Other);
    }

    /// How many characters all take.
    fn all(&self) -> Width {
        self.last.map_or(self.width, |last| self.width.then(last.width))
    }

    pub(super) fn finish(mut self) -> Sized {
        let width = self.all();
        let ast = match self.asts.len() {
            0 => Ast::Empty,
            1 => self.asts.swap_remove(0),
            _ => Ast::Concat(self.asts),
        };
        Sized { ast, pieces: self.pieces, width }
    }
}
