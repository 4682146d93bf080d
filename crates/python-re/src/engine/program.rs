use super::unit::Unit;
use crate::ast::{Anchor, Ast, Case, Mode};

/// Where in a program.
pub(super) type Address = usize;

/// A pattern as instructions for the backtracking matcher.
///
/// They are laid out so that what comes next stands next: only a choice, a loop and what is skipped name addresses.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) groups: u32,
    /// The groups that anybody asks about, each once.
    pub(super) asked: Vec<usize>,
}

/// How often, and which number first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) lazy: bool,
}

#[derive(Debug)]
pub(super) enum Instruction {
    /// Takes one character.
    One(Unit),
    /// Takes one character again and again.
    Many { unit: Unit, times: Times },
    /// Holds at the place or fails.
    Anchor(Anchor),
    /// Takes what a group has captured.
    Reference { group: u32, case: Case },
    /// Notes the place: twice the group's number from zero for its start, one more for its end.
    Mark(usize),
    /// Goes on at the first of these that leads to a match.
    Choice(Vec<Address>),
    /// Goes on elsewhere.
    Jump(Address),
    /// Goes on next if a group has captured, else elsewhere.
    IfCaptured { group: u32, otherwise: Address },
    /// Begins a loop whose body stands next; goes on at its [`Instruction::Until`].
    Repeat { until: Address },
    /// Ends the body of a loop: once more, or on.
    Until { body: Address, times: Times },
    /// A body of its own stands next, up to its [`Instruction::Succeed`]; then, from the same place, at `then`.
    Look { negated: bool, behind: Option<u32>, then: Address },
    /// A body of its own stands next; the first way it matches is the only one.
    Atomic { then: Address },
    /// The same, again and again, as often as it goes.
    Possessive { times: Times, then: Address },
    /// A body of its own, or the pattern, has matched.
    Succeed,
}

impl Instruction {
    fn memory_usage(&self) -> usize {
        match self {
            Self::One(unit) | Self::Many { unit, .. } => unit.memory_usage(),
            Self::Choice(starts) => starts.capacity() * size_of::<Address>(),
            _ => 0,
        }
    }
}

impl Program {
    pub(super) fn new(ast: &Ast, groups: u32) -> Self {
        let mut program = Self { instructions: Vec::new(), groups, asked: Vec::new() };
        program.add(ast);
        program.asked.sort_unstable();
        program.asked.dedup();
        program.push(Instruction::Succeed);
        program
    }

    pub(super) fn memory_usage(&self) -> usize {
        let within: usize = self.instructions.iter().map(Instruction::memory_usage).sum();
        self.instructions.capacity() * size_of::<Instruction>() + within
    }

    fn push(&mut self, instruction: Instruction) -> Address {
        self.instructions.push(instruction);
        self.next() - 1
    }

    const fn next(&self) -> Address {
        self.instructions.len()
    }

    fn add(&mut self, ast: &Ast) {
        match ast {
            Ast::Empty => {}
            Ast::Literal(_) | Ast::Class(_) => {
                if let Some(unit) = Unit::of(ast) {
                    self.push(Instruction::One(unit));
                }
            }
            Ast::Anchor(anchor) => {
                self.push(Instruction::Anchor(*anchor));
            }
            Ast::Concat(items) => items.iter().for_each(|item| self.add(item)),
            Ast::Alternation(items) => self.choice(items),
            Ast::Repeat(repeat) => {
                let max = repeat.max.unwrap_or(u32::MAX);
                let times = Times { min: repeat.min, max, lazy: repeat.mode == Mode::Lazy };
                match (repeat.mode, Unit::of(&repeat.body)) {
                    (Mode::Possessive, _) => {
                        self.body(&repeat.body, |then| Instruction::Possessive { times, then });
                    }
                    (_, Some(unit)) => {
                        self.push(Instruction::Many { unit, times });
                    }
                    (_, None) => self.repeat(&repeat.body, times),
                }
            }
            Ast::Group(group, body) => {
                let mark = (*group as usize - 1) * 2;
                self.push(Instruction::Mark(mark));
                self.add(body);
                self.push(Instruction::Mark(mark + 1));
            }
            Ast::Reference { group, case } => {
                self.asked.push(*group as usize);
                self.push(Instruction::Reference { group: *group, case: *case });
            }
            Ast::Conditional { group, yes, no } => self.conditional(*group, yes, no),
            Ast::Look(look) => {
                let (negated, behind) = (look.negated, look.behind);
                self.body(&look.body, |then| Instruction::Look { negated, behind, then });
            }
            Ast::Atomic(body) => self.body(body, |then| Instruction::Atomic { then }),
        }
    }

    fn choice(&mut self, items: &[Ast]) {
        let choice = self.push(Instruction::Choice(Vec::new()));
        let mut starts = Vec::with_capacity(items.len());
        let mut jumps = Vec::with_capacity(items.len());
        for item in items {
            starts.push(self.next());
            self.add(item);
            jumps.push(self.push(Instruction::Jump(0)));
        }
        let end = self.next();
        for jump in jumps {
            self.instructions[jump] = Instruction::Jump(end);
        }
        self.instructions[choice] = Instruction::Choice(starts);
    }

    fn repeat(&mut self, body: &Ast, times: Times) {
        let repeat = self.push(Instruction::Repeat { until: 0 });
        self.add(body);
        let until = self.push(Instruction::Until { body: repeat + 1, times });
        self.instructions[repeat] = Instruction::Repeat { until };
    }

    fn conditional(&mut self, group: u32, yes: &Ast, no: &Ast) {
        self.asked.push(group as usize);
        let condition = self.push(Instruction::Succeed);
        self.add(yes);
        let jump = self.push(Instruction::Succeed);
        self.instructions[condition] = Instruction::IfCaptured { group, otherwise: self.next() };
        self.add(no);
        self.instructions[jump] = Instruction::Jump(self.next());
    }

    /// A body that is run by itself, behind the instruction that runs it.
    fn body(&mut self, body: &Ast, runs: impl FnOnce(Address) -> Instruction) {
        let at = self.push(Instruction::Succeed);
        self.add(body);
        self.push(Instruction::Succeed);
        self.instructions[at] = runs(self.next());
    }
}
