//! A bridge's own configuration held against the registration that the homeserver has of it.
//!
//! 1. Which registration it is of is told by what both say: the `id`, a token, at last the names that only one of them claims
//!    (`which`). With one registration there is no question.
//! 2. Words are compared as they stand: name of the server, `id`, address, own users. Tokens are compared by their digests, and
//!    of them nothing is said but that they differ.
//! 3. What the bridge calls its users is a language, as what the registration claims is: each template's must lie within
//!    (`names`). So `whatsapp_{{.}}` is within `^@whatsapp_.*:example\.com$` and not within `@whatsapp_[0-9]+:example\.com`, where
//!    only names of digits are; the first ID that is not is the witness.
//!
//! A configuration that says nothing of something has nothing found about it: bridges have defaults, and environments.

mod address;
mod names;
mod which;

use std::sync::Arc;

use super::examiner::{Examiner, Pass};
use super::finding::{Finding, FindingPlace, Severity, shown};
use super::search::LimitReached;
use super::{Code, Deadline};
use crate::homeserver::Homeserver;
use crate::list::List;
use crate::matrix::Kind;
use crate::registration::{BridgeConfig, Place, Registration, Secret, TokenDigest};
use which::Which;

/// Where the value of a key at the top of a registration begins, where that is known.
pub type PlaceOf<'p> = &'p (dyn Fn(&Registration, &str) -> Option<Place> + Sync);

/// What is found when a configuration is held against a set of registrations.
pub(super) fn findings(
    homeserver: &Homeserver,
    registrations: &List<Registration>,
    config: &BridgeConfig,
    place_of: PlaceOf<'_>,
) -> Vec<Finding> {
    let mut examiner = Examiner::new(homeserver, &Deadline::none());
    let registration = match which::registration_of(&mut examiner, registrations, config) {
        Which::One(registration) => registration,
        Which::None => {
            return vec![unregistered(config, "no registration is its: none has its `id`, its tokens or its users")];
        }
        Which::Several(first, second) => {
            let why = format!(
                "`{}` and `{}` may both be its registration: check it beside the one alone that it is",
                shown(first.id()),
                shown(second.id())
            );
            return vec![unregistered(config, &why)];
        }
    };
    let pair = BridgePair { homeserver, registration, config, place_of };
    let mut findings: Vec<Finding> = pair.refused().collect();
    findings.extend(pair.tokens());
    findings.extend(pair.domain());
    findings.extend(pair.id());
    findings.extend(pair.sender());
    findings.extend(pair.bots(&mut examiner));
    findings.extend(pair.addresses());
    findings.extend(pair.names(&mut examiner));
    findings
}

/// A configuration and the registration that it is of.
#[derive(Clone, Copy)]
struct BridgePair<'p> {
    homeserver: &'p Homeserver,
    registration: &'p Registration,
    config: &'p BridgeConfig,
    place_of: PlaceOf<'p>,
}

impl BridgePair<'_> {
    /// Something at a place of the configuration.
    fn finding(&self, code: Code, severity: Severity, place: Place, message: String) -> Finding {
        Finding::new(code, severity, message).at(place_in(self.config, self.registration.id(), place))
    }

    /// The value of a key at the top of the registration.
    fn there(&self, key: &str) -> FindingPlace {
        match (self.place_of)(self.registration, key) {
            Some(place) => FindingPlace::at(self.registration, place),
            None => FindingPlace::file(self.registration),
        }
    }

    /// With what the bridge would not start.
    fn refused(&self) -> impl Iterator<Item = Finding> {
        self.config
            .refused
            .iter()
            .map(|said| self.finding(Code::BridgeNamespace, Severity::Error, said.place, said.value.clone()))
    }

    fn tokens(&self) -> Vec<Finding> {
        let Self { registration, config, .. } = *self;
        let (as_token, hs_token, id) = (registration.as_token(), registration.hs_token(), registration.id());
        let both = config.as_token.as_ref().zip(config.hs_token.as_ref());
        if let Some((own_as, own_hs)) = both
            && own_as.digest == hs_token
            && own_hs.digest == as_token
            && as_token != hs_token
        {
            let message = format!(
                "`as_token` and `hs_token` of the configuration are those of `{}` the other way round",
                shown(id)
            );
            let finding = self.finding(Code::BridgeToken, Severity::Error, own_as.place, message);
            return vec![finding.at(self.there("as_token"))];
        }
        [
            (
                "as_token",
                &config.as_token,
                as_token,
                "the homeserver would refuse whatever the bridge asks (`M_UNKNOWN_TOKEN`)",
            ),
            ("hs_token", &config.hs_token, hs_token, "the bridge would refuse whatever the homeserver sends"),
        ]
        .into_iter()
        .filter_map(|(key, own, theirs, so)| self.token(key, own.as_ref()?, theirs, so))
        .collect()
    }

    fn token(&self, key: &str, own: &Secret, theirs: TokenDigest, so: &str) -> Option<Finding> {
        if own.digest == theirs {
            return None;
        }
        let id = shown(self.registration.id());
        let message = match own.is_none {
            Some(what) => format!("the configuration holds no `{key}` but {what}, and `{id}` has one: {so}"),
            None => format!("`{key}` differs between the configuration and `{id}`: {so}"),
        };
        Some(self.finding(Code::BridgeToken, Severity::Error, own.place, message).at(self.there(key)))
    }

    fn domain(&self) -> Option<Finding> {
        let (said, name) = (self.config.domain.as_ref()?, self.homeserver.name.as_str());
        let message = format!(
            "the bridge takes the homeserver for `{}`, and it is `{name}`: what stands behind the colon of its users' IDs",
            shown(&said.value)
        );
        let there = self.config.names.iter().find(|names| names.kind == Kind::User).map(|names| self.nearest(names));
        (said.value != name).then(|| {
            let finding = self.finding(Code::BridgeDomain, Severity::Error, said.place, message);
            there.into_iter().fold(finding, Finding::at)
        })
    }

    fn id(&self) -> Option<Finding> {
        let (said, id) = (self.config.id.as_ref()?, self.registration.id());
        let message = format!(
            "the bridge's `id` is `{}`, and the homeserver knows it as `{}`: the bridge would be told that it is another",
            shown(&said.value),
            shown(id)
        );
        (said.value != id)
            .then(|| self.finding(Code::BridgeId, Severity::Error, said.place, message).at(self.there("id")))
    }

    /// Of a copy: the own user of the one and of the other.
    fn sender(&self) -> Option<Finding> {
        let (said, sender) = (self.config.sender.as_ref()?, self.registration.sender_localpart());
        let message = format!(
            "the bridge takes its own user for `{}`, and the homeserver for `{}`",
            shown(&said.value),
            shown(sender)
        );
        let there = FindingPlace::at(self.registration, self.registration.sender_place());
        (said.value != sender).then(|| self.finding(Code::BridgeBot, Severity::Error, said.place, message).at(there))
    }

    /// Users that the bridge acts as by name.
    fn bots(&self, examiner: &mut Examiner<'_>) -> Vec<Finding> {
        let bot = |said: &crate::registration::Said<String>| {
            let localpart = &*said.value;
            if localpart.starts_with(Kind::User.sigil()) || localpart.contains(':') {
                let message = format!(
                    "`{}` is a whole ID where the bridge takes what stands before the colon, without `@`",
                    shown(localpart)
                );
                return Some(self.finding(Code::BridgeBot, Severity::Error, said.place, message));
            }
            let user = crate::matrix::user_id(localpart, self.homeserver.name.as_str());
            let mut pass = examiner.pass();
            if pass.claims_user(self.homeserver, self.registration, &user) != Ok(false) {
                return None;
            }
            let message = format!(
                "the bridge acts as `{}`, which is neither the own user of `{}` nor in its `users`: the homeserver would not let it",
                shown(&user),
                shown(self.registration.id())
            );
            let there = FindingPlace::at(self.registration, self.registration.sender_place());
            Some(self.finding(Code::BridgeBot, Severity::Error, said.place, message).at(there).on(Kind::User))
        };
        self.config.bots.iter().filter_map(bot).collect()
    }
}

/// That there is no registration of this bridge.
fn unregistered(config: &BridgeConfig, why: &str) -> Finding {
    let place = config.id.as_ref().or(config.domain.as_ref()).map_or(Place { line: 1, column: 1 }, |said| said.place);
    let message = format!("this is the configuration of {}, and {why}", config.bridge.name());
    Finding::new(Code::BridgeUnregistered, Severity::Error, message).at(place_in(config, "", place))
}

fn place_in(config: &BridgeConfig, as_id: &str, Place { line, column }: Place) -> FindingPlace {
    FindingPlace {
        as_id: as_id.into(),
        file: Arc::clone(&config.file),
        line,
        column,
        index: None,
        regex: None,
        witness: None,
    }
}

impl Pass<'_> {
    /// Whether a registration claims a user, exclusively or not, or is that user's own.
    fn claims_user(
        &mut self,
        homeserver: &Homeserver,
        registration: &Registration,
        user: &str,
    ) -> Result<bool, LimitReached> {
        let (claimed, is_known) = self.claims_of(homeserver, registration, Kind::User);
        let user = self.terms.literal(user);
        let both = self.terms.and([claimed, user]);
        let found = super::search::shortest(&mut self.terms, both)?;
        // What is not known may claim it.
        Ok(found.is_some() || !is_known)
    }
}
