//! Two installations that tell the same public: everybody hears once.
//!
//! A message is compared like one to people ([`alert::twin`]): the same channel, the same notice, the
//! same revision. A notice's id is never an alert's, so that what is told in public and what is told to
//! people can not be taken for one another, although both travel in one exchange. Readers of a list
//! are compared by a digest: no address leaves the installation.
//!
//! A message that counts others is told by both: what each of them counts may differ.

use alert::{
    pager::Whom,
    public::{Notice, Status},
    twin::{Decision, SAME_S, Word},
};
use model::{AlertId, Name, NotificationKind, Secret, Severity, UnixMillis};
use sha2::{Digest as _, Sha256};
use store::{PublicMessage, Store, StoreError, TwinWord};

use super::Said;
use crate::{
    twin::Twins,
    words::{seconds, utc},
};

/// Delivered messages that one exchange tells of: what both say within [`SAME_S`], unless a list is
/// longer than this; its readers beyond may hear twice.
const PUBLISHED_MAX: usize = 1_000;

/// What becomes of a message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Agreed {
    /// It is told.
    Speak,
    /// It waits for word of another installation.
    Wait(UnixMillis),
    /// Another installation told it: by whom, when, with which receipt.
    Told(String),
}

/// What a message says to whom, as it is compared; and what it is about.
fn word(message: &PublicMessage, address: Option<&Secret<String>>) -> Option<(Word, Said)> {
    let said: Said = serde_json::from_str(&message.body).ok()?;
    let Notice { id, revision, status, severity, .. } = &said.lead;
    let kind = match (status, revision) {
        (Status::Ongoing, 0 | 1) => NotificationKind::Opened,
        (Status::Ongoing, _) => NotificationKind::Updated,
        (Status::Over | Status::Harmless, _) => NotificationKind::Closed,
        (Status::Retracted, _) => NotificationKind::Retracted,
    };
    let person = match (message.subscriber, address) {
        (0, _) => None,
        (_, Some(address)) => Some(reader(&message.channel, address)),
        // They left: nobody can be told the same.
        (_, None) => return None,
    };
    let whom = Whom { channel: message.channel.clone(), person };
    let severity = severity.unwrap_or(Severity::Info);
    Some((Word { whom, alert: AlertId(id.0), kind, severity, sequence: *revision }, said))
}

/// Who reads a list, without saying who it is.
fn reader(channel: &Name, address: &Secret<String>) -> Name {
    let mut hash = Sha256::new();
    hash.update(b"public-reader/1");
    hash.update((channel.as_str().len() as u64).to_be_bytes());
    hash.update(channel.as_str().as_bytes());
    hash.update(address.reveal().to_lowercase().as_bytes());
    Name::new(&hex::encode(&hash.finalize()[..16])).expect("hexadecimal digits are a name")
}

fn spoken(word: Word, at: UnixMillis, receipt: Option<String>) -> TwinWord {
    let Word { whom: Whom { channel, person }, alert, kind, severity, sequence } = word;
    TwinWord { alert, receiver: channel, person, kind, severity, sequence, at, receipt }
}

/// What is being told while an attempt runs.
pub(super) fn under_way(
    message: &PublicMessage,
    address: Option<&Secret<String>>,
    now: UnixMillis,
) -> Option<TwinWord> {
    word(message, address).map(|(word, _)| spoken(word, now, None))
}

/// What this installation told in public lately, for others that tell the same.
pub(crate) fn published(store: &Store, now: UnixMillis) -> Result<Vec<TwinWord>, StoreError> {
    let since = now.plus(-((SAME_S * 1_000) as i64));
    let delivered = store.public_delivered(since, PUBLISHED_MAX)?;
    let told = delivered.into_iter().filter_map(|told| {
        let (word, _) = word(&told.message, told.address.as_ref())?;
        Some(spoken(word, told.message.decided_at, Some(told.receipt)))
    });
    Ok(told.collect())
}

/// Whether a message is to be told now.
pub(super) fn agreed(
    store: &Store,
    twins: &Twins,
    message: &PublicMessage,
    address: Option<&Secret<String>>,
    now: UnixMillis,
) -> Result<Agreed, StoreError> {
    let Some((word, said)) = word(message, address).filter(|(_, said)| said.others == 0) else {
        return Ok(Agreed::Speak);
    };
    let networks: Vec<Name> = said.lead.network.into_iter().collect();
    let known = store.twin_words(&[word.alert])?;
    Ok(match twins.decide(&[word], &networks, message.decided_at, known, now) {
        Decision::Send(_) => Agreed::Speak,
        Decision::Hold { until, .. } => Agreed::Wait(until),
        Decision::Told { twin, at, receipt } => {
            Agreed::Told(format!("told by the twin {twin} at {}: {receipt}", utc(seconds(at))))
        }
    })
}
