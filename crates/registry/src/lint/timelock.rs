//! Whether declared timelocks give people the time to react.
//!
//! What a timelock's contract really says is read on the chain and watched there; this judges what
//! the user's files declare, before anything runs.

use super::{Diagnostic, Place, Report, Rule, Severity};

/// A delay too short to react in.
static TIMELOCK_TOO_SHORT: Rule = Rule {
    id: "timelock-too-short",
    what: "A timelock's declared delay is shorter than the policy asks.",
    why: "Between the announcement of a change and the change itself, people must be able to see it, \
          judge it and leave; 24 hours is the least that crosses every time zone's working day.",
    severity: Severity::Warning,
    help: "raise the delay to at least the policy's, or write the policy you mean under [timelock] in lints.toml",
};

/// Nobody has said how long.
static TIMELOCK_UNDECLARED: Rule = Rule {
    id: "timelock-undeclared",
    what: "A timelock is guarded without a declared delay.",
    why: "Neither this lint nor a monitor can tell that the delay on the chain is not the one that \
          was promised.",
    severity: Severity::Warning,
    help: "write min_delay = \"48h\" (what its getMinDelay answers) in the deployment's file",
};

pub(super) static RULES: &[&Rule] = &[&TIMELOCK_TOO_SHORT, &TIMELOCK_UNDECLARED];

/// The least delay that a policy may ask, in seconds: 24 hours.
pub const TIMELOCK_FLOOR_S: u64 = 24 * 3_600;

/// The least delay unless the user's policy says otherwise, in seconds: 48 hours.
pub const TIMELOCK_POLICY_S: u64 = 48 * 3_600;

/// A timelock as the user declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredTimelock {
    /// Its label and where it is declared.
    pub place: Place,
    /// Its least delay in seconds.
    pub min_delay_s: Option<u64>,
}

/// Judges all declared timelocks; a policy below the floor counts as the floor.
pub fn check(timelocks: &[DeclaredTimelock], policy_s: u64) -> Report {
    let policy_s = policy_s.max(TIMELOCK_FLOOR_S);
    let mut report = Report { judged: timelocks.len(), ..Report::default() };
    for timelock in timelocks {
        let name = timelock.place.contract.as_deref().unwrap_or_default();
        let found = match timelock.min_delay_s {
            None => Diagnostic::new(&TIMELOCK_UNDECLARED, format!("{name} declares no min_delay")),
            Some(delay_s) if delay_s < policy_s => {
                let (is_below_floor, least_s) =
                    (delay_s < TIMELOCK_FLOOR_S, TIMELOCK_FLOOR_S.min(policy_s));
                let (word, limit_s) =
                    if is_below_floor { ("floor", least_s) } else { ("policy", policy_s) };
                let message = format!(
                    "{name} delays by {}, the {word} is {}",
                    hours(delay_s),
                    hours(limit_s)
                );
                let severity = if is_below_floor { Severity::Error } else { Severity::Warning };
                Diagnostic::new(&TIMELOCK_TOO_SHORT, message).with_severity(severity)
            }
            Some(_) => continue,
        };
        report.diagnostics.push(found.at(timelock.place.clone()));
    }
    report
}

fn hours(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_held_against_the_policy_and_never_below_the_floor() {
        let said = |delay_s, policy_s| {
            let place = Place::contract("deployments/timelock.toml", "timelock");
            let report = check(&[DeclaredTimelock { place, min_delay_s: delay_s }], policy_s);
            report.diagnostics.first().map(|found| format!("{}: {}", found.severity, found.message))
        };
        let (h24, h48) = (TIMELOCK_FLOOR_S, TIMELOCK_POLICY_S);
        assert_eq!(said(Some(h48), h48), None);
        assert_eq!(
            said(Some(h48 - 60), h48).as_deref(),
            Some("warning: timelock delays by 47 h 59 min, the policy is 48 h")
        );
        assert_eq!(
            said(Some(h24 - 1), h48).as_deref(),
            Some("error: timelock delays by 23 h 59 min, the floor is 24 h")
        );
        assert_eq!(
            said(Some(0), 0).as_deref(),
            Some("error: timelock delays by 0 s, the floor is 24 h")
        );
        assert_eq!(said(Some(h24), 0), None, "a policy below the floor counts as the floor");
        assert_eq!(said(None, h48).as_deref(), Some("warning: timelock declares no min_delay"));
    }
}
