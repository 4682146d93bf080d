//! Which registration a configuration is of.

use super::super::examiner::{Examiner, Pass};
use super::super::search::shortest;
use crate::homeserver::Homeserver;
use crate::list::List;
use crate::registration::{BridgeConfig, Made, Names, Registration, TokenDigest};

pub(super) enum Which<'r> {
    One(&'r Registration),
    /// Two of those that it may be.
    Several(&'r Registration, &'r Registration),
    None,
}

/// The first of these that tells: the `id`, a token, that there is one registration alone (unless it is plainly
/// another bridge's), the users that one alone claims.
pub(super) fn registration_of<'r>(
    examiner: &mut Examiner<'_>,
    registrations: &'r List<Registration>,
    config: &BridgeConfig,
) -> Which<'r> {
    let has_id = |one: &Registration| config.id.as_ref().is_some_and(|id| id.value == *one.id());
    let has_token = |one: &Registration| {
        let is_its = |token: TokenDigest| token == one.as_token() || token == one.hs_token();
        [&config.as_token, &config.hs_token].into_iter().flatten().any(|own| is_its(own.digest))
    };
    let tells: [&dyn Fn(&Registration) -> bool; 2] = [&has_id, &has_token];
    for tells in tells {
        if let Some(found) = registrations.iter().find(|one| tells(one)) {
            return Which::One(found);
        }
    }
    let homeserver = examiner.homeserver();
    if registrations.len() == 1 {
        let only = &registrations[0];
        // One with another `id`, other tokens and none of the bridge's names is another bridge's.
        let is_known = |names: &Names| matches!(names.made, Made::Localparts(_) | Made::Regex(_));
        let says_whose = config.id.is_some() && config.names.iter().any(is_known);
        let is_others = says_whose && !examiner.pass().claims_exclusively(homeserver, only, config);
        return if is_others { Which::None } else { Which::One(only) };
    }
    let mut claims = registrations.iter().filter(|one| examiner.pass().claims_exclusively(homeserver, one, config));
    match (claims.next(), claims.next()) {
        (Some(first), Some(second)) => Which::Several(first, second),
        (Some(only), None) => Which::One(only),
        _ => Which::None,
    }
}

impl Pass<'_> {
    /// Whether a registration holds some of a bridge's users exclusively. What double puppets need to see is claimed by
    /// others, too.
    fn claims_exclusively(&mut self, homeserver: &Homeserver, one: &Registration, config: &BridgeConfig) -> bool {
        let held = self.held_of_one(homeserver, one);
        let server = homeserver.name.as_str().to_owned();
        config.names.iter().any(|names| {
            let Some(made) = self.made_by(homeserver, names, &server, None) else { return false };
            let both = self.terms.and([made, held]);
            shortest(&mut self.terms, both).is_ok_and(|found| found.is_some())
        })
    }
}
