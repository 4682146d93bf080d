use std::env;
use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use super::StoreError;

/// A machine that is there answers within a few milliseconds, and one that sheds load within a second or two.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// What was sent and nobody has acknowledged for so long goes to a machine that is gone: as long as any question may take.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// A connection on which nothing is said is tried after this time, and given up after three times that: a connection on which
/// hints are waited for would stay for two hours otherwise, which is the system's default.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// The variable with the password, as everything has it that speaks to PostgreSQL.
const PASSWORD: &str = "PGPASSWORD";

/// Where a database is, and how it is reached: without the password, which is read anew for each connection.
pub struct Address {
    config: Config,
    password_file: Option<PathBuf>,
    pub(super) tls: Option<MakeRustlsConnect>,
    shown: String,
}

/// What was said of it.
#[derive(Clone, Copy, Debug)]
pub struct Given<'g> {
    /// `postgres://…`.
    pub url: &'g str,
    /// Where the password is; else in `PGPASSWORD`.
    pub password_file: Option<&'g Path>,
    /// The certificates, as PEM, against which the database's is held.
    pub authorities: Option<&'g Path>,
}

/// Why such an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Not a URL. What is wrong with it is not repeated: it may hold a password.
    #[error(
        "this is not the URL of a PostgreSQL database, such as postgres://bailiwick@db.example.com/bailiwick, or says in it what \
         is not known here: sslmode is disable, prefer, require, verify-ca or verify-full, and certificates are given beside it"
    )]
    NotAUrl,
    /// There is a password in it.
    #[error(
        "the URL holds a password, which every process on the machine could read: put it into a file or into PGPASSWORD"
    )]
    Password,
    /// It does not say where.
    #[error("the URL names no host")]
    NoHost,
    /// Passwords and tokens would travel in clear.
    #[error(
        "{0} is another machine, and registrations hold tokens: give the certificates of its authority, for TLS, or say \
         sslmode=disable in the URL if whoever is in between may read and change them"
    )]
    Clear(String),
    /// TLS is asked for, and nobody is trusted.
    #[error("the URL asks for TLS: give the certificates against which the database's is held (--store-ca)")]
    NoAuthorities,
    /// There is nothing to hold a certificate against.
    #[error("the URL says hostaddr alone: say host beside it, the name for which the database's certificate was made")]
    NoName,
    /// The certificates cannot be used.
    #[error("{file}: {why}", file = .file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Address {
    /// Takes what was said of a database, or says why it cannot be used. Nothing is connected yet.
    pub fn new(given: Given<'_>) -> Result<Self, Unusable> {
        // A certificate is always held against authorities and name, so that these three are one here.
        let url =
            given.url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let mut config = Config::from_str(&url).map_err(|_| Unusable::NotAUrl)?;
        if config.get_password().is_some() {
            return Err(Unusable::Password);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Unusable::NoHost);
        }
        let shown = shown(&config);
        let tls = given.authorities.map(trusting).transpose()?;
        if tls.is_some() && config.get_hosts().is_empty() {
            return Err(Unusable::NoName);
        }
        let wants_tls = config.get_ssl_mode() == SslMode::Require;
        if tls.is_none() && wants_tls {
            return Err(Unusable::NoAuthorities);
        }
        if tls.is_none() && config.get_ssl_mode() != SslMode::Disable && !is_here(&config) {
            return Err(Unusable::Clear(shown));
        }
        // Never one of the two by whatever the other side offers.
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if config.get_application_name().is_none() {
            config.application_name("bailiwick");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_LIMIT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED);
        }
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(2);
        Ok(Self { config, password_file: given.password_file.map(Path::to_owned), tls, shown })
    }

    /// All that a connection needs, with the password as it is now.
    pub(super) fn config(&self) -> Result<Config, StoreError> {
        let mut config = self.config.clone();
        if let Some(password) = self.password()? {
            config.password(&*password);
        }
        Ok(config)
    }

    fn password(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some(file) = &self.password_file else {
            return Ok(env::var_os(PASSWORD).map(|password| Zeroizing::new(password.into_encoded_bytes())));
        };
        let unreadable =
            |error| StoreError::Unreachable(format!("the password in {} cannot be read: {error}", file.display()));
        let mut password = Zeroizing::new(fs::read(file).map_err(unreadable)?);
        let end = password.trim_ascii_end().len();
        password.truncate(end);
        Ok(Some(password))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

/// The hosts and the database.
fn shown(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = if config.get_hosts().is_empty() {
        config.get_hostaddrs().iter().map(ToString::to_string).collect()
    } else {
        hosts.collect()
    };
    let port = |at: usize| config.get_ports().get(at).or(config.get_ports().first());
    let hosts = hosts.iter().enumerate().map(|(at, host)| match port(at) {
        Some(port) => format!("{host}:{port}"),
        None => host.clone(),
    });
    let hosts: Vec<String> = hosts.collect();
    format!("postgres://{}/{}", hosts.join(","), config.get_dbname().or(config.get_user()).unwrap_or_default())
}

/// Whether the database is on this machine, so that nobody is in between.
fn is_here(config: &Config) -> bool {
    let is_loopback = |name: &str| {
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    if !config.get_hostaddrs().is_empty() {
        return config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_loopback(name),
        Host::Unix(_) => true,
    })
}

/// What makes TLS connections to whoever has a certificate of one of these authorities, for the name by which it is reached.
fn trusting(file: &Path) -> Result<MakeRustlsConnect, Unusable> {
    let unusable = |why: String| Unusable::Authorities { file: file.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, Unusable> {
        Address::new(Given { url, password_file: None, authorities: None })
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for url in ["postgres://bailiwick:very-secret@localhost/bailiwick", "host=localhost password=very-secret"] {
            let refused = address(url).expect_err("a password");
            assert!(matches!(refused, Unusable::Password), "{refused}");
            assert!(!refused.to_string().contains("very-secret"));
        }
        let refused = address("postgres://bailiwick:very-secret@localhost:port/").expect_err("no URL");
        assert!(!format!("{refused} {refused:?}").contains("very-secret"));
    }

    #[test]
    fn what_holds_tokens_does_not_travel_in_clear_unless_that_is_said() {
        for here in ["postgres://localhost/b", "postgres://127.0.0.1,[::1]/b", "postgres://%2Frun%2Fpostgresql/b"] {
            address(here).expect("this machine");
        }
        for there in ["postgres://db.example.com/b", "postgres://localhost,192.0.2.1/b"] {
            assert!(matches!(address(there), Err(Unusable::Clear(_))), "{there}");
        }
        for asked in ["require", "verify-ca", "verify-full"] {
            let here = format!("postgres://localhost/b?sslmode={asked}");
            assert!(matches!(address(&here), Err(Unusable::NoAuthorities)), "{asked}");
        }
        address("postgres://db.example.com/b?sslmode=disable").expect("it is said");
    }

    #[test]
    fn it_is_shown_without_whoever_asks() {
        let shown = |url: &str| address(url).expect("an address").to_string();
        assert_eq!(shown("postgres://me@localhost:5433/registrations"), "postgres://localhost:5433/registrations");
        assert_eq!(shown("host=/run/postgresql user=me"), "postgres:///run/postgresql/me");
        assert!(matches!(address("postgres:///registrations"), Err(Unusable::NoHost)));
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let given = Given { url: "postgres://db.example.com/b", password_file: None, authorities: Some(file.path()) };
        assert!(matches!(Address::new(given), Err(Unusable::Authorities { .. })));
    }

    #[test]
    fn a_certificate_is_held_against_a_name() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::io::Write::write_all(&mut file, key.cert.pem().as_bytes()).expect("written");
        let address = |url| Address::new(Given { url, password_file: None, authorities: Some(file.path()) });
        assert!(matches!(address("postgres://me@/b?hostaddr=192.0.2.1"), Err(Unusable::NoName)));
        address("postgres://me@localhost/b?hostaddr=192.0.2.1").expect("a name beside it");
    }
}
