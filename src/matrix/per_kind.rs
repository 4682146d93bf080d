use std::ops::{Index, IndexMut};

use super::Kind;

/// One value for each kind of ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerKind<T>([T; Kind::ALL.len()]);

impl<T> PerKind<T> {
    /// The values that a function gives to each kind.
    pub fn new(value_of: impl FnMut(Kind) -> T) -> Self {
        Self(Kind::ALL.map(value_of))
    }

    /// The same value for each kind.
    #[must_use]
    pub const fn all(value: T) -> Self
    where
        T: Copy,
    {
        Self([value; Kind::ALL.len()])
    }

    /// The same with another value for one kind.
    #[must_use]
    pub const fn with(self, kind: Kind, value: T) -> Self
    where
        T: Copy,
    {
        let [user, alias, room] = self.0;
        match kind {
            Kind::User => Self([value, alias, room]),
            Kind::Alias => Self([user, value, room]),
            Kind::Room => Self([user, alias, value]),
        }
    }

    /// Each kind with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &T)> {
        Kind::ALL.into_iter().zip(&self.0)
    }

    /// The values, in the order of [`Kind::ALL`].
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T> Index<Kind> for PerKind<T> {
    type Output = T;

    fn index(&self, kind: Kind) -> &T {
        let [user, alias, room] = &self.0;
        match kind {
            Kind::User => user,
            Kind::Alias => alias,
            Kind::Room => room,
        }
    }
}

impl<T> IndexMut<Kind> for PerKind<T> {
    fn index_mut(&mut self, kind: Kind) -> &mut T {
        let [user, alias, room] = &mut self.0;
        match kind {
            Kind::User => user,
            Kind::Alias => alias,
            Kind::Room => room,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own() {
        let mut names = PerKind::new(Kind::list);
        assert!(names.iter().all(|(kind, name)| *name == kind.list() && names[kind] == *name));
        names[Kind::Alias] = "x";
        assert_eq!(names.values().copied().collect::<Vec<_>>(), ["users", "x", "rooms"]);
    }
}
