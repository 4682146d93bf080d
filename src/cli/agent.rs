//! Who asks other services over HTTP with a secret.

use std::time::Duration;

use ureq::Agent;

/// What is sent by it goes where it was sent to and nowhere else: neither on to another place, nor through a proxy that the
/// environment names for the web, which would look for `127.0.0.1` at its own machine.
pub(super) fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(timeout))
        .user_agent(concat!("bailiwick/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}
