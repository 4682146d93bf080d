//! The IDs that findings are about, as terms: those of this server, and those of others.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::claimed;
use super::name::{Ids, Name};
use super::term::{ANY, Term, Terms};
use crate::homeserver::Homeserver;
use crate::matrix::{Kind, is_historical, is_registrable};

/// Remembers the languages of the IDs of one kind, for one server.
pub(super) fn define(terms: &mut Terms<'_>, kind: Kind, homeserver: &Homeserver) {
    let sigil = terms.char(kind.sigil());
    let server = terms.literal(&format!(":{}", homeserver.name));
    let printable = class_of(terms, is_historical);
    let historical = ids(terms, sigil, printable, server);
    let today = class_of(terms, |c| is_char_of_today(kind, c));
    let mut valid = ids(terms, sigil, today, server);
    if kind == Kind::Room {
        valid = with_hashes(terms, sigil, valid);
    }
    let somewhere = server_names(terms);
    let [remote, remote_historical] = [today, printable].map(|char| {
        let anywhere = ids(terms, sigil, char, somewhere);
        terms.without(anywhere, historical)
    });
    let all = all(terms, sigil, homeserver);
    let local = [(Ids::Valid, valid), (Ids::Historical, historical)];
    let remote = [(Ids::Remote, remote), (Ids::RemoteHistorical, remote_historical)];
    for (which, ids) in local.into_iter().chain(remote).chain([(Ids::All, all)]) {
        terms.remember(Name::Ids(kind, which), Some(ids));
    }
}

/// Whether a character may stand in the localpart of an ID that is made today, as far as that needs to be known to give
/// an example: an alias may hold anything but a colon and NUL.
pub(super) const fn is_char_of_today(kind: Kind, c: char) -> bool {
    match kind {
        Kind::User => is_registrable(c),
        Kind::Alias => is_historical(c),
        Kind::Room => c.is_ascii_alphanumeric(),
    }
}

pub(super) fn class_of<'a>(terms: &mut Terms<'a>, is_in: impl Fn(char) -> bool) -> Term<'a> {
    let chars = ('\0'..='\x7f').filter(|&c| is_in(c)).map(|c| ClassUnicodeRange::new(c, c));
    terms.class(&ClassUnicode::new(chars))
}

fn ids<'a>(terms: &mut Terms<'a>, sigil: Term<'a>, char: Term<'a>, server: Term<'a>) -> Term<'a> {
    let localpart = terms.repeat(char, 1, None);
    let rest = terms.concat(localpart, server);
    terms.concat(sigil, rest)
}

/// The aliases of this server without capitals, and without another sigil: as most people make them.
pub(super) fn plain_aliases<'a>(terms: &mut Terms<'a>, homeserver: &Homeserver) -> Term<'a> {
    let sigil = terms.char(Kind::Alias.sigil());
    let server = terms.literal(&format!(":{}", homeserver.name));
    let plain = class_of(terms, |c| is_historical(c) && !c.is_ascii_uppercase() && c != Kind::Alias.sigil());
    ids(terms, sigil, plain, server)
}

/// What begins with the sigil, for comparisons: see [`claimed`].
fn all<'a>(terms: &mut Terms<'a>, sigil: Term<'a>, homeserver: &Homeserver) -> Term<'a> {
    if !claimed::looks_anywhere(homeserver) {
        return terms.concat(sigil, ANY);
    }
    let another = terms.concat(sigil, ANY);
    let another = terms.concat(ANY, another);
    let rest = terms.not(another);
    terms.concat(sigil, rest)
}

/// A colon and any server name: a host, and perhaps a port.
fn server_names<'a>(terms: &mut Terms<'a>) -> Term<'a> {
    let outer = class_of(terms, |c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inner = class_of(terms, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-');
    let digit = class_of(terms, |c| c.is_ascii_digit());
    let colon = terms.char(':');
    let port = terms.repeat(digit, 1, Some(5));
    let port = terms.concat(colon, port);
    let port = terms.repeat(port, 0, Some(1));
    let rest = terms.repeat(inner, 0, None);
    let rest = terms.concat(rest, outer);
    let rest = terms.repeat(rest, 0, Some(1));
    let host = terms.concat(outer, rest);
    let name = terms.concat(host, port);
    terms.concat(colon, name)
}

/// Room IDs of newer versions are hashes of 43 characters (SHA-256 in URL-safe Base64), without a server.
fn with_hashes<'a>(terms: &mut Terms<'a>, sigil: Term<'a>, rooms: Term<'a>) -> Term<'a> {
    let char = class_of(terms, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let hash = terms.repeat(char, 43, Some(43));
    let hash = terms.concat(sigil, hash);
    terms.or([rooms, hash])
}
