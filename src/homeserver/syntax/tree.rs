//! From regex-syntax's expressions, which Rust's and Go's syntaxes come to, to the trees that index and analysis take.

use std::sync::{Arc, LazyLock};

use python_re::{Anchor, Ast, Look, Mode, Repeat};
use regex_syntax::hir::{self, Class, ClassBytes, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// The tree that matches what the expression does. `None` if that is not a matter of characters: such an expression
/// matches within the encoding of one, and none that is read for a `str` does.
pub(super) fn tree(hir: &Hir) -> Option<Ast> {
    Some(match hir.kind() {
        HirKind::Empty => Ast::Empty,
        HirKind::Literal(literal) => one_or_all(std::str::from_utf8(&literal.0).ok()?.chars().map(Ast::Literal)),
        HirKind::Class(Class::Unicode(class)) => Ast::Class(Arc::new(class.clone())),
        HirKind::Class(Class::Bytes(class)) => Ast::Class(Arc::new(of_ascii(class)?)),
        HirKind::Look(look) => place(*look),
        HirKind::Repetition(repetition) => Ast::Repeat(Box::new(Repeat {
            min: repetition.min,
            max: repetition.max,
            mode: if repetition.greedy { Mode::Greedy } else { Mode::Lazy },
            body: tree(&repetition.sub)?,
        })),
        // What a group has captured bears on nothing here.
        HirKind::Capture(capture) => tree(&capture.sub)?,
        HirKind::Concat(items) => Ast::Concat(items.iter().map(tree).collect::<Option<_>>()?),
        HirKind::Alternation(branches) => Ast::Alternation(branches.iter().map(tree).collect::<Option<_>>()?),
    })
}

fn one_or_all(items: impl Iterator<Item = Ast>) -> Ast {
    let mut items: Vec<Ast> = items.collect();
    if items.len() == 1 { items.remove(0) } else { Ast::Concat(items) }
}

fn of_ascii(class: &ClassBytes) -> Option<ClassUnicode> {
    let range = |range: &hir::ClassBytesRange| ClassUnicodeRange::new(range.start().into(), range.end().into());
    class.is_ascii().then(|| ClassUnicode::new(class.iter().map(range)))
}

/// A place between characters. What no anchor of the tree says is put as what stands on either side of it.
fn place(look: hir::Look) -> Ast {
    let boundary = |negated| Ast::Anchor(Anchor::WordBoundary { negated, ascii: true });
    let [ascii, words] = [&*ASCII_WORDS, &*WORDS];
    match look {
        hir::Look::Start => Ast::Anchor(Anchor::Start),
        hir::Look::End => Ast::Anchor(Anchor::End),
        hir::Look::StartLF => Ast::Anchor(Anchor::StartLine),
        hir::Look::EndLF => Ast::Anchor(Anchor::EndLine),
        // Between a carriage return and its line feed no line starts or ends.
        hir::Look::StartCRLF => Ast::Alternation(vec![
            Ast::Anchor(Anchor::Start),
            behind('\n'),
            Ast::Concat(vec![behind('\r'), not(ahead('\n'))]),
        ]),
        hir::Look::EndCRLF => Ast::Alternation(vec![
            Ast::Anchor(Anchor::End),
            ahead('\r'),
            Ast::Concat(vec![ahead('\n'), not(behind('\r'))]),
        ]),
        hir::Look::WordAscii => boundary(false),
        hir::Look::WordAsciiNegate => boundary(true),
        hir::Look::WordUnicode => either([after(words), not(before(words))], [not(after(words)), before(words)]),
        hir::Look::WordUnicodeNegate => either([after(words), before(words)], [not(after(words)), not(before(words))]),
        hir::Look::WordStartAscii => Ast::Concat(vec![not(after(ascii)), before(ascii)]),
        hir::Look::WordEndAscii => Ast::Concat(vec![after(ascii), not(before(ascii))]),
        hir::Look::WordStartUnicode => Ast::Concat(vec![not(after(words)), before(words)]),
        hir::Look::WordEndUnicode => Ast::Concat(vec![after(words), not(before(words))]),
        hir::Look::WordStartHalfAscii => not(after(ascii)),
        hir::Look::WordEndHalfAscii => not(before(ascii)),
        hir::Look::WordStartHalfUnicode => not(after(words)),
        hir::Look::WordEndHalfUnicode => not(before(words)),
    }
}

/// What `\w` is, as Unicode's annex on regular expressions says: not quite what it is in Python.
static WORDS: LazyLock<Arc<ClassUnicode>> = LazyLock::new(|| words(r"\w"));
static ASCII_WORDS: LazyLock<Arc<ClassUnicode>> = LazyLock::new(|| words("[0-9A-Za-z_]"));

fn words(class: &str) -> Arc<ClassUnicode> {
    let parsed = regex_syntax::parse(class).expect("a class of characters");
    match parsed.kind() {
        HirKind::Class(Class::Unicode(class)) => Arc::new(class.clone()),
        other => unreachable!("a class of characters, and not {other:?}"),
    }
}

fn either(one: [Ast; 2], other: [Ast; 2]) -> Ast {
    Ast::Alternation(vec![Ast::Concat(one.into()), Ast::Concat(other.into())])
}

/// Behind one of these.
fn after(class: &Arc<ClassUnicode>) -> Ast {
    look(Some(1), Ast::Class(Arc::clone(class)))
}

/// Before one of these.
fn before(class: &Arc<ClassUnicode>) -> Ast {
    look(None, Ast::Class(Arc::clone(class)))
}

fn behind(c: char) -> Ast {
    look(Some(1), Ast::Literal(c))
}

fn ahead(c: char) -> Ast {
    look(None, Ast::Literal(c))
}

fn look(behind: Option<u32>, body: Ast) -> Ast {
    Ast::Look(Box::new(Look { negated: false, behind, body }))
}

fn not(look: Ast) -> Ast {
    match look {
        Ast::Look(look) => Ast::Look(Box::new(Look { negated: !look.negated, ..*look })),
        other => unreachable!("what is negated looks around, and is not {other:?}"),
    }
}
