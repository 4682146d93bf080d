//! `--store`, for every command that reads registrations; without the feature `postgres` there is none.

use std::sync::Arc;

use clap::Args;

use crate::homeserver::Homeserver;
use crate::source::Provider;

/// What a source is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// To answer by it from now on.
    ToServe,
    /// For a look at it.
    Once,
}

/// A store in PostgreSQL, in place of directories or beside them.
#[cfg(feature = "postgres")]
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct StoreOption {
    /// Take registrations from this database, such as `postgres://bailiwick@db.example.com/bailiwick`, after those of DIRs. No
    /// password in it: that is in `--store-password-file` or in PGPASSWORD. docs/store.md says how.
    #[arg(long = "store", id = "store", value_name = "URL", env = "BAILIWICK_STORE")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) how: HowToReach,
}

/// How a database is reached.
#[cfg(feature = "postgres")]
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct HowToReach {
    /// A file that holds the database's password, and nothing else; read for each connection.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_STORE_PASSWORD_FILE")]
    pub(crate) store_password_file: Option<std::path::PathBuf>,

    /// Certificates (PEM) against which the database's own is held: connect by TLS. Needed where the database is on another
    /// machine.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_STORE_CA")]
    pub(crate) store_ca: Option<std::path::PathBuf>,
}

#[cfg(feature = "postgres")]
impl HowToReach {
    /// The database at a URL.
    pub(crate) fn address(&self, url: &str) -> anyhow::Result<Arc<crate::store::Address>> {
        use anyhow::Context;

        let given = crate::store::Given {
            url,
            password_file: self.store_password_file.as_deref(),
            authorities: self.store_ca.as_deref(),
        };
        crate::store::Address::new(given).map(Arc::new).context("--store")
    }
}

#[cfg(feature = "postgres")]
impl StoreOption {
    /// Whether there is one.
    pub(crate) const fn is_given(&self) -> bool {
        self.url.is_some()
    }

    /// Where it is changed, if there is one.
    pub(crate) fn gate(&self, homeserver: Homeserver) -> anyhow::Result<Option<crate::store::Gate>> {
        let Some(url) = &self.url else { return Ok(None) };
        Ok(Some(crate::store::Gate::new(self.how.address(url)?, Some(homeserver))?))
    }

    /// The store as a source, if there is one, of registrations of this homeserver.
    pub(crate) fn provider(&self, homeserver: &Homeserver, reads: Reads) -> anyhow::Result<Option<Arc<dyn Provider>>> {
        use crate::store::{Reader, Store};

        let Some(url) = &self.url else { return Ok(None) };
        let reader = match reads {
            Reads::ToServe => Reader::Serves(homeserver.clone()),
            Reads::Once => Reader::Looks(homeserver.name.clone()),
        };
        Ok(Some(Arc::new(Store::new(self.how.address(url)?, reader)?)))
    }
}

/// There is none in this build.
#[cfg(not(feature = "postgres"))]
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct StoreOption {}

#[cfg(not(feature = "postgres"))]
impl StoreOption {
    /// Whether there is one.
    pub(crate) const fn is_given(&self) -> bool {
        false
    }

    /// The store as a source, if there is one.
    pub(crate) fn provider(&self, _: &Homeserver, _: Reads) -> anyhow::Result<Option<Arc<dyn Provider>>> {
        Ok(None)
    }
}
