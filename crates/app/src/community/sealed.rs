//! Documents that everybody can check: a notice in a DSSE envelope.

use alert::public::Notice;
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::signature::Envelope;

/// The type that is signed with it, so that a notice is no other document.
pub const NOTICE_TYPE: &str = "application/vnd.bellwether.public-alert.v1+json";

/// A notice with who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedNotice {
    /// What the publisher calls itself.
    pub issuer: String,
    /// Where the notice stands, in its newest form.
    pub url: String,
    /// What is told.
    pub notice: Notice,
    /// Further alerts that the same message counts; they stand at `url`'s list.
    #[serde(default, skip_serializing_if = "is_none")]
    pub others: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(others: &u64) -> bool {
    *others == 0
}

impl Settings {
    /// The signed document of a notice.
    ///
    /// # Errors
    /// When there is no key.
    pub fn seal(&self, notice: &Notice, others: u64) -> anyhow::Result<Envelope> {
        let key = self.key.as_ref().ok_or_else(|| anyhow::anyhow!("there is no signing key"))?;
        let (issuer, url) = (self.name.clone(), self.page_of(notice));
        key.seal(NOTICE_TYPE, &SealedNotice { issuer, url, notice: notice.clone(), others })
    }
}

/// What an envelope says, when `public` (hexadecimal) signed it.
///
/// # Errors
/// When it is of another kind, damaged, or not signed by that key.
pub fn opened(envelope: &Envelope, public: &str) -> anyhow::Result<SealedNotice> {
    envelope.open(NOTICE_TYPE, public)
}
