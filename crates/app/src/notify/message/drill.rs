//! A drill says so first, in every channel.

use model::{Alert, Cause, Name, Provenance};

use super::{Message, safe};

/// Stands before what a drill says happened.
const MARK: &str = "DRILL: ";

/// What happened, safe to show as text; of a drill that it is one, whatever its title says.
pub(super) fn headline(alert: &Alert) -> String {
    let title = match &alert.cause {
        Cause::Reported(report) if !report.is_own() => safe::untrusted(&report.title),
        _ => safe::title(alert.title()),
    };
    match alert.provenance() {
        Provenance::Live | Provenance::Canary => title,
        Provenance::Drill { .. } => format!("{MARK}{}", title.trim_start_matches(MARK)),
    }
}

/// What a drill is, in a sentence without its full stop.
pub(super) fn words(drill: &Name) -> String {
    format!("nothing of this happened, people practise (drill {drill})")
}

impl Message {
    /// Which drill it belongs to; `None`: it is real.
    pub fn drill(&self) -> Option<Name> {
        self.alert.provenance().drill().cloned()
    }

    /// What stands first in a line of its own: nothing when it is real.
    pub(super) fn mark(&self) -> &'static str {
        if self.drill().is_some() { "[DRILL] " } else { "" }
    }

    /// The headline without its mark, for where the mark stands already.
    pub(in crate::notify) fn bare_headline(&self) -> &str {
        match self.drill() {
            Some(_) => self.headline.strip_prefix(MARK).unwrap_or(&self.headline),
            None => &self.headline,
        }
    }
}
