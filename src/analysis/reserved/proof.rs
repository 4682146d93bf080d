use super::form::{Form, Told};
use crate::analysis::examiner::Pass;
use crate::analysis::language::language;
use crate::analysis::name::Ids;
use crate::analysis::search::is_within;
use crate::analysis::term::{ANY, Term};
use crate::homeserver::{Anchor, Engine, Syntax};
use crate::matrix::{Kind, PerKind};

/// As the readers of a regex read it, the strictest of them.
const RE2: Syntax = Syntax { engine: Engine::GoRe2, anchor: Anchor::Start, fold: PerKind::all(false) };

impl<'a> Pass<'a> {
    /// Whether forms say exactly which IDs of this server are among some: none is in the one and not in the other. A limit
    /// that is reached is no proof.
    pub(super) fn proved(&mut self, ids: Term<'a>, forms: &[Form], told: Told) -> bool {
        let universe = self.ids(
            Kind::User,
            match told {
                Told::Localparts => Ids::Valid,
                Told::Ids => Ids::Historical,
            },
        );
        let Some(said) = forms.iter().map(|form| self.said(form, told)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let said = self.terms.or(said);
        let [meant, said] = [ids, said].map(|ids| self.terms.and([ids, universe]));
        is_within(&mut self.terms, meant, said) == Ok(true) && is_within(&mut self.terms, said, meant) == Ok(true)
    }

    /// The IDs that a form says, and perhaps others that nobody can have.
    fn said(&mut self, form: &Form, told: Told) -> Option<Term<'a>> {
        let localparts = match form {
            Form::Literal(text) => self.terms.literal(text),
            Form::Prefix(text) => {
                let text = self.terms.literal(text);
                self.terms.concat(text, ANY)
            }
            Form::Suffix(text) => {
                let text = self.terms.literal(text);
                self.terms.concat(ANY, text)
            }
            Form::Substring(text) => {
                let text = self.terms.literal(text);
                let rest = self.terms.concat(text, ANY);
                self.terms.concat(ANY, rest)
            }
            Form::Regex(regex) => {
                let pattern = RE2.pattern(Kind::User, regex).ok()?;
                let found = language(&mut self.terms, pattern.ast())?;
                if told == Told::Ids {
                    return Some(found);
                }
                found
            }
        };
        // A localpart has no colon in it, and so ends where the server begins.
        let sigil = self.terms.char(Kind::User.sigil());
        let server = self.terms.literal(&format!(":{}", self.homeserver.name));
        let rest = self.terms.concat(localparts, server);
        Some(self.terms.concat(sigil, rest))
    }
}
