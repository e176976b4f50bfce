//! Numbers, moments and measurements as people say them.
//!
//! Everything here returns plain text; escaping is the business of whoever lays it out.

use model::{
    Alert, AlertState, Confidence, FindingStatus, Measure, NotificationState, UnixMillis,
    UnixSeconds,
};

/// A whole number with grouped thousands.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 block`, `2,000 blocks`; the noun takes an `s`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A year's part of what is expected in a hundred years, in whole units.
pub(crate) fn yearly(per_century: u128) -> String {
    grouped(u64::try_from(per_century / 100).unwrap_or(u64::MAX))
}

/// A number with the three digits that matter.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    let size = value.abs();
    let decimals = match size {
        s if s >= 1e15 || (s > 0.0 && s < 1e-3) => return format!("{value:.2e}"),
        s if s >= 100.0 => {
            let sign = if value < 0.0 { "-" } else { "" };
            return format!("{sign}{}", grouped(s.round() as u64));
        }
        s if s >= 10.0 => 1,
        s if s >= 1.0 => 2,
        _ => 3,
    };
    trimmed(format!("{value:.decimals$}"))
}

/// A share as percent: `2.1 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A span of time in its largest unit, or two where one would be too coarse: `45 s`, `3 min`,
/// `2 h 5 min`, `4 d`.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => match (seconds / 3_600, seconds / 60 % 60) {
            (h, 0) => format!("{h} h"),
            (h, min) => format!("{h} h {min} min"),
        },
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A short span of time: `7 ms`, `1.4 s`, and from a minute on as [`span`].
pub(crate) fn millis(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => span(ms / 1_000),
    }
}

/// A moment as UTC, to the second.
pub(crate) fn utc(at: UnixSeconds) -> String {
    strftime(at, "%Y-%m-%d %H:%M:%S UTC")
}

/// A moment as RFC 3339, to the second; what a `datetime` attribute and the API hold.
pub(crate) fn iso(at: UnixSeconds) -> String {
    strftime(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// Hours and minutes of a moment, UTC.
pub(crate) fn clock(at: UnixSeconds) -> String {
    strftime(at, "%H:%M UTC")
}

fn strftime(at: UnixSeconds, format: &str) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    match moment {
        Some(moment) => moment.strftime(format).to_string(),
        // A block can claim any time.
        None => format!("second {}", at.0),
    }
}

/// Wall time in seconds; what is before 1970 counts as 1970.
pub(crate) fn seconds(at: UnixMillis) -> UnixSeconds {
    UnixSeconds(u64::try_from(at.0).unwrap_or(0) / 1_000)
}

/// `3 min ago`, or that the moment lies ahead of our clock.
pub(crate) fn ago(at: UnixSeconds, now: UnixSeconds) -> String {
    match now.0.checked_sub(at.0) {
        Some(0) => "now".to_owned(),
        Some(passed) => format!("{} ago", span(passed)),
        None => format!("{} ahead of our clock", span(at.0 - now.0)),
    }
}

/// Where an alert is in its life, with what follows from it.
pub(crate) fn meaning(state: AlertState) -> &'static str {
    match state {
        AlertState::Provisional => "its block can still be reverted",
        AlertState::Confirmed => "its block is final",
        AlertState::Reported => "no chain says so, and none can take it back",
        AlertState::Retracted => "it does not hold any more, what was told before is void",
    }
}

/// The word for a finding's status.
pub(crate) fn finding_status(status: FindingStatus) -> &'static str {
    match status {
        FindingStatus::Tentative => "tentative",
        FindingStatus::Confirmed => "confirmed",
        FindingStatus::Retracted => "retracted",
    }
}

/// The word for a message's state.
pub(crate) fn message_state(state: &NotificationState) -> &'static str {
    match state {
        NotificationState::Due { .. } => "due",
        NotificationState::Delivered { .. } => "delivered",
        NotificationState::Failed { .. } => "failed",
    }
}

/// How sure we are, in a form a person can weigh.
pub(crate) fn confidence(confidence: Confidence) -> String {
    match confidence {
        Confidence::Proven => "proven: the verified block says so".to_owned(),
        Confidence::Statistical { p } if p > 0.0 && p < 0.5 => {
            let once_in = number(1.0 / p);
            format!("statistical: by chance about once in {once_in} observations (p = {p:.1e})")
        }
        Confidence::Statistical { p } => format!("statistical: p = {p:.1e}"),
        Confidence::Heuristic => "rule of thumb: look before you act".to_owned(),
    }
}

/// Deployment and network of an alert, or who reports it.
pub(crate) fn place(alert: &Alert) -> String {
    let place = alert.place();
    match (&alert.deployment, alert.finding().and_then(|first| first.address)) {
        (Some(deployment), _) => format!("{deployment} on {place}"),
        (None, Some(address)) => format!("{} on {place}", short(&address.to_string())),
        (None, None) => place.to_string(),
    }
}

/// A measurement's value, its threshold and what is usual, each with the unit.
pub(crate) struct MeasureWords {
    pub(crate) value: String,
    pub(crate) threshold: String,
    pub(crate) usual: Option<String>,
}

/// A measurement in words.
pub(crate) fn measure(measure: &Measure) -> MeasureWords {
    let all = [Some(measure.value), Some(measure.threshold), measure.history.map(|h| h.usual)];
    let is_share = measure.unit.is_empty()
        && all.into_iter().flatten().all(|value| (0.0..=1.0).contains(&value))
        && all.into_iter().flatten().any(|value| value.fract() != 0.0);
    let show = |value: f64| match measure.unit.as_str() {
        "" if is_share => percent(value),
        "" => number(value),
        unit => format!("{} {unit}", number(value)),
    };
    let times = measure.history.map(|history| measure.value / history.usual);
    let times = times.filter(|times| times.is_finite() && *times >= 1.05);
    let value = match times {
        Some(times) => format!("{}, {} × usual", show(measure.value), number(times)),
        None => show(measure.value),
    };
    let usual = measure
        .history
        .map(|h| format!("{} ± {} over n = {}", show(h.usual), show(h.spread), grouped(h.n)));
    MeasureWords { value, threshold: show(measure.threshold), usual }
}

/// The ends of a long hexadecimal text: `0x1234…abcd`.
pub(crate) fn short(hex: &str) -> String {
    match (hex.get(..6), hex.len().checked_sub(4).and_then(|from| hex.get(from..))) {
        (Some(head), Some(tail)) if hex.len() > 12 => format!("{head}…{tail}"),
        _ => hex.to_owned(),
    }
}

/// Text without what is invisible or moves other text: control characters, zero-width and
/// bidirectional marks. Breaks become spaces.
pub(crate) fn clean(text: &str) -> String {
    let is_invisible = |c: char| {
        matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
    };
    text.chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}

/// [`clean`], but line breaks stay.
pub(crate) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use model::History;

    #[test]
    fn numbers_and_spans_read_like_a_person_said_them() {
        let numbers: Vec<String> =
            [0.0, 0.021, 3.0, 12.34, 100.0, -1_234.5, 1e-6, f64::NAN].map(number).into();
        expect!["0 | 0.021 | 3 | 12.3 | 100 | -1,235 | 1.00e-6 | not a number"]
            .assert_eq(&numbers.join(" | "));
        let spans: Vec<String> = [0, 89, 90, 3_599, 3_600, 7_500, 86_400 * 3].map(span).into();
        expect!["0 s | 89 s | 1 min | 59 min | 1 h | 2 h 5 min | 3 d"]
            .assert_eq(&spans.join(" | "));
        assert_eq!(counted(1, "block"), "1 block");
        assert_eq!(counted(7_200, "block"), "7,200 blocks");
    }

    #[test]
    fn a_block_may_claim_any_time() {
        assert_eq!(utc(UnixSeconds(u64::MAX)), format!("second {}", u64::MAX));
        assert_eq!(ago(UnixSeconds(100), UnixSeconds(40)), "60 s ahead of our clock");
        assert_eq!(ago(UnixSeconds(40), UnixSeconds(40)), "now");
    }

    #[test]
    fn a_measurement_tells_what_is_usual() {
        let history = History { usual: 0.04, spread: 0.02, n: 812 };
        let (name, unit) = ("failed".to_owned(), String::new());
        let told =
            measure(&Measure { name, unit, value: 0.93, threshold: 0.2, history: Some(history) });
        assert_eq!(told.value, "93 %, 23.2 × usual");
        assert_eq!(told.threshold, "20 %");
        assert_eq!(told.usual.as_deref(), Some("4 % ± 2 % over n = 812"));
    }

    #[test]
    fn hostile_text_loses_what_cannot_be_seen() {
        assert_eq!(clean("pay\n\u{202e}now\u{200b}"), "pay now");
        assert_eq!(short("0x1234567890abcdef"), "0x1234…cdef");
        assert_eq!(short("0x12"), "0x12");
    }

    #[test]
    fn confidence_is_said_in_words() {
        let text: Vec<String> = [
            Confidence::Proven,
            Confidence::Statistical { p: 1e-6 },
            Confidence::Statistical { p: 0.0 },
            Confidence::Heuristic,
        ]
        .into_iter()
        .map(confidence)
        .collect();
        expect![[r#"
            proven: the verified block says so
            statistical: by chance about once in 1,000,000 observations (p = 1.0e-6)
            statistical: p = 0.0e0
            rule of thumb: look before you act"#]]
        .assert_eq(&text.join("\n"));
    }
}
