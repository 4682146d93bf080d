use std::sync::Arc;

use super::Size;
use super::table::Table;
use crate::matrix::{Kind, ServerName};
use crate::registration::Registration;

/// Registrations built together. Each has a slot: its position among these.
#[derive(Debug)]
pub(super) struct Layer {
    registrations: Vec<Arc<Registration>>,
    users: Table,
    aliases: Table,
    rooms: Table,
}

impl Layer {
    pub(super) fn new(server_name: &ServerName, registrations: Vec<Arc<Registration>>) -> Self {
        let table = |kind| Table::new(kind, server_name, &registrations);
        let (users, (aliases, rooms)) =
            rayon::join(|| table(Kind::User), || rayon::join(|| table(Kind::Alias), || table(Kind::Room)));
        Self { registrations, users, aliases, rooms }
    }

    pub(super) fn registrations(&self) -> &[Arc<Registration>] {
        &self.registrations
    }

    pub(super) const fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::User => &self.users,
            Kind::Alias => &self.aliases,
            Kind::Room => &self.rooms,
        }
    }

    pub(super) fn size(&self) -> Size {
        let size = |kind| {
            let table = self.table(kind);
            Size { bytes: table.memory_usage(), entries: table.entries(), automata: table.automata() }
        };
        Kind::ALL.map(size).into_iter().fold(Size::default(), Size::plus)
    }
}
