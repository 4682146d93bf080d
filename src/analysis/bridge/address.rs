//! Where the bridge listens, and where the homeserver sends.

use super::super::Code;
use super::super::finding::{Finding, Severity, shown};
use super::BridgePair;
use crate::registration::Said;

/// Hosts that are this machine, or this container, alone.
const LOOPBACK: [&str; 4] = ["localhost", "127.0.0.1", "::1", "[::1]"];

impl BridgePair<'_> {
    /// What keeps the homeserver from reaching the bridge. A proxy between the two may be the reason for each, so none is an
    /// error.
    pub(super) fn addresses(&self) -> Vec<Finding> {
        let Some(url) = self.registration.url() else { return self.unsent().into_iter().collect() };
        if let Some(finding) = self.elsewhere(url) {
            return vec![finding];
        }
        let Some(target) = Target::of(url) else { return Vec::new() };
        [self.another_port(url, &target), self.loopback(url, &target)].into_iter().flatten().collect()
    }

    fn warning(&self, said: &Said<impl Sized>, message: String) -> Finding {
        self.finding(Code::BridgeAddress, Severity::Warning, said.place, message).at(self.there("url"))
    }

    fn unsent(&self) -> Option<Finding> {
        let said = self.config.address.as_ref()?;
        let message = format!(
            "the bridge is to be sent to at `{}`, and `{}` has no `url`: the homeserver sends it nothing",
            shown(&said.value),
            shown(self.registration.id())
        );
        Some(self.warning(said, message))
    }

    fn elsewhere(&self, url: &str) -> Option<Finding> {
        let said = self.config.address.as_ref()?;
        let message = format!(
            "the configuration says that the bridge is at `{}`, and the homeserver sends to `{}`",
            shown(&said.value),
            shown(url)
        );
        (!said.value.eq_ignore_ascii_case(url.trim_end_matches('/'))).then(|| self.warning(said, message))
    }

    fn another_port(&self, url: &str, target: &Target<'_>) -> Option<Finding> {
        let said = self.config.port.as_ref().filter(|said| said.value != target.port)?;
        let message = format!(
            "the bridge listens at port {}, and the homeserver sends to port {} (`{}`)",
            said.value,
            target.port,
            shown(url)
        );
        Some(self.warning(said, message))
    }

    fn loopback(&self, url: &str, target: &Target<'_>) -> Option<Finding> {
        let said = self.config.hostname.as_ref().filter(|said| LOOPBACK.contains(&&*said.value))?;
        let message = format!(
            "the bridge listens at `{}`, which nobody reaches from outside of its machine or container, and the homeserver \
             sends to `{}`",
            said.value,
            shown(url)
        );
        (!LOOPBACK.contains(&target.host)).then(|| self.warning(said, message))
    }
}

/// Where a URL leads, if the bridge itself can be meant: what speaks TLS is a proxy.
struct Target<'u> {
    host: &'u str,
    port: u16,
}

impl<'u> Target<'u> {
    fn of(url: &'u str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, 80),
        };
        Some(Self { host, port })
    }
}
