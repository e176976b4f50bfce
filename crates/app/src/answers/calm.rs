//! The silence that a button asks for.

use alert::{
    Labels, Matcher,
    quiet::{Silence, SilenceKind},
};
use model::{Name, UnixMillis};
use sha2::{Digest as _, Sha256};

use super::Wish;

/// What a silence is about: where, which rule, what. Severity is not among them: what is like it
/// and worse would be told otherwise, and that is the point of a second signature.
const ABOUT: [&str; 5] = ["alertname", "network", "monitor", "deployment", "protocol"];

/// Labels one of which must be the same in all alerts of the message: a whole network is never
/// silenced by a button.
const RULE: [&str; 2] = ["monitor", "alertname"];

/// The silence about what alerts with these labels have in common; `None` when that is not even
/// their rule. Two people who ask for the same mean the same silence: its name follows from what it
/// is about, so that the second one signs what the first one asked for.
pub(super) fn silence(
    alerts: &[Labels],
    wish: Wish,
    by: &Name,
    now: UnixMillis,
    reason: &str,
) -> Option<Silence> {
    let lasts_ms = wish.silence_ms()?;
    let (first, rest) = alerts.split_first()?;
    let is_common = |label: &&str| {
        let value = first.get(label);
        !value.is_empty() && rest.iter().all(|other| other.get(label) == value)
    };
    let common: Vec<&str> = ABOUT.into_iter().filter(is_common).collect();
    if !common.iter().any(|label| RULE.contains(label)) {
        return None;
    }
    let matchers = common.iter().map(|label| Matcher::equal(label, first.get(label))).collect();
    let mut hash = Sha256::new();
    hash.update([wish.code()]);
    for label in &common {
        for part in [*label, first.get(label)] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let id = format!("answer-{}", &hex::encode(hash.finalize())[..16]);
    Some(Silence {
        id: Name::new(&id).expect("letters, a dash and hexadecimal digits are a name"),
        kind: SilenceKind::Silence,
        matchers,
        from: now,
        until: now.plus(lasts_ms),
        signed: [(by.clone(), now)].into(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alert::quiet::Veil;

    fn labels(pairs: &[(&'static str, &'static str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn asked(alerts: &[Labels], by: &str) -> Option<Silence> {
        let by = Name::new(by).unwrap();
        silence(alerts, Wish::SilenceHour, &by, UnixMillis(5), "noise")
    }

    #[test]
    fn it_is_about_what_the_alerts_have_in_common_and_never_about_a_whole_network() {
        let one = labels(&[("network", "main"), ("monitor", "gas"), ("deployment", "vault")]);
        let two = labels(&[("network", "main"), ("monitor", "gas"), ("deployment", "token")]);
        let silence = asked(&[one.clone(), two.clone()], "ann").unwrap();
        assert_eq!(silence.faults(), []);
        assert_eq!(silence.until.millis_since(silence.from), 3_600_000);
        for alert in [&one, &two] {
            assert_eq!(silence.veil(alert, false, UnixMillis(6)), Veil::Hides);
            assert_eq!(silence.veil(alert, true, UnixMillis(6)), Veil::Unsigned);
        }
        let other = labels(&[("network", "main"), ("monitor", "role")]);
        assert_eq!(silence.veil(&other, false, UnixMillis(6)), Veil::None);
        assert_eq!(asked(&[one, other], "ann"), None, "nothing but the network in common");
        assert_eq!(asked(&[], "ann"), None);
    }

    #[test]
    fn two_people_who_ask_for_the_same_mean_the_same_silence() {
        let one = labels(&[("network", "main"), ("monitor", "gas"), ("deployment", "vault")]);
        let other = labels(&[("network", "main"), ("monitor", "gas"), ("deployment", "pool")]);
        let id = |labels: &Labels, by: &str| asked(std::slice::from_ref(labels), by).unwrap().id;
        assert_eq!(id(&one, "ann"), id(&one, "bob"));
        assert_ne!(id(&one, "ann"), id(&other, "ann"));
    }
}
