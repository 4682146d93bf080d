//! The names that services hold exclusively, for neighbours that keep a list of reserved names by hand.
//!
//! # What is asked
//!
//! Other software knows localparts, no claims: the Matrix Authentication Service takes lists of names, beginnings and
//! regexes that nobody may register, an admin's page takes regexes of users to be left alone. So what is asked of each
//! exclusive entry is a *quotient*: the localparts `u` for which `@u:server` is in what the entry claims. `@irc_.*` gives all
//! that begin with `irc_`; so does `@irc_.*:example\.com`, and `@irc_.+:example\.com` all but `irc_` itself.
//!
//! # From an entry to a form
//!
//! 1. What of an entry counts is its language without those of the *shared* entries before it in the precedence. What an
//!    exclusive one before it takes is exclusive all the same, so it need not be left out, and `@irc_.*` stays a prefix
//!    although the bridge's own `@irc_bot` stands before it.
//! 2. The terms are walked by the characters that a localpart may have ([`automaton`]); a state accepts if `:server` leads
//!    from it to the end of a text in the language. That is the quotient, as an automaton of finitely many states.
//! 3. It is put in the simplest way that says it: names and beginnings one by one, if they are few; a suffix; a substring;
//!    else a regex ([`expression`]).
//! 4. **What was found is not believed.** The form is read again as its reader will read it, a regex by Go's grammar, and
//!    held against the entry on the terms: no ID of this server is in the one and not in the other. Steps 2 and 3 may be as
//!    clever as they like; what they get wrong is not told.
//!
//! What no form says (a regex that remembers its groups, one whose automaton is too large) is *inexact*: it is named, with
//! the reason, and left out, since a list that refuses what nobody holds is as wrong as one that lets pass what somebody
//! does.

mod automaton;
mod expression;
mod form;
mod letters;
mod proof;

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

pub use form::{Form, Told};

use automaton::Automaton;
use expression::Expression;
use letters::Letters;

use super::Deadline;
use super::examiner::{Examiner, Pass};
use super::search::LimitReached;
use super::term::Term;
use crate::matrix::Kind;
use crate::registration::Registration;
use crate::ruling::Services;

/// So many names and beginnings are listed for one entry instead of a regex. Of 217 real namespaces those that come to more
/// than one come to two; eight are still read faster than a class of characters.
const MAX_SPELLED: usize = 8;
/// No regex is longer, in characters. That of the longest of 217 real namespaces has 61.
const MAX_REGEX: usize = 1_000;

/// All that services hold exclusively among the users of a homeserver, as neighbours are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// In order, each once, without those that a prefix among them covers.
    pub forms: Vec<Form>,
    /// What could not be said exactly, and is left out.
    pub inexact: Vec<Inexact>,
}

/// An entry of which it cannot be said exactly which names it reserves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Inexact {
    /// The `id` of the application service.
    #[schema(value_type = String)]
    pub as_id: Arc<str>,
    /// The regex of the entry; null for the service's own user.
    #[schema(value_type = Option<String>)]
    pub regex: Option<Arc<str>>,
    /// The file.
    #[schema(value_type = String)]
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// Why.
    pub why: &'static str,
}

const TOO_LARGE: &str = "no list and no regex of a thousand characters says it";

/// The reserved names of a set.
pub(super) fn reserved(services: &Services, told: Told, deadline: &Deadline) -> Reserved {
    let homeserver = services.homeserver();
    let registrations = services.registrations();
    let each = (0..registrations.len()).into_par_iter().with_min_len(64).map_init(
        || Examiner::new(homeserver, deadline),
        |examiner, at| of_service(examiner, &registrations[at], told),
    );
    let (forms, inexact): (Vec<_>, Vec<_>) = each.unzip();
    Reserved { forms: without_covered(&forms.into_iter().flatten().collect()), inexact: inexact.concat() }
}

fn of_service(examiner: &mut Examiner<'_>, one: &Registration, told: Told) -> (Vec<Form>, Vec<Inexact>) {
    let homeserver = examiner.homeserver();
    let (mut forms, mut inexact) = (Vec::new(), Vec::new());
    let mut note = |regex, line, found: Result<Vec<Form>, &'static str>| match found {
        Ok(found) => forms.extend(found),
        Err(why) => inexact.push(Inexact { as_id: one.id().into(), regex, file: one.file().into(), line, why }),
    };
    let mut pass = examiner.pass();
    let own = pass.sender(homeserver, one);
    note(None, 1, pass.forms(own, told));
    let entries = one.entries(Kind::User);
    for (position, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.exclusive) {
        let mut pass = examiner.pass();
        let found = pass.what_counts(homeserver, Kind::User, entries, position).and_then(|ids| pass.forms(ids, told));
        note(Some(entry.regex.as_str().into()), entry.place.line, found);
    }
    (forms, inexact)
}

impl<'a> Pass<'a> {
    /// The forms that say which names are among IDs, proved.
    fn forms(&mut self, ids: Term<'a>, told: Told) -> Result<Vec<Form>, &'static str> {
        let alphabet = told.alphabet();
        let server = self.homeserver.name.as_str();
        let behind = self.terms.derivative(ids, Kind::User.sigil());
        let quotient = Automaton::quotient(&mut self.terms, behind, alphabet, &format!(":{server}"));
        let quotient = quotient.map_err(|LimitReached| TOO_LARGE)?;
        if quotient.is_empty() {
            return self.proved(ids, &[], told).then(Vec::new).ok_or(TOO_LARGE);
        }
        let simple = quotient.spelled(alphabet, MAX_SPELLED).into_iter().chain(guesses(&quotient, alphabet));
        let any_other =
            std::iter::once_with(|| quotient.expression(alphabet, MAX_REGEX).map(|one| vec![one])).flatten();
        for candidate in simple.chain(any_other) {
            let forms: Vec<Form> = candidate.iter().map(|one| told.form(one, server)).collect();
            if self.proved(ids, &forms, told) {
                return Ok(forms);
            }
        }
        Err(TOO_LARGE)
    }
}

/// What names may be that all begin alike, and all end with the rest of the shortest of them, or hold it, behind whatever or
/// behind something. Guessed, since an expression that is made from an automaton is far longer: it says of each text where in
/// it the rest stands first.
fn guesses(quotient: &Automaton, alphabet: Letters) -> Vec<Vec<Expression>> {
    let (beginning, rest) = quotient.beginning_and_shortest_rest();
    let any = Expression::any(alphabet);
    let some = Expression::repeat(Expression::One(alphabet), 1, None);
    let behind_some = rest.chars().skip(1).collect::<String>();
    let mut guesses = Vec::new();
    for (between, rest) in [(&any, &rest), (&some, &behind_some)] {
        let parts = vec![Expression::literal(&beginning), between.clone(), Expression::literal(rest)];
        guesses.push(vec![Expression::concat(parts.clone())]);
        guesses.push(vec![Expression::concat([parts, vec![any.clone()]].concat())]);
    }
    guesses
}

/// In order, each once, without those that begin as a prefix among them does.
fn without_covered(forms: &BTreeSet<Form>) -> Vec<Form> {
    let prefixes: BTreeSet<&str> = forms.iter().filter_map(Form::as_prefix).collect();
    let begins_with_one = |text: &str, shorter: bool| {
        let ends = text.char_indices().map(|(at, _)| at).chain((!shorter).then_some(text.len()));
        ends.into_iter().any(|end| prefixes.contains(&text[..end]))
    };
    let covered = |form: &Form| match form {
        Form::Literal(text) => begins_with_one(text, false),
        Form::Prefix(text) => begins_with_one(text, true),
        _ => false,
    };
    forms.iter().filter(|form| !covered(form)).cloned().collect()
}
