//! What is said: short, in words that a synthesiser pronounces, and free of what strangers wrote.
//!
//! A headline may hold names that anybody can put on a chain. They are cut, lose everything but
//! letters, digits and plain punctuation, and addresses are said by their last four digits: enough to
//! compare with a page, too little to be dialled, opened or mistaken for an order.

use model::Severity;

/// Longest headline that is said: 10 s of speech.
pub const HEADLINE_CHARS_MAX: usize = 160;

/// Longest name of an installation that is said.
pub const NAME_CHARS_MAX: usize = 40;

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Name of the installation.
    pub installation: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in one line.
    pub headline: String,
    /// How many further alerts the page is about.
    pub others: usize,
    /// Whether this is a drill: then it is the first and the last thing that is said.
    pub is_drill: bool,
}

impl Announcement {
    /// The words.
    pub fn text(&self) -> String {
        let installation = spoken(&self.installation, NAME_CHARS_MAX);
        let headline = spoken(&self.headline, HEADLINE_CHARS_MAX);
        let mut text = String::new();
        if self.is_drill {
            text.push_str("This is a drill. ");
        }
        text.push_str(&format!("Bellwether for {installation}. {}. {headline}. ", self.severity()));
        match self.others {
            0 => {}
            1 => text.push_str("And 1 more alert. "),
            others => text.push_str(&format!("And {others} more alerts. ")),
        }
        text.push_str(
            "Press 1 to acknowledge, 2 to pass it on to the next person, 3 to hear it again.",
        );
        if self.is_drill {
            text.push_str(" This is a drill.");
        }
        text
    }

    fn severity(&self) -> String {
        let word = self.severity.to_string();
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }
}

/// What is said after a key that acknowledges.
pub const ACKNOWLEDGED: &str = "Acknowledged. Good bye.";

/// What is said after a key that passes on.
pub const PASSED_ON: &str = "Passed on to the next person. Good bye.";

/// A text as it can be said.
pub fn spoken(text: &str, chars_max: usize) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut chars = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word = spoken_word(word);
        if word.is_empty() {
            continue;
        }
        let len = word.chars().count() + 1;
        if chars + len > chars_max + 1 {
            let room = chars_max.saturating_sub(chars);
            if words.is_empty() {
                words.push(word.chars().take(room).collect());
            }
            break;
        }
        chars += len;
        words.push(word);
    }
    let joined = words.join(" ");
    joined.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

fn spoken_word(word: &str) -> String {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    if let Some(hex) = core.strip_prefix("0x")
        && hex.len() >= 8
        && hex.chars().all(|c| c.is_ascii_hexdigit() || c == '…' || c == '.')
    {
        let ends: Vec<String> =
            hex.chars().rev().take(4).map(|c| c.to_ascii_lowercase().to_string()).collect();
        return format!("ending {}", ends.into_iter().rev().collect::<Vec<_>>().join(" "));
    }
    if word.contains("://") || word.starts_with("www.") {
        return "a link".to_owned();
    }
    if word == "%" {
        return "percent".to_owned();
    }
    // Letters that look like others say nothing to a synthesiser, so they may stay; what could end
    // a sentence, open a tag or address a program may not.
    word.chars()
        .filter(|c| c.is_alphanumeric() || ".,:-'%".contains(*c))
        .collect::<String>()
        .trim_start_matches('-')
        .replace('%', " percent")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn announcement() -> Announcement {
        Announcement {
            installation: "Meridian".to_owned(),
            severity: Severity::Critical,
            headline: "93 % of vault left in one transaction to \
                       0x6666666666666666666666666666666666666abc"
                .to_owned(),
            others: 2,
            is_drill: false,
        }
    }

    #[test]
    fn it_says_who_what_how_bad_and_what_to_press() {
        expect![[r#"Bellwether for Meridian. Critical. 93 percent of vault left in one transaction to ending 6 a b c. And 2 more alerts. Press 1 to acknowledge, 2 to pass it on to the next person, 3 to hear it again."#]]
            .assert_eq(&announcement().text());
    }

    #[test]
    fn a_drill_says_so_first_and_last() {
        let text = Announcement { is_drill: true, ..announcement() }.text();
        assert!(text.starts_with("This is a drill."));
        assert!(text.ends_with("This is a drill."));
    }

    #[test]
    fn what_strangers_wrote_loses_its_teeth() {
        expect![["Token speakaudio a link percent1 call now n"]].assert_eq(&spoken(
            "Token <speak><audio src='https://evil.example/x'/> \u{7}\u{202e} %1 -- call; `now` $(n)",
            160,
        ));
    }

    proptest! {
        #[test]
        fn nothing_but_letters_digits_and_plain_marks_is_said(text in ".{0,400}", max in 0usize..200) {
            let said = spoken(&text, max);
            prop_assert!(said.chars().count() <= max + 8, "{said:?}");
            prop_assert!(said.chars().all(|c| c.is_alphanumeric() || " .,:-'".contains(c)), "{said:?}");
            prop_assert!(!said.starts_with('-'));
        }
    }
}
