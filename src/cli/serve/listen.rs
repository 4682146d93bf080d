//! The servers: what listens where, and what is spoken there.
//!
//! They are put together here from actix-server and actix-http, as actix-web's own `HttpServer` takes no stream but the
//! operating system's, and ours goes between ([`Paced`]).

use std::convert::Infallible;
use std::future::ready;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request};
use actix_server::GracefulShutdownSignal;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_tls::accept::{TlsError, max_concurrent_tls_connect};
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::{App, web};
use anyhow::Context;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Serve;
use crate::cli::tls::Certificate;
use crate::http::{self, AppState, Connections, Exchange, Paced, Part};

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
    // As many may be about to greet over TLS as there may be connections, each for `HANDSHAKE` at most. The server's own
    // bound is 256, so that 600 that never greet let everybody else wait until their time is up.
    max_concurrent_tls_connect(serve.connections_a_thread(part));
    let mut server = Server::build()
        .disable_signals()
        .shutdown_timeout(serve.shutdown_timeout)
        .max_concurrent_connections(serve.connections_a_thread(part));
    if let Some(workers) = serve.workers {
        server = server.workers(workers.into());
    }
    let spoken = Spoken {
        state: state.clone(),
        part,
        connections: Arc::clone(connections),
        header_timeout: Duration::from_secs(serve.header_timeout),
        keep_alive: Duration::from_secs(serve.keep_alive),
        stopping: server.graceful_shutdown_signal(),
    };
    let mut addresses = Vec::new();
    for address in places.addresses {
        let failed = || format!("failed to listen on {address}");
        let listener = bind_tcp(*address, serve.send_timeout).with_context(failed)?;
        let bound = listener.local_addr().with_context(failed)?;
        let (spoken, name) = (spoken.clone(), format!("http {bound}"));
        server = match places.certificate {
            Some(certificate) => {
                let config = certificate.config()?;
                server.listen(name, listener, move || spoken.encrypted(&config, bound.ip()))
            }
            None => server.listen(name, listener, move || spoken.plain(bound.ip())),
        }
        .with_context(failed)?;
        addresses.push(bound);
    }
    if let Some(listener) = places.unix {
        let opened = server.listen_uds("http on the Unix socket", listener, move || spoken.local());
        server = opened.context("failed to listen on the Unix socket")?;
    }
    Ok((server.run(), addresses))
}

/// What is spoken on each connection: HTTP/1.1.
#[derive(Clone)]
struct Spoken {
    state: web::Data<AppState>,
    part: Part,
    connections: Arc<Connections>,
    header_timeout: Duration,
    keep_alive: Duration,
    stopping: GracefulShutdownSignal,
}

/// A stream with who is at its other end.
type Accepted<T> = (Paced<T>, Option<SocketAddr>);

impl Spoken {
    fn plain(
        &self,
        listener: IpAddr,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let connections = Arc::clone(&self.connections);
        let accept = move |io: TcpStream| ready(accepted(&connections, io, Some(listener), |io| io));
        fn_service(accept).and_then(self.http())
    }

    fn encrypted(
        &self,
        config: &ServerConfig,
        listener: IpAddr,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let connections = Arc::clone(&self.connections);
        let mut acceptor = Acceptor::new(config.clone());
        acceptor.set_handshake_timeout(HANDSHAKE);
        let accept =
            move |io: TlsStream<TcpStream>| ready(accepted(&connections, io, Some(listener), |io| io.get_ref().0));
        acceptor.map_err(not_greeted).and_then(fn_service(accept)).and_then(self.http())
    }

    fn local(&self) -> impl ServiceFactory<UnixStream, Config = (), Response = (), InitError = ()> + use<> {
        let connections = Arc::clone(&self.connections);
        let accept = move |io: UnixStream| {
            let opened = connections.opened(&io).map_err(DispatchError::Io);
            ready(opened.map(|connection| (Paced::new(io, Exchange::new(connection, None)), None)))
        };
        fn_service(accept).and_then(self.http())
    }

    fn http<T: AsyncRead + AsyncWrite + Unpin + 'static>(
        &self,
    ) -> impl ServiceFactory<Accepted<T>, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<T>
    {
        let Self { state, part, stopping, .. } = self.clone();
        let app = App::new().configure(|config| http::configure(&state, config, part));
        let app = IntoServiceFactory::<_, Request>::into_factory(app)
            .map_err(|error: actix_web::Error| error.error_response());
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(self.keep_alive)
            .client_request_timeout(self.header_timeout)
            .client_disconnect_timeout(FAREWELL)
            .on_connect_ext(|io: &Paced<T>, data| {
                data.insert(Rc::clone(io.exchange()));
            })
            .h1(map_config(app, |()| AppConfig::default()))
    }
}

/// Takes in a connection over TCP, encrypted or not.
fn accepted<T>(
    connections: &Connections,
    io: T,
    listener: Option<IpAddr>,
    socket: impl Fn(&T) -> &TcpStream,
) -> Result<Accepted<T>, DispatchError> {
    let connection = connections.opened(socket(&io))?;
    let peer = socket(&io).peer_addr().ok();
    Ok((Paced::new(io, Exchange::new(connection, listener)), peer))
}

/// Nobody is told: who does not greet is no client.
fn not_greeted(error: TlsError<io::Error, Infallible>) -> DispatchError {
    match error {
        TlsError::Timeout => DispatchError::Io(ErrorKind::TimedOut.into()),
        TlsError::Tls(error) => DispatchError::Io(error),
        TlsError::Service(never) => match never {},
    }
}

/// So long a client may take to read the last of its answer before a connection is closed of which it has sent more than was
/// read: closed at once, the connection would be reset, and the answer lost. As in actix-web's own server.
const FAREWELL: Duration = Duration::from_secs(1);

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
