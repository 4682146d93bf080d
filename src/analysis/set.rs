use crate::registration::{FileFacts, Registration};
use crate::ruling::Services;

/// What findings are computed about: services, and what the file system says about their files.
#[derive(Clone, Debug)]
pub struct Set<'s> {
    services: &'s Services,
    exposed: Vec<&'s Registration>,
}

impl<'s> Set<'s> {
    /// A set of which nothing is known but what the files say.
    #[must_use]
    pub const fn new(services: &'s Services) -> Self {
        Self { services, exposed: Vec::new() }
    }

    /// A set with what the file system says about the files.
    pub fn with_facts(services: &'s Services, files: impl IntoIterator<Item = (&'s Registration, FileFacts)>) -> Self {
        let exposed = files.into_iter().filter(|(_, facts)| facts.is_readable_by_all());
        let exposed = exposed.map(|(registration, _)| registration);
        Self { services, exposed: exposed.collect() }
    }

    /// The services.
    #[must_use]
    pub const fn services(&self) -> &'s Services {
        self.services
    }

    /// Those whose files every user of the machine can read.
    #[must_use]
    pub fn exposed(&self) -> &[&'s Registration] {
        &self.exposed
    }
}
