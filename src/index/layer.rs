use super::Size;
use super::table::Table;
use crate::homeserver::Homeserver;
use crate::list::List;
use crate::matrix::{Kind, PerKind};
use crate::registration::Registration;

/// Registrations built together. Each has a slot: its position among these.
#[derive(Debug)]
pub(super) struct Layer {
    registrations: List<Registration>,
    tables: PerKind<Table>,
}

impl Layer {
    /// Builds one; what layers of the same homeserver before it have built is taken from there.
    pub(super) fn new(homeserver: &Homeserver, registrations: List<Registration>, known: &[&Self]) -> Self {
        let known = |kind| known.iter().map(|layer| layer.table(kind)).collect::<Vec<_>>();
        let table = |kind| Table::new(kind, homeserver, &registrations, &known(kind));
        let mut tables = PerKind::new(|_| Table::default());
        (tables[Kind::User], (tables[Kind::Alias], tables[Kind::Room])) =
            rayon::join(|| table(Kind::User), || rayon::join(|| table(Kind::Alias), || table(Kind::Room)));
        Self { registrations, tables }
    }

    pub(super) fn registrations(&self) -> &List<Registration> {
        &self.registrations
    }

    pub(super) fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind]
    }

    pub(super) fn size(&self) -> Size {
        let of =
            |table: &Table| Size { bytes: table.memory_usage(), entries: table.entries(), automata: table.automata() };
        self.tables.values().map(of).fold(Size::default(), Size::plus)
    }
}
