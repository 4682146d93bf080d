//! What lasts across a restart: what is taken from it, and what is given to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Engine, recorded};
use crate::homeserver::Dialect;
use crate::kept::{InForce, Others, StateDir};
use crate::registration::{Registration, TokenDigest};
use crate::reload::state::State;
use crate::reload::{Options, Trigger};
use crate::snapshot::{Good, MissingSource, Snapshot};
use crate::source::{Absence, Known, Source};

impl Engine {
    /// What is missing, and the copies of which nobody can tell what they held.
    pub(super) fn with_damaged_copies(
        &mut self,
        mut missing: Vec<MissingSource>,
        states: &[State],
        trigger: Trigger,
        allow_empty: bool,
    ) -> Vec<MissingSource> {
        let Some(kept) = &mut self.state else { return missing };
        let loads = |known: &Known| known.offered().is_ok();
        if allow_empty {
            kept.forget_damaged();
        } else if trigger == Trigger::Request
            && missing.is_empty()
            && states.iter().flat_map(|state| &state.files).all(loads)
        {
            // Every file is there and says what it claims: whoever confirms that knows what there is to know.
            kept.forget_damaged_held();
        }
        missing.extend(kept.damaged(states.iter().flat_map(|state| &state.files).map(Known::file)));
        missing.extend(kept.damaged_held());
        missing
    }

    /// A file that cannot be loaded, and of which nothing is known, holds what it held once, before the service was
    /// started or before it was gone for a while. Unless another has come to be that service meanwhile: what is held has been
    /// in force together, as whoever decides who gets in relies on.
    pub(super) fn recall(&self, states: &mut [State]) {
        let Some(kept) = &self.state else { return };
        let refused = |file: &Known| file.held().is_none() && file.offered().is_err();
        let copies: HashMap<Arc<str>, Good> = (states.iter().flat_map(|state| &state.files))
            .filter(|file| refused(file))
            .filter_map(|file| {
                let name: Arc<str> = file.file().into();
                let good = kept.recall(&name, &*self.options.loader)?;
                Some((name, good))
            })
            .collect();
        if copies.is_empty() {
            return;
        }
        let mut held = HeldServices::of(states, self.options.homeserver.dialect);
        for file in states.iter_mut().flat_map(|state| &mut state.files).filter(|file| refused(file)) {
            if let Some(good) = copies.get(file.file())
                && held.admits(&good.registration)
            {
                *file = file.holding(Some(good.clone()));
            }
        }
    }

    /// Keeps what is in force, or is about to be, for the next start.
    pub(super) fn remember(&mut self, snapshot: &Snapshot, confirmed: bool) {
        let Some(kept) = self.state.as_mut().filter(|_| snapshot.is_ready()) else { return };
        // First, since what is there no more is to be made again whatever is in force.
        if !kept.has_lost_any() && self.remembered == Some(snapshot.generation()) {
            return kept.discard();
        }
        let all: Vec<InForce<'_>> = (self.states.iter().zip(&self.sources))
            .flat_map(|(state, source)| {
                // What a file was is copied from its copy before that is replaced.
                let files = state.away.iter().chain(&state.files);
                files.filter_map(move |file| in_force(file, source))
            })
            .collect();
        let all = kept.save((&all, Others::Gone), note(&self.states), confirmed);
        self.metrics.state_saved(all);
        self.remembered = all.then_some(snapshot.generation());
    }

    /// Keeps what has become of a few files, which is about to be in force among others of which all is kept; if it is not, keeps all.
    pub(super) fn remember_step(&mut self, (before, after): (&Snapshot, &Snapshot), step: Kept<'_>) {
        let Some(kept) = &mut self.state else { return };
        let is_all_kept = self.remembered == Some(before.generation()) && kept.is_locked() && !kept.has_lost_any();
        if !is_all_kept {
            return self.remember(after, false);
        }
        let Kept { source, gone, put } = step;
        let files = put.iter().filter_map(|&at| self.states[source].files.get(at));
        let some: Vec<InForce<'_>> = files.filter_map(|file| in_force(file, &self.sources[source])).collect();
        let gone: Vec<Arc<str>> = gone.iter().map(|known| known.file().into()).collect();
        let all = kept.save((&some, Others::AsTheyWere { but: &gone }), note(&self.states), false);
        self.metrics.state_saved(all);
        self.remembered = all.then_some(after.generation());
    }
}

/// What has become of a few files of a source.
#[derive(Clone, Copy)]
pub(super) struct Kept<'k> {
    pub(super) source: usize,
    /// Those that are gone.
    pub(super) gone: &'k [Known],
    /// Where those stand that were put.
    pub(super) put: &'k [usize],
}

/// What a source has said of itself.
fn note(states: &[State]) -> Option<&str> {
    recorded(states).next().map(|recorded| &*recorded.note)
}

/// Which services are in force.
struct HeldServices {
    ids: HashSet<Arc<str>>,
    /// None where services may share them.
    tokens: HashSet<TokenDigest>,
    shares_tokens: bool,
    /// Whether any has a prefix, of which nobody else may have any part.
    any_prefix: bool,
}

impl HeldServices {
    fn of(states: &[State], dialect: Dialect) -> Self {
        let (ids, tokens) = (HashSet::new(), HashSet::new());
        let mut held = Self { ids, tokens, shares_tokens: dialect.shares_tokens(), any_prefix: false };
        let known = states.iter().flat_map(|state| state.files.iter().chain(&state.away));
        known.filter_map(|known| known.held()).for_each(|good| held.add(&good.registration));
        held
    }

    fn add(&mut self, registration: &Registration) {
        self.ids.insert(registration.id().into());
        if !self.shares_tokens {
            self.tokens.insert(registration.as_token());
        }
        self.any_prefix |= registration.proxy_prefix().is_some();
    }

    /// Whether another can be in force beside them; if so, it is one of them from then on.
    fn admits(&mut self, registration: &Registration) -> bool {
        let collides = self.ids.contains(registration.id())
            || self.tokens.contains(&registration.as_token())
            || (self.any_prefix && registration.proxy_prefix().is_some());
        if !collides {
            self.add(registration);
        }
        !collides
    }
}

/// The copies, and what they say was in force of each file that can be of this service.
pub(super) fn opened(options: &Options) -> (Option<StateDir>, Vec<(Arc<str>, Good)>) {
    let mut recalled = Vec::new();
    let state = options.state_dir.as_deref().map(|dir| {
        let (mut kept, copies) = StateDir::open(dir, &options.homeserver.name, &*options.loader);
        // Of what another service keeps at this moment, only what can be of this one is taken for its own.
        let is_ours = |file: &str| options.sources.iter().any(|source| source.could_list(file));
        let is_locked = kept.is_locked();
        let is_taken = |file: &str| is_locked || is_ours(file);
        let (ours, others): (Vec<_>, Vec<_>) = copies.into_iter().partition(|(file, _)| is_taken(file));
        for (file, _) in &others {
            kept.disown(file);
        }
        recalled = ours;
        kept
    });
    (state, recalled)
}

/// What is in force of a file, as it is to be kept.
fn in_force<'f>(file: &'f Known, source: &'f Source) -> Option<InForce<'f>> {
    let held = file.held()?;
    let is_lost = file.absence() == Some(Absence::Lost);
    let (hash, more) = match (&held.holding, &file.offered()) {
        _ if is_lost => (None, Vec::new()),
        (None, _) => (Some(held.hash()), Vec::new()),
        (Some(holding), Ok(offered)) if offered.hash() == holding.beside => {
            (Some(offered.hash()), holding.claims.clone())
        }
        // There are no bytes of it any more: the copy that is there is of what it was made of.
        (Some(_), _) => (None, Vec::new()),
    };
    let formerly = file.formerly();
    Some(InForce { file: file.file(), hash, is_lost, more, version: file.version(), formerly, source })
}

/// Tells each source what it said of itself before, if it did.
pub(super) fn tell_of_before(sources: &[Source], states: &[State], kept: Option<&StateDir>) {
    let Some(note) = kept.and_then(StateDir::note) else { return };
    for (source, state) in sources.iter().zip(states) {
        source.recall(note, state.known().iter().map(|known| known.file().into()).collect());
    }
}

const LOST_BEFORE: &str = "what listed this file was lost when the service was stopped, and it is not back";

/// What is known of each source at first: what was in force of it before the service was started.
pub(super) fn recalled_by(
    sources: &[Source],
    copies: Vec<(Arc<str>, Good)>,
    was_lost: impl Fn(&str) -> bool,
) -> Vec<State> {
    let mut files = vec![Vec::new(); sources.len()];
    for (file, good) in copies {
        let source = sources.iter().position(|source| source.could_list(&file));
        let was_lost = source.is_some() && was_lost(&file);
        let known = Known::recalled(&file, good);
        let known = if was_lost && known.formerly().is_none() { known.lost(LOST_BEFORE) } else { known };
        // What belongs to no source any more is held like what is gone.
        if let Some(files) = files.get_mut(source.unwrap_or(0)) {
            files.push(known);
        }
    }
    let recalled = |(files, source): (Vec<Known>, &Source)| State::recalled(files, source.may_be_away_at_start());
    files.into_iter().zip(sources).map(recalled).collect()
}
