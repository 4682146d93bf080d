use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, SignatureScheme, StreamOwned};
use zeroize::Zeroizing;

use crate::reloadable_files::{ReloadableFiles, read_again, read_first};
use crate::telemetry::Metrics;

/// The certificate that the service shows, read again when its files change.
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    revisit: ReloadableFiles,
}

impl Certificate {
    /// Reads a certificate with its chain and its private key, both PEM.
    pub(super) fn open(chain: &Path, key: &Path) -> anyhow::Result<Arc<Self>> {
        let revisit = ReloadableFiles::new("certificates", &[chain, key]);
        let current = read(chain, key, read_first)?;
        Ok(Arc::new(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(current),
            revisit,
        }))
    }

    /// Reads the files again if they have changed. If they cannot be used, the certificate read before stays in use.
    pub(super) fn refresh(&self) {
        // One of the two files may not have been replaced yet.
        self.revisit.refresh(|| {
            // What cannot be read without waiting is not read at all.
            let new = read(&self.chain, &self.key, read_again)
                .map_err(|error| format!("the certificates read before stay in use: {error:#}"))?;
            self.current.store(Arc::new(new));
            Ok(())
        });
    }

    /// Shows from now on whether it is in use as it is on disk.
    pub(super) fn show(&self, metrics: &Metrics) {
        self.revisit.show(metrics);
    }

    /// What the server needs to use it.
    pub(super) fn config(self: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("failed to set up TLS")?;
        let mut config =
            builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// Takes one certificate and no other, whatever name or date it bears: that of a service on this machine.
#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("the service shows another certificate".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A stream to a service on this machine that shows the certificate in a file.
pub(super) fn client<S: Read + Write>(chain: &Path, stream: S) -> anyhow::Result<StreamOwned<ClientConnection, S>> {
    let failed = || format!("failed to read {}", chain.display());
    let certificate = CertificateDer::from_pem_slice(&read_first(chain).with_context(failed)?).with_context(failed)?;
    let provider = Arc::new(ring::default_provider());
    let only = Only { certificate, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("failed to set up TLS")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(only))
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
    Ok(StreamOwned::new(session, stream))
}

fn read(chain: &Path, key: &Path, bytes: impl Fn(&Path) -> io::Result<Vec<u8>>) -> anyhow::Result<CertifiedKey> {
    let failed = |file: &Path| format!("failed to read {}", file.display());
    let pem = |file: &Path| bytes(file).map(Zeroizing::new).with_context(|| failed(file));
    let (chain_pem, key_pem) = (pem(chain)?, pem(key)?);
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&chain_pem).collect::<Result<_, _>>().with_context(|| failed(chain))?;
    anyhow::ensure!(!certificates.is_empty(), "{} holds no certificate", chain.display());
    let key_der = PrivateKeyDer::from_pem_slice(&key_pem).with_context(|| failed(key))?;
    let signing = ring::sign::any_supported_type(&key_der).with_context(|| failed(key))?;
    let certified = CertifiedKey::new(certificates, signing);
    certified.keys_match().with_context(|| format!("{} is not the key of {}", key.display(), chain.display()))?;
    Ok(certified)
}
