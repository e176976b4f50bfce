//! What somebody has accepted, by whom it concerns and until when.
//!
//! A waiver without an end is how a finding is forgotten, so each has one; when it is over, the
//! finding is back and the waiver itself is one more.

use model::UnixSeconds;

use super::{Diagnostic, Place, Report, Rule, Severity};

/// A finding that is accepted for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Id of the rule.
    pub rule: String,
    /// What is accepted: a contract, `Contract.item`, an item, a selector or a file; `*` stands
    /// for any characters.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// The first moment at which it no longer holds.
    pub until: UnixSeconds,
    /// `until` as the user wrote it.
    pub until_text: String,
    /// Where it is written.
    pub place: Place,
}

/// A waiver whose time is over.
pub static WAIVER_EXPIRED: Rule = Rule {
    id: "waiver-expired",
    what: "A waiver's time is over and what it waived is still there.",
    why: "Somebody accepted a risk for a while; nobody has accepted it since.",
    severity: Severity::Warning,
    help: "mend what it waived, or decide anew and write a later `until`",
};

/// A waiver that waives nothing.
pub static WAIVER_UNUSED: Rule = Rule {
    id: "waiver-unused",
    what: "A waiver fits no finding.",
    why: "It would silently accept a finding that comes later, which nobody has looked at.",
    severity: Severity::Note,
    help: "delete it",
};

pub(super) static RULES: &[&Rule] = &[&WAIVER_EXPIRED, &WAIVER_UNUSED];

impl Waiver {
    fn fits(&self, diagnostic: &Diagnostic) -> bool {
        self.rule == diagnostic.rule.id
            && diagnostic.places.iter().any(|place| {
                let parts = [&place.file, &place.contract, &place.item, &place.selector];
                fits(&self.subject, &place.subject())
                    || parts.into_iter().flatten().any(|part| fits(&self.subject, part))
            })
    }
}

/// Whether `text` is what `pattern` says, where `*` stands for any characters. Linear: the last
/// `*` is the only place to go back to.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

impl Report {
    /// Moves what is waived at `now` out of the findings, and adds a finding for each waiver that
    /// is over or that fits nothing.
    pub fn waive(&mut self, waivers: &[Waiver], now: UnixSeconds) {
        let mut is_used = vec![false; waivers.len()];
        let mut kept = Vec::new();
        for diagnostic in std::mem::take(&mut self.diagnostics) {
            let mut accepted = None;
            for (waiver, used) in waivers.iter().zip(&mut is_used) {
                if waiver.fits(&diagnostic) {
                    *used = true;
                    if now < waiver.until {
                        accepted = Some(waiver);
                    }
                }
            }
            match accepted {
                Some(waiver) => self.waived.push((diagnostic, waiver.reason.clone())),
                None => kept.push(diagnostic),
            }
        }
        for (waiver, is_used) in waivers.iter().zip(is_used) {
            let Waiver { rule, subject, reason, until_text, .. } = waiver;
            let what = format!("the waiver of {rule} for {subject:?}");
            let place = waiver.place.clone();
            if !is_used {
                let message = format!("{what} fits no finding");
                kept.push(Diagnostic::new(&WAIVER_UNUSED, message).at(place));
            } else if waiver.until <= now {
                let message = format!("{what} ended on {until_text}");
                let note = format!("its reason was: {reason}");
                kept.push(Diagnostic::new(&WAIVER_EXPIRED, message).at(place).with_note(note));
            }
        }
        self.diagnostics = kept;
    }
}
