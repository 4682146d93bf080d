/// What the file system says about a registration's file, apart from its bytes.
///
/// It changes without the bytes changing, so it stands beside the [`super::Registration`] and not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Who may read and write it, as in `st_mode`; `None` where that is not known.
    pub mode: Option<u32>,
}

impl FileFacts {
    /// Whether every user of the machine can read it.
    #[must_use]
    pub fn is_readable_by_all(self) -> bool {
        const BY_OTHERS: u32 = 0o004;
        self.mode.is_some_and(|mode| mode & BY_OTHERS != 0)
    }
}
