//! The IDs that findings are about.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::term::{ANY, Arena, Term};
use crate::matrix::{Kind, ServerName};

/// The languages of the IDs of one kind, for one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Universe {
    /// Local IDs as they can be made today.
    pub(super) valid: Term,
    /// Local IDs of printable ASCII, as old servers and lenient bridges have made them.
    pub(super) historical: Term,
    /// IDs of other servers.
    pub(super) remote: Term,
    /// Anything that begins with the sigil.
    pub(super) all: Term,
}

impl Universe {
    pub(super) fn new(arena: &mut Arena, kind: Kind, server_name: &ServerName) -> Self {
        let sigil = arena.char(kind.sigil());
        let server = arena.literal(&format!(":{server_name}"));
        let printable = arena.class(&ranges(&[('!', '9'), (';', '~')]));
        let historical = local(arena, sigil, printable, server);
        let today = match kind {
            Kind::User => ranges(&[
                ('a', 'z'),
                ('0', '9'),
                ('.', '.'),
                ('_', '_'),
                ('=', '='),
                ('/', '/'),
                ('+', '+'),
                ('-', '-'),
            ]),
            // An alias may hold anything but a colon and NUL.
            Kind::Alias => ranges(&[('!', '9'), (';', '~')]),
            Kind::Room => ranges(&[('a', 'z'), ('A', 'Z'), ('0', '9')]),
        };
        let today = arena.class(&today);
        let mut valid = local(arena, sigil, today, server);
        if kind == Kind::Room {
            valid = with_hashes(arena, sigil, valid);
        }
        let somewhere = server_names(arena);
        let anywhere = local(arena, sigil, today, somewhere);
        let elsewhere = arena.not(historical);
        let remote = arena.and([anywhere, elsewhere]);
        let all = arena.concat(sigil, ANY);
        Self { valid, historical, remote, all }
    }
}

fn local(arena: &mut Arena, sigil: Term, char: Term, server: Term) -> Term {
    let localpart = arena.repeat(char, 1, None);
    let rest = arena.concat(localpart, server);
    arena.concat(sigil, rest)
}

/// A colon and any server name: a host, and perhaps a port.
fn server_names(arena: &mut Arena) -> Term {
    let inner = arena.class(&ranges(&[('a', 'z'), ('0', '9'), ('.', '.'), ('-', '-')]));
    let outer = arena.class(&ranges(&[('a', 'z'), ('0', '9')]));
    let digit = arena.class(&ranges(&[('0', '9')]));
    let colon = arena.char(':');
    let port = arena.repeat(digit, 1, Some(5));
    let port = arena.concat(colon, port);
    let port = arena.repeat(port, 0, Some(1));
    let rest = arena.repeat(inner, 0, None);
    let rest = arena.concat(rest, outer);
    let rest = arena.repeat(rest, 0, Some(1));
    let host = arena.concat(outer, rest);
    let name = arena.concat(host, port);
    arena.concat(colon, name)
}

/// Room IDs of newer versions are hashes, without a server.
fn with_hashes(arena: &mut Arena, sigil: Term, rooms: Term) -> Term {
    let char = arena.class(&ranges(&[('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_'), ('-', '-')]));
    let hash = arena.repeat(char, 43, Some(43));
    let hash = arena.concat(sigil, hash);
    arena.or([rooms, hash])
}

fn ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(start, end)| ClassUnicodeRange::new(start, end)))
}
