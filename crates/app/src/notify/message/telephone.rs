//! What a telephone shows and says.

use model::AlertState;

use super::{Message, safe::cut};

/// Longest text message, in septets of the GSM alphabet: three parts.
const SMS_SEPTETS_MAX: usize = 3 * 153;

/// Longest headline that is read out: a minute of speech is about 800 characters, and it is said
/// twice.
const SPOKEN_MAX: usize = 300;

/// Longest name of an installation that is read out.
const NAME_SPOKEN_MAX: usize = 60;

impl Message {
    /// The text of a message to a telephone, in the GSM alphabet: a character outside of it would
    /// more than halve what fits into a part. The link is whole or not there.
    pub fn sms(&self) -> String {
        let link = self.page().map(|page| format!("\n{page}")).unwrap_or_default();
        let link = if septets(&link) <= SMS_SEPTETS_MAX / 2 { link } else { String::new() };
        let room = SMS_SEPTETS_MAX - septets(&link);
        let told =
            format!("{}: {}{}", self.installation, self.subject(), self.and_more(" (+", ")"));
        let told = if self.drill().is_some() { format!("DRILL {told}") } else { told };
        let mut text = String::new();
        let mut used = 0;
        let told: Vec<char> = gsm(&told).chars().collect();
        let whole: usize = told.iter().map(|c| septets_of(*c)).sum();
        let room_for_text = if whole <= room { room } else { room - 3 };
        for c in told {
            if used + septets_of(c) > room_for_text {
                text.push_str("...");
                break;
            }
            used += septets_of(c);
            text.push(c);
        }
        text + &link
    }

    /// What a voice says: no hexadecimal digits, no marks that are read out.
    pub fn spoken(&self) -> String {
        let alert = &self.alert;
        if self.is_test {
            let name = cut(&speakable(&self.installation), NAME_SPOKEN_MAX);
            return format!("This is Bellwether, {name}. This is only a test. Nothing is wrong.");
        }
        let what = match alert.state {
            AlertState::Retracted => format!("A {} alert was retracted", alert.severity),
            AlertState::Confirmed => format!("{} alert, confirmed", alert.severity),
            AlertState::Provisional | AlertState::Reported => format!("{} alert", alert.severity),
        };
        let place = match &alert.deployment {
            Some(deployment) => format!("{deployment} on {}", alert.place()),
            None => alert.place().to_string(),
        };
        let headline = cut(&speakable(self.bare_headline()), SPOKEN_MAX);
        let name = cut(&speakable(&self.installation), NAME_SPOKEN_MAX);
        let more = self.and_more(" And ", " more.");
        let told = format!("This is Bellwether, {name}. {what}. {headline}. On {place}.{more}");
        match self.drill() {
            Some(_) => format!("This is a drill. {told} This is a drill."),
            None => told,
        }
    }

    /// How many further alerts there are, between these words, if there are any.
    fn and_more(&self, before: &str, after: &str) -> String {
        match self.others.len() as u64 + self.others_more {
            0 => String::new(),
            more => format!("{before}{more}{after}"),
        }
    }
}

/// Words and numbers; an address or hash becomes "an address ending in" its last four digits.
fn speakable(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
        match trimmed.strip_prefix("0x") {
            Some(digits) if digits.len() >= 8 && digits.chars().all(|c| c.is_ascii_hexdigit()) => {
                let last: Vec<String> =
                    digits.chars().skip(digits.len() - 4).map(|c| c.to_string()).collect();
                format!("an address ending in {}", last.join(" "))
            }
            _ => word
                .replace('%', " percent")
                .replace('&', " and ")
                .replace(|c: char| r#""'`[]_<>*{}|"#.contains(c), " "),
        }
    });
    let spoken: Vec<String> = words.collect();
    spoken.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters of the GSM 03.38 alphabet that are not ASCII.
const GSM_EXTRA: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";

/// Those that take two septets.
const GSM_DOUBLE: &str = "^{}\\[~]|€";

/// The text in the GSM alphabet, other characters replaced by what resembles them or by `?`.
fn gsm(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '…' => vec!['.', '.', '.'],
            '·' | '•' | '–' | '—' | '−' => vec!['-'],
            '‘' | '’' | '`' => vec!['\''],
            '“' | '”' => vec!['"'],
            '±' => vec!['+', '/', '-'],
            '×' => vec!['x'],
            c if is_gsm(c) => vec![c],
            _ => vec!['?'],
        })
        .collect()
}

fn is_gsm(c: char) -> bool {
    c == '\n' || (' '..='~').contains(&c) && c != '`' || GSM_EXTRA.contains(c) || c == '€'
}

fn septets_of(c: char) -> usize {
    if GSM_DOUBLE.contains(c) { 2 } else { 1 }
}

/// How long a text is on the air.
fn septets(text: &str) -> usize {
    text.chars().map(septets_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message::tests::message;
    use expect_test::expect;

    #[test]
    fn a_telephone_shows_what_matters_and_where_to_look() {
        expect![[r#"
            meridian: [CRITICAL] 93 % of vault left in one transaction (mainnet)
            https://watch.example/alerts/131bff71e189abffa7d874d299479e53"#]]
        .assert_eq(&message().sms());
    }

    #[test]
    fn a_voice_says_no_hexadecimal_digits() {
        expect!["This is Bellwether, meridian. critical alert. 93 percent of vault left in one transaction. On vault on mainnet."]
            .assert_eq(&message().spoken());
        assert_eq!(
            speakable("role \"MINTER_ROLE\" to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed now"),
            "role MINTER ROLE to an address ending in e A e d now"
        );
    }

    #[test]
    fn a_text_message_is_at_most_three_parts_whatever_the_name() {
        let mut message = message();
        for name in ["[{~}]".repeat(200), "語".repeat(500), "a".repeat(1_000), "…".repeat(300)] {
            message.headline = name;
            let text = message.sms();
            assert!(septets(&text) <= SMS_SEPTETS_MAX, "{}", septets(&text));
            assert!(text.chars().all(is_gsm), "{text}");
            assert!(text.ends_with("/alerts/131bff71e189abffa7d874d299479e53"), "{text}");
        }
    }
}
