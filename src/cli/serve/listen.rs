use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use anyhow::Context;

use super::Serve;
use crate::cli::tls::Certificate;
use crate::http::{self, AppState, Connections, Part};

/// Where a server listens.
pub(super) struct Places<'a> {
    pub(super) addresses: &'a [SocketAddr],
    pub(super) unix: Option<UnixListener>,
    pub(super) certificate: Option<&'a Arc<Certificate>>,
}

/// A server for a part of what there is to answer, and the addresses that it has come to listen on.
pub(super) fn server(
    serve: &Serve,
    state: &web::Data<AppState>,
    connections: &Arc<Connections>,
    part: Part,
    places: Places<'_>,
) -> anyhow::Result<(Server, Vec<SocketAddr>)> {
    let state = state.clone();
    let app = move || {
        let state = state.clone();
        App::new().configure(move |config| http::configure(&state, config, part))
    };
    let connections = Arc::clone(connections);
    let mut server = HttpServer::new(app)
        .on_connect(move |stream, data| {
            if let Some(connection) = connections.opened(stream) {
                data.insert(connection);
            }
        })
        .disable_signals()
        .shutdown_timeout(serve.shutdown_timeout)
        .max_connections(serve.connections_a_thread(part))
        // As many may be about to greet over TLS as there may be connections, each for `HANDSHAKE` at most. The server's own
        // bound is 256, so that 600 that never greet let everybody else wait until their time is up.
        .max_connection_rate(serve.connections_a_thread(part))
        .tls_handshake_timeout(HANDSHAKE)
        .client_request_timeout(Duration::from_secs(serve.header_timeout))
        .keep_alive(Duration::from_secs(serve.keep_alive));
    if let Some(workers) = serve.workers {
        server = server.workers(workers.into());
    }
    for address in places.addresses {
        let failed = || format!("failed to listen on {address}");
        let listener = bind_tcp(*address, serve.send_timeout).with_context(failed)?;
        server = match places.certificate {
            Some(certificate) => server.listen_rustls_0_23(listener, certificate.config()?),
            None => server.listen(listener),
        }
        .with_context(failed)?;
    }
    if let Some(listener) = places.unix {
        server = server.listen_uds(listener).context("failed to listen on the Unix socket")?;
    }
    // Behind these stands an address for the Unix socket, which means nothing.
    let addresses = server.addrs().into_iter().take(places.addresses.len()).collect();
    Ok((server.run(), addresses))
}

/// So long a client may take to greet over TLS: the two round trips of TLS 1.2 on a line of 500 ms, three times over. It is
/// also what others wait for at most, when those that never greet hold all connections there may be.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// Connections that wait to be accepted; more than the operating system allows is as many as it allows.
pub(super) const BACKLOG: i32 = 2_048;

/// Binds an address, whose connections end when their client takes nothing of an answer for so many seconds: nobody can
/// let answers pile up here by not reading them.
fn bind_tcp(address: SocketAddr, send_timeout: u32) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    // A long answer is written piece by piece (`http/pieces.rs`), and its last piece must not wait until the client has
    // acknowledged the one before, which takes some 40 ms: a batch of 1,000 IDs took that long instead of 0.4 ms. What is
    // accepted inherits it.
    rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
    #[cfg(target_os = "linux")]
    rustix::net::sockopt::set_tcp_user_timeout(&listener, send_timeout.saturating_mul(1_000))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn no_piece_of_an_answer_waits_for_the_one_before() {
        let listener = bind_tcp("127.0.0.1:0".parse().expect("an address"), 1).expect("bound");
        let _client = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
        let (accepted, _) = listener.accept().expect("accepted");
        assert!(accepted.nodelay().expect("an option"));
    }
}
