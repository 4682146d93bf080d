use std::collections::HashMap;

use super::tokens::{Result, Tokens};
use super::width::Width;
use crate::error::{PatternError, PatternErrorKind};

/// Groups have numbers below this.
pub(super) const MAX_GROUPS: u32 = 1_073_741_823;

/// What the parser knows of the groups it has met.
pub(super) struct Groups {
    /// By number, from 0, which stands for the whole pattern; `None` while a group is open.
    widths: Vec<Option<Width>>,
    names: HashMap<String, u32>,
    /// In the outermost look-behind that is open: how many groups there were when it began.
    before_look_behind: Option<u32>,
    /// The groups that conditionals ask about by number, and where.
    asked: Vec<(u32, usize)>,
}

impl Groups {
    pub(super) fn new() -> Self {
        Self { widths: vec![None], names: HashMap::new(), before_look_behind: None, asked: Vec::new() }
    }

    /// How many there are, the whole pattern included.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.widths.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn named(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// The width of a group; `None` if it is open or not there.
    pub(super) fn width(&self, group: u32) -> Option<Width> {
        self.widths.get(group as usize).copied().flatten()
    }

    pub(super) fn open(&mut self, name: Option<&str>, tokens: &Tokens) -> Result<u32> {
        let group = self.count();
        self.widths.push(None);
        if let Some(name) = name {
            if let Some(former) = self.names.get(name) {
                let kind = PatternErrorKind::RedefinedGroup { name: name.to_owned(), group, former: *former };
                return Err(tokens.error(kind, name.chars().count() + 1));
            }
            self.names.insert(name.to_owned(), group);
        }
        Ok(group)
    }

    pub(super) fn close(&mut self, group: u32, width: Width) {
        self.widths[group as usize] = Some(width);
    }

    /// Enters a look-behind; what this returns is for [`Groups::leave_look_behind`].
    pub(super) fn enter_look_behind(&mut self) -> bool {
        let outermost = self.before_look_behind.is_none();
        if outermost {
            self.before_look_behind = Some(self.count());
        }
        outermost
    }

    pub(super) fn leave_look_behind(&mut self, outermost: bool) {
        if outermost {
            self.before_look_behind = None;
        }
    }

    /// Within a look-behind, only groups from before it can be referred to.
    pub(super) fn check_look_behind(&self, group: u32, tokens: &Tokens) -> Result<()> {
        let Some(before) = self.before_look_behind else { return Ok(()) };
        if self.width(group).is_none() {
            return Err(tokens.error(PatternErrorKind::OpenGroupReference, 0));
        }
        if group >= before {
            return Err(tokens.error(PatternErrorKind::LookBehindGroupReference, 0));
        }
        Ok(())
    }

    /// Remembers that a conditional asks about a group, which may come later in the pattern.
    pub(super) fn ask(&mut self, group: u32, position: usize) {
        if !self.asked.iter().any(|&(known, _)| known == group) {
            self.asked.push((group, position));
        }
    }

    /// At the end of the pattern: every group that was asked about must be there.
    pub(super) fn check_asked(&self) -> Result<()> {
        match self.asked.iter().find(|&&(group, _)| group >= self.count()) {
            Some(&(group, position)) => {
                Err(PatternError::at(position, PatternErrorKind::InvalidGroupReference(group.to_string())))
            }
            None => Ok(()),
        }
    }
}
