use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock};

use regex_syntax::hir::ClassUnicode;

use super::charset::{Member, class};
use super::flags::Flags;
use crate::ast::{Ast, Case};
use crate::characters::Category;

/// So many sets of a pattern are remembered: few patterns hold more different ones.
const REMEMBERED: usize = 8;
/// So many ranges of characters are kept for one pattern, of eight bytes each: those of three thousand sets like `[\w.]`, no two the
/// same. A pattern of 250 kB has room for forty thousand, which would take 300 MB.
const MAX_RANGES: usize = 1 << 21;

/// Makes what matches one character. Equal sets are made once: a pattern of sixty thousand `[\w.]` is no reason to keep
/// as many copies of all letters, which take six kilobytes each.
#[derive(Default)]
pub(super) struct Atoms {
    /// Characters without regard to case, and whether to ASCII alone: to look up all their cases takes longer than all else.
    caseless: HashMap<(u32, bool), Ast>,
    recent: VecDeque<Arc<ClassUnicode>>,
    ranges: usize,
}

/// `.` and `.` under the flag `s`, which patterns have in common.
static ANY: LazyLock<[Arc<ClassUnicode>; 2]> = LazyLock::new(|| {
    let all_but = |members: &[Member]| Arc::new(class(members, true, Flags::default()));
    [all_but(&[Member::Literal(10)]), all_but(&[])]
});

/// `\d`, `\s` and `\w`, and what they leave out, which patterns have in common.
static CATEGORIES: LazyLock<HashMap<(Category, bool, bool), Arc<ClassUnicode>>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for category in [Category::Digit, Category::Space, Category::Word] {
        for (negated, ascii) in [(false, false), (false, true), (true, false), (true, true)] {
            let flags = Flags { ascii, ..Flags::default() };
            let class = class(&[Member::Category { category, negated }], false, flags);
            known.insert((category, negated, ascii), Arc::new(class));
        }
    }
    known
});

impl Atoms {
    /// One character; a set where more than one matches it or none can.
    pub(super) fn literal(&mut self, c: u32, flags: Flags) -> Ast {
        match char::from_u32(c) {
            Some(c) if !flags.ignore_case => Ast::Literal(c),
            _ if !flags.ignore_case => self.set(&[Member::Literal(c)], false, flags),
            _ => match self.caseless.get(&(c, flags.ascii)) {
                Some(known) => known.clone(),
                None => {
                    let ast = self.set(&[Member::Literal(c)], false, flags);
                    self.caseless.insert((c, flags.ascii), ast.clone());
                    ast
                }
            },
        }
    }

    /// A dot.
    pub(super) fn any(flags: Flags) -> Ast {
        Ast::Class(Arc::clone(&ANY[usize::from(flags.dot_all)]))
    }

    /// Whether the sets take more than is allowed. Whatever has been made since then stands for nothing.
    pub(super) const fn are_too_many(&self) -> bool {
        self.ranges > MAX_RANGES
    }

    /// A set; one of a single character is that character.
    pub(super) fn set(&mut self, members: &[Member], negated: bool, flags: Flags) -> Ast {
        if self.are_too_many() {
            return Self::any(flags);
        }
        if let [Member::Category { category, negated: without }] = *members
            && let Some(known) = CATEGORIES.get(&(category, without != negated, flags.ascii))
        {
            return Ast::Class(Arc::clone(known));
        }
        let class = class(members, negated, flags);
        match class.ranges() {
            [only] if only.start() == only.end() => Ast::Literal(only.start()),
            _ => Ast::Class(self.shared(class)),
        }
    }

    fn shared(&mut self, class: ClassUnicode) -> Arc<ClassUnicode> {
        if let Some(known) = self.recent.iter().find(|known| ***known == class) {
            return Arc::clone(known);
        }
        self.ranges += class.ranges().len();
        self.recent.truncate(REMEMBERED - 1);
        self.recent.push_front(Arc::new(class));
        Arc::clone(&self.recent[0])
    }
}

/// What a group has captured.
pub(super) const fn reference(group: u32, flags: Flags) -> Ast {
    let case = match (flags.ignore_case, flags.ascii) {
        (false, _) => Case::Sensitive,
        (true, true) => Case::InsensitiveAscii,
        (true, false) => Case::Insensitive,
    };
    Ast::Reference { group, case }
}

#[cfg(test)]
mod tests {
    use crate::{Pattern, PatternErrorKind};

    #[test]
    fn sets_that_take_all_memory_are_refused_and_equal_ones_do_not() {
        let set = |at: u32| format!(r"[\w{}]", char::from_u32(0x2190 + at).expect("an arrow"));
        let different: String = (0..4_000).map(set).collect();
        assert_eq!(Pattern::check(&different).map_err(|error| error.kind), Err(PatternErrorKind::TooManySets));
        assert_eq!(Pattern::check(&different[..different.len() / 2]), Ok(()));
        assert_eq!(Pattern::check(&set(1).repeat(3_000)), Ok(()));
    }
}
