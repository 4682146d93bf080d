use python_re::Folded;

/// A text that is asked about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'t> {
    /// As it is.
    pub(super) text: &'t str,
    /// The same without regard to case, where that does not matter.
    folded: Option<&'t Folded>,
}

impl<'t> Subject<'t> {
    pub(super) fn new(text: &'t str, folded: Option<&'t Folded>) -> Self {
        Self { text, folded }
    }

    /// The text in which prefixes and literals are looked for.
    pub(super) fn key(self) -> &'t str {
        self.folded.map_or(self.text, Folded::text)
    }

    /// Where in the text as it is a place of [`Subject::key`] is.
    pub(super) fn place(self, at: usize) -> usize {
        self.folded.map_or(at, |folded| folded.place(at))
    }

    /// The places of [`Subject::key`] behind the first that hold its sigil, too: where something may begin that begins with
    /// one and is looked for anywhere. Most IDs have none.
    pub(super) fn further_sigils(self) -> impl Iterator<Item = usize> {
        let key = self.key().as_bytes();
        let (sigil, rest) = key.split_first().map_or((0, &[][..]), |(sigil, rest)| (*sigil, rest));
        let rest = if rest.contains(&sigil) { rest } else { &[] };
        (1..).zip(rest).filter(move |(_, byte)| **byte == sigil).map(|(at, _)| at)
    }
}
