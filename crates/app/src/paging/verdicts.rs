//! What people say while they answer counts for the figures of quality as what they say afterwards.

use alert::{life::Deed, pager::Input};
use model::{Alert, AlertVerdict, Assessment, BECAUSE_LEN_MAX, UnixMillis};
use store::{Store, StoreError};

/// The verdicts that these inputs hold: whoever calls an alert benign, from whichever side, says that
/// it happened and was meant to. Nothing of a drill happened, so nothing is said of it.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn verdicts(
    store: &Store,
    inputs: &[Input],
    now: UnixMillis,
) -> Result<Vec<AlertVerdict>, StoreError> {
    let mut verdicts = Vec::new();
    for input in inputs {
        let Input::Said { alerts, by, deed: Deed::Benign, at, reason } = input else { continue };
        let because = match reason.trim() {
            "" => "judged benign",
            reason => &reason[..reason.floor_char_boundary(BECAUSE_LEN_MAX)],
        };
        let of = |alert: &Alert| {
            let assessment = Some(Assessment::BenignTrue);
            AlertVerdict::new(alert, assessment, by.as_str(), because, (*at).min(now))
        };
        for alert in store.outbox().alerts_of(alerts)? {
            if !alert.provenance().is_live() {
                continue;
            }
            match of(&alert) {
                Ok(verdict) => verdicts.push(verdict),
                Err(error) => tracing::error!(alert = %alert.id, %error, "a verdict is not kept"),
            }
        }
    }
    Ok(verdicts)
}
