use std::fmt;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::gate::{commit, lock_head, unsure};
use super::session::{ANSWER_LIMIT, Driver, connect, within};
use super::{Address, StoreError};
use crate::homeserver::Homeserver;
use crate::matrix::ServerName;
use crate::telemetry::Visible;

/// Of which homeserver a store's registrations are, and by whose rules they were judged.
///
/// Kept as text: a newer bailiwick may know homeservers that this one does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    server_name: String,
    homeserver: String,
}

/// Who reads a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A service that answers for this homeserver. What is nobody's is this homeserver's from then on.
    Serves(Homeserver),
    /// Whoever judges a change for this homeserver.
    Judges(Homeserver),
    /// Whoever has a look, and may ask what it would be by the rules of others.
    Looks(ServerName),
    /// Whoever is to make it another homeserver's.
    Assigns,
}

impl Whose {
    /// As the columns of a row say it, from this one on; nobody's, if they are empty.
    pub(super) fn of(row: &Row, column: usize) -> Result<Option<Self>, StoreError> {
        let (server_name, homeserver) = (row.try_get(column)?, row.try_get(column + 1)?);
        Ok(Option::zip(server_name, homeserver).map(|(server_name, homeserver)| Self { server_name, homeserver }))
    }
}

impl From<&Homeserver> for Whose {
    fn from(homeserver: &Homeserver) -> Self {
        Self { server_name: homeserver.name.to_string(), homeserver: homeserver.dialect.name().to_owned() }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", Visible(&self.server_name), Visible(&self.homeserver))
    }
}

impl Reader {
    /// Whether a store that is somebody's, or nobody's, may be read by this one: by another's name nothing would seem to collide.
    pub(super) fn check(&self, kept: Option<&Whose>) -> Result<(), StoreError> {
        let Some(kept) = kept else { return Ok(()) };
        match self {
            Self::Serves(homeserver) | Self::Judges(homeserver) => check(kept, homeserver),
            Self::Looks(name) if *name.as_str() != *kept.server_name => {
                Err(StoreError::OthersName { kept: Box::new(kept.clone()), given: name.to_string() })
            }
            Self::Looks(_) | Self::Assigns => Ok(()),
        }
    }
}

/// Whether a store is this homeserver's.
pub(super) fn check(kept: &Whose, homeserver: &Homeserver) -> Result<(), StoreError> {
    let given = Whose::from(homeserver);
    if *kept == given { Ok(()) } else { Err(StoreError::Others(Box::new((kept.clone(), given)))) }
}

/// What has come of making a store another homeserver's.
#[derive(Debug)]
pub enum Assigned {
    /// It is, and was this one's before, if it was anybody's.
    From(Option<Whose>),
    /// The store has come to this revision, and nobody knows what is to be said of that.
    Elsewhere(i64),
}

/// Makes a store this homeserver's as it was found at the revision that is noted. The replicas that answer by it keep what they have in
/// force, and say so, until they are started as this homeserver's.
pub fn assign(address: &Address, homeserver: &Homeserver, noted: &str) -> Result<Assigned, StoreError> {
    let driver = Driver::new()?;
    let session = driver.run(connect(address))?;
    let assigned = driver.run(async {
        let head = lock_head(&session).await?;
        if *head.at.note() != *noted {
            return Ok(Assigned::Elsewhere(head.at.number()));
        }
        set(&session, homeserver).await?;
        commit(&session).await.map_err(unsure)?;
        Ok(Assigned::From(head.whose))
    });
    driver.end(Some(session));
    assigned
}

/// Makes the store a homeserver's, within a transaction that holds the head.
pub(super) async fn set(client: &Client, homeserver: &Homeserver) -> Result<(), StoreError> {
    execute(client, "update bailiwick.head set server_name = $1, homeserver = $2", homeserver).await.map(drop)
}

/// Makes the store a homeserver's if it is nobody's; whether it was. Whoever may not change anything leaves it as it is, and so does
/// whoever comes while somebody changes something, since he is asked again.
pub(super) async fn claim(client: &Client, homeserver: &Homeserver) -> Result<bool, StoreError> {
    let may = "select has_table_privilege('bailiwick.head', 'update') and not pg_is_in_recovery()";
    if !within(ANSWER_LIMIT, client.query_typed_one(may, &[])).await?.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let claim = "
        with nobodys as (select only_one from bailiwick.head where server_name is null for update skip locked)
        update bailiwick.head as head set server_name = $1, homeserver = $2 from nobodys
        where head.only_one = nobodys.only_one and head.server_name is null";
    Ok(execute(client, claim, homeserver).await? > 0)
}

async fn execute(client: &Client, statement: &str, homeserver: &Homeserver) -> Result<u64, StoreError> {
    let Whose { server_name, homeserver } = homeserver.into();
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&server_name, Type::TEXT), (&homeserver, Type::TEXT)];
    within(ANSWER_LIMIT, client.execute_typed(statement, &parameters)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homeserver::Dialect;

    fn homeserver(name: &str, dialect: &str) -> Homeserver {
        Homeserver::new(name.parse().expect("a name"), dialect.parse::<Dialect>().expect("a dialect"))
    }

    #[test]
    fn whoever_says_another_name_is_refused_and_told_both() {
        let kept = Whose::from(&homeserver("example.com", "synapse"));
        for (name, dialect) in [("exmaple.com", "synapse"), ("example.com", "tuwunel")] {
            let other = homeserver(name, dialect);
            for reader in [Reader::Serves(other.clone()), Reader::Judges(other)] {
                let said = reader.check(Some(&kept)).expect_err("another's").to_string();
                for word in ["example.com", "synapse", name, dialect, "bailiwick store assign"] {
                    assert!(said.contains(word), "{word}: {said}");
                }
                assert!(reader.check(None).is_ok());
            }
        }
        let same = homeserver("example.com", "synapse");
        assert!(
            Reader::Serves(same.clone()).check(Some(&kept)).is_ok() && Reader::Judges(same).check(Some(&kept)).is_ok()
        );
    }

    #[test]
    fn whoever_looks_may_ask_by_other_rules_and_by_no_other_name() {
        let kept = Whose::from(&homeserver("example.com", "dendrite"));
        let looks = |name: &str| Reader::Looks(name.parse().expect("a name")).check(Some(&kept));
        assert!(looks("example.com").is_ok() && Reader::Assigns.check(Some(&kept)).is_ok());
        let said = looks("exmaple.com").expect_err("another's").to_string();
        assert!(said.contains("exmaple.com") && said.contains("example.com"), "{said}");
    }

    #[test]
    fn what_somebody_has_written_by_hand_is_shown_as_what_it_is() {
        let kept = Whose { server_name: "a\u{1b}[2Jb".to_owned(), homeserver: "synapse".to_owned() };
        assert!(!kept.to_string().contains('\u{1b}'), "{kept}");
    }
}
