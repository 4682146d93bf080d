/// A release of PyYAML, where releases differ: in what they make of [merge keys](crate#merge-keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Release {
    /// 6.0.3, and those before it as far as merge keys go: of several mappings that are merged the first wins.
    V6_0_3,
    /// 6.0.4: the last wins, but for keys of one character.
    V6_0_4,
}

impl Release {
    /// All that are told apart, in order.
    pub const ALL: [Self; 2] = [Self::V6_0_3, Self::V6_0_4];

    /// The number, such as `6.0.3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V6_0_3 => "6.0.3",
            Self::V6_0_4 => "6.0.4",
        }
    }
}
