use super::position::ServicePos;
use crate::list::List;
use crate::registration::Registration;

/// What two sets have in common at the beginning and at the end, each registration being the very same in both.
///
/// Where one of a million has changed, all else is that, and nothing is to be done for it: what follows from a change is
/// looked for in between.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    before: usize,
    after: usize,
    ahead: usize,
    behind: usize,
}

impl Common {
    /// Compares two lists, pointer by pointer where they are not one and the same.
    #[must_use]
    pub fn of(before: &List<Registration>, after: &List<Registration>) -> Self {
        let (ahead, behind) = before.common_ends(after, Registration::ptr_eq);
        Self { before: before.len(), after: after.len(), ahead, behind }
    }

    /// Where the registrations stand in the first list that are in between.
    #[must_use]
    pub const fn gone(&self) -> std::ops::Range<usize> {
        self.ahead..self.before - self.behind
    }

    /// Where the registrations stand in the second list that are in between.
    #[must_use]
    pub const fn come(&self) -> std::ops::Range<usize> {
        self.ahead..self.after - self.behind
    }

    /// Whether all of the first list is in the second, at the same place.
    #[must_use]
    pub const fn is_all_in_place(&self) -> bool {
        self.gone().start == self.gone().end && !self.moves_some()
    }

    /// Whether some stand elsewhere in the second list.
    #[must_use]
    pub const fn moves_some(&self) -> bool {
        self.behind > 0 && self.before != self.after
    }

    /// Where what stands at a place of the first list stands in the second; `None` if it is in between.
    #[must_use]
    #[inline]
    pub fn now(&self, at: ServicePos) -> Option<ServicePos> {
        let place = at.index();
        if place < self.ahead {
            Some(at)
        } else if place < self.before - self.behind {
            None
        } else {
            Some(ServicePos::new(self.after - (self.before - place)))
        }
    }
}
