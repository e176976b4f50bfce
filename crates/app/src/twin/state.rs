//! What is known of the other installations that tell the same people.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use alert::{
    pager::{Verdict, Why},
    twin::{Because, Decision, Hearing, Other, SILENT_S, Spoken, Waiting, Word, decide},
};
use model::{Name, UnixMillis};
use store::TwinWord;
use tokio::sync::Notify;

use super::{Talk, talk::spoken};
use crate::{
    config::Config,
    signature::SigningKey,
    snapshot::{Code, Reason, Verdict as Trusted},
    words::span,
};

/// What people configured of them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Signs what this installation says.
    pub key: Option<Arc<SigningKey>>,
    /// The others.
    pub twins: Vec<Twin>,
    /// EIP-155 ids by the names that the networks have here.
    pub chains: BTreeMap<Name, u64>,
    /// Those who may be believed by name; none: everybody.
    pub people: Vec<Name>,
}

/// Another installation that tells the same people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// What people call it.
    pub name: Name,
    /// Where its pages are, without a slash at the end.
    pub url: String,
    /// Its public key, hexadecimal.
    pub key: String,
    /// Whether it speaks before this one.
    pub is_first: bool,
    /// How long a message is held back for it, in milliseconds.
    pub hold_ms: u64,
}

/// The others in a configuration. Without a key nobody would believe what is said here, so there
/// are none.
pub fn settings(config: &Config) -> Settings {
    let pulse = config.pulse();
    let Some(key) = pulse.key.clone() else { return Settings::default() };
    let ours = key.public();
    let twins = pulse.peers.iter().filter_map(|peer| {
        let twin = peer.twin?;
        Some(Twin {
            name: peer.name.clone(),
            url: peer.url.clone(),
            key: peer.key.clone(),
            is_first: twin.speaks_first.unwrap_or(peer.key.to_lowercase() < ours),
            hold_ms: twin.hold_ms,
        })
    });
    let chains = config.networks.iter().map(|network| &network.chain);
    Settings {
        twins: twins.collect(),
        key: Some(key),
        chains: chains.map(|chain| (chain.name.clone(), chain.chain_id)).collect(),
        people: config.people.clone(),
    }
}

/// What is known of one of them.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    /// When it was asked first.
    pub(super) since: UnixMillis,
    /// When it was last heard, by our clock, and what it said.
    pub(super) heard: Option<(UnixMillis, Talk)>,
    /// Why the last question has no answer.
    pub(super) error: Option<String>,
    /// Whether there was an answer that cannot be believed.
    pub(super) is_disbelieved: bool,
    /// Since when nothing was heard, for the trouble that people are told of.
    pub(super) silent_since: UnixMillis,
}

/// One of them, and when it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Which.
    pub twin: Twin,
    /// When, by our clock; `None`: never.
    pub at: Option<UnixMillis>,
    /// Why the last question has no answer.
    pub error: Option<String>,
    /// Networks of this installation that it does not see.
    pub does_not_see: Vec<Name>,
}

/// How a message enters the outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FirstStep {
    /// For whom it is held back, and until when.
    pub(crate) held: Option<(Name, UnixMillis)>,
    /// What is put on record of it.
    pub(crate) ruling: Option<(Verdict, Why)>,
}

#[derive(Debug, Default)]
struct Known {
    settings: Arc<Settings>,
    ears: BTreeMap<Name, Ear>,
    /// What is being told in public, by the message's number: as many as are told at one time.
    publishing: BTreeMap<i64, TwinWord>,
}

/// The others, and what is known of them. Clones share everything; the default has none.
#[derive(Debug, Clone, Default)]
pub struct Twins {
    known: Arc<RwLock<Known>>,
    wake: Arc<Notify>,
}

impl Twins {
    /// Replaces what people configured. What is known of an installation with the same key stays.
    pub fn set(&self, settings: Settings, now: UnixMillis) {
        let mut known = self.write();
        let was = std::mem::take(&mut known.ears);
        for twin in &settings.twins {
            let same = known.settings.twins.iter().find(|old| old.key == twin.key);
            let ear = same.and_then(|old| was.get(&old.name)).cloned();
            let new = || Ear {
                since: now,
                heard: None,
                error: None,
                is_disbelieved: false,
                silent_since: now,
            };
            known.ears.insert(twin.name.clone(), ear.unwrap_or_else(new));
        }
        known.settings = Arc::new(settings);
        drop(known);
        self.wake.notify_one();
    }

    /// Whether there are none.
    pub fn is_alone(&self) -> bool {
        self.read().settings.twins.is_empty()
    }

    /// All of them, and when each was heard.
    pub fn heard(&self) -> Vec<Heard> {
        let known = self.read();
        let heard = known.settings.twins.iter().map(|twin| {
            let ear = known.ears.get(&twin.name);
            Heard {
                twin: twin.clone(),
                at: ear.and_then(|ear| ear.heard.as_ref()).map(|(at, _)| *at),
                error: ear.and_then(|ear| ear.error.clone()),
                does_not_see: unseen(&known.settings.chains, ear),
            }
        });
        heard.collect()
    }

    /// A public message is being told now; with `None`, that is over, and the others should hear what
    /// came of it.
    pub(crate) fn publishes(&self, message: i64, word: Option<TwinWord>) {
        let mut known = self.write();
        match word {
            Some(word) => drop(known.publishing.insert(message, word)),
            None => drop(known.publishing.remove(&message)),
        }
        drop(known);
        self.wake.notify_one();
    }

    /// What is being told in public.
    pub(super) fn publishing(&self) -> Vec<TwinWord> {
        self.read().publishing.values().cloned().collect()
    }

    /// Wakes whoever talks to them.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        self.read().settings.clone()
    }

    pub(super) fn ear(&self, twin: &Name) -> Option<Ear> {
        self.read().ears.get(twin).cloned()
    }

    /// Takes what one of them said.
    pub(super) fn hear(&self, twin: &Name, talk: Talk, now: UnixMillis) {
        if let Some(ear) = self.write().ears.get_mut(twin) {
            *ear = Ear {
                since: ear.since,
                heard: Some((now, talk)),
                error: None,
                is_disbelieved: false,
                silent_since: now,
            };
        }
    }

    /// Notes that one of them did not answer, or so that it cannot be believed.
    pub(super) fn miss(&self, twin: &Name, error: String, is_disbelieved: bool) {
        if let Some(ear) = self.write().ears.get_mut(twin) {
            (ear.error, ear.is_disbelieved) = (Some(error), is_disbelieved);
        }
    }

    /// What becomes of a message that says these words about alerts of these networks. `stored`:
    /// what the others told about them.
    pub fn decide(
        &self,
        words: &[Word],
        networks: &[Name],
        decided_at: UnixMillis,
        stored: Vec<(Name, TwinWord)>,
        now: UnixMillis,
    ) -> Decision {
        let known = self.read();
        let chains: Vec<u64> =
            networks.iter().filter_map(|name| known.settings.chains.get(name).copied()).collect();
        let mut said: Vec<(Name, Spoken)> =
            stored.into_iter().map(|(twin, word)| (twin, spoken(word))).collect();
        let mut others = Vec::new();
        for twin in &known.settings.twins {
            let Some(ear) = known.ears.get(&twin.name) else { continue };
            if let Some((_, talk)) = &ear.heard {
                let under_way = talk.under_way.iter().filter_map(|told| told.stored());
                said.extend(under_way.map(|word| (twin.name.clone(), spoken(word))));
            }
            others.push(Other {
                name: twin.name.clone(),
                is_first: twin.is_first,
                hold_ms: twin.hold_ms,
                hearing: hearing(ear, &chains),
            });
        }
        let message = Waiting { words, chains: &chains, decided_at };
        decide(&message, &others, &said, now)
    }

    /// What a decision means for a message that is about to be put into the outbox. What is told by
    /// another one waits until that is written down.
    pub(crate) fn first_step(&self, decision: &Decision, now: UnixMillis) -> FirstStep {
        match decision {
            Decision::Send(Because::First) => FirstStep::default(),
            Decision::Send(because) => {
                let why = Why::TwinNot { because: because.to_string() };
                FirstStep { held: None, ruling: Some((Verdict::Released, why)) }
            }
            Decision::Hold { twin, until } => {
                let why = Why::TwinFirst { twin: twin.clone() };
                let ruling = Some((Verdict::Held { until: *until }, why));
                FirstStep { held: Some((twin.clone(), *until)), ruling }
            }
            Decision::Told { twin, .. } => {
                let until = now.plus((SILENT_S * 1_000) as i64);
                FirstStep { held: Some((twin.clone(), until)), ruling: None }
            }
        }
    }

    /// What people should know of them.
    pub fn reasons(&self, now: UnixMillis) -> Vec<Reason> {
        let known = self.read();
        let mut reasons = Vec::new();
        let mut add = |code, text| {
            reasons.push(Reason { network: None, code, verdict: Trusted::Partly, text });
        };
        for twin in &known.settings.twins {
            let Some(ear) = known.ears.get(&twin.name) else { continue };
            let name = &twin.name;
            let silent_ms = now.millis_since(ear.silent_since).max(0) as u64;
            if silent_ms >= SILENT_S * 1_000 {
                let why = ear.error.as_deref().map(|error| format!(": {error}"));
                let text = format!(
                    "people may be told twice: nothing was agreed with the twin {name} for {}{}",
                    span(silent_ms / 1_000),
                    why.unwrap_or_default()
                );
                add(Code::TwinSilent, text);
            } else if let Some((_, talk)) = &ear.heard
                && talk.speaks_first != twin.is_first
            {
                let who = if twin.is_first { "neither" } else { "both" };
                let text = format!(
                    "{who} of this installation and the twin {name} means to speak first: speaks_first \
                     must be true at one of them"
                );
                add(Code::TwinAtOdds, text);
            }
        }
        reasons
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Networks that one did not see when it was last heard.
fn unseen(chains: &BTreeMap<Name, u64>, ear: Option<&Ear>) -> Vec<Name> {
    let sees = ear.and_then(|ear| ear.heard.as_ref()).map(|(_, talk)| &*talk.sees);
    let unseen = chains.iter().filter(|(_, id)| !sees.unwrap_or_default().contains(id));
    unseen.map(|(name, _)| name.clone()).collect()
}

/// Whether one is heard, for a message about these chains.
fn hearing(ear: &Ear, chains: &[u64]) -> Hearing {
    if ear.is_disbelieved {
        let why = ear.error.clone().unwrap_or_default();
        return Hearing::NotBelieved { why };
    }
    match &ear.heard {
        None => Hearing::NotYet { since: ear.since },
        Some((at, talk)) => {
            let unseen = chains.iter().copied().filter(|id| !talk.sees.contains(id));
            Hearing::Heard { at: *at, blind: unseen.collect() }
        }
    }
}
