//! Text that others wrote, made harmless before any channel sees it.
//!
//! Escaping for a channel (HTML entities, Slack's `&lt;`) is that channel's business and comes on
//! top. What is done here is what escaping cannot do: mail and chat clients turn bare `evil.com`,
//! `https:…` and `@here` into links and mentions by themselves, in plain text too.

use model::FactValue;

/// Characters of one text in a message; more is a matter for the page.
pub(super) const TEXT_CHARS_MAX: usize = 300;

/// Removes what is invisible or moves other text: control characters, line and paragraph
/// separators, zero-width and bidirectional marks, tags. Breaks become single spaces.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}') {
            if !cleaned.ends_with(' ') {
                cleaned.push(' ');
            }
        } else if !c.is_control() && !is_invisible(c) {
            cleaned.push(c);
        }
    }
    cleaned.trim().to_owned()
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `chars_max` characters, the last one a sign that there was more.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

/// Text from the chain: no client makes a link, an address or a mention of it.
pub(crate) fn untrusted(text: &str) -> String {
    defang(&cut(&clean(text), TEXT_CHARS_MAX))
}

/// Text of ours or of the user's files; a link or a mention in it would still be a surprise.
pub(crate) fn ours(text: &str) -> String {
    cut(&clean(text), TEXT_CHARS_MAX).replace("://", "[:]//").replace('@', "[@]")
}

/// A finding's title: our words, in which values from the chain stand between double quotes. From
/// the first quote to the last, everything is taken for such a value.
pub(crate) fn title(text: &str) -> String {
    let text = cut(&clean(text), TEXT_CHARS_MAX);
    match (text.find('"'), text.rfind('"')) {
        // One quote alone: its partner fell to the cut.
        (Some(from), Some(to)) if from == to => {
            format!("{}{}", ours(&text[..from]), spaced(&text[..from], defang(&text[from..])))
        }
        (Some(from), Some(to)) => {
            let (before, quoted, after) = (&text[..from], &text[from..=to], &text[to + 1..]);
            let tail = spaced(quoted, ours(after));
            let gap = if after.starts_with(' ') { " " } else { "" };
            format!("{}{}{gap}{tail}", ours(before), spaced(before, defang(quoted)))
        }
        _ => ours(&text),
    }
}

/// Puts back the space that cleaning took from the end of `before`.
fn spaced(before: &str, text: String) -> String {
    if before.ends_with(' ') { format!(" {text}") } else { text }
}

fn defang(text: &str) -> String {
    let mut defanged = String::with_capacity(text.len() + 16);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek();
        let is_joined = next.is_some_and(|next| !next.is_whitespace());
        match c {
            '@' | '＠' => defanged.push_str("[@]"),
            ':' | '：' if is_joined => defanged.push_str("[:]"),
            // Also the dots that browsers accept in host names.
            '.' | '。' | '．' | '｡'
                if before.is_some_and(char::is_alphanumeric)
                    && next.is_some_and(|next| next.is_alphanumeric()) =>
            {
                defanged.push_str("[.]");
            }
            // `](` makes a link of Markdown.
            '(' if defanged.ends_with(']') => defanged.push_str(" ("),
            _ => defanged.push(c),
        }
        before = Some(c);
    }
    defanged
}

/// A value with its meaning, safe to show as text.
pub(super) fn fact(value: &FactValue) -> String {
    cut(&fact_whole(value), 2 * TEXT_CHARS_MAX)
}

fn fact_whole(value: &FactValue) -> String {
    match value {
        FactValue::Untrusted(_) => untrusted(&value.to_string()),
        FactValue::List(values) => {
            // Longer lists would be cut anyway.
            let shown: Vec<String> = values.iter().take(TEXT_CHARS_MAX).map(fact_whole).collect();
            format!("[{}]", shown.join(", "))
        }
        // A label may come from a list that somebody else keeps.
        FactValue::Address { address, label: Some(label) } => {
            format!("{} ({address})", untrusted(label))
        }
        _ => ours(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn nothing_from_the_chain_becomes_a_link_or_a_mention() {
        let hostile = [
            "claim at https://evil.example/airdrop",
            "www.evil.com or evil。com or 1.2.3.4",
            "mailto:root@evil.com",
            "@here <!channel> <@U123>",
            "[click](javascript:alert(1))",
            "a\r\nBcc: all@corp.example\u{2028}x\u{202e}\u{200b}y",
            "v1.5: fine",
        ];
        let shown: Vec<String> = hostile.iter().map(|text| untrusted(text)).collect();
        expect![[r#"
            claim at https[:]//evil[.]example/airdrop
            www[.]evil[.]com or evil[.]com or 1[.]2[.]3[.]4
            mailto[:]root[@]evil[.]com
            [@]here <!channel> <[@]U123>
            [click] (javascript[:]alert(1))
            a Bcc: all[@]corp[.]example xy
            v1[.]5: fine"#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_title_keeps_our_words_and_defuses_what_it_quotes() {
        let shown: Vec<String> = [
            "4.5 % of vault left (1,000.25 USDC)",
            "token named \"x\" at https://a.com \"visit evil.com\" was added to v2.vault",
            "role granted to \"visit evil.com",
            "\"evil.com\"",
            "name \"evil.com\", twice \"@here\"!",
        ]
        .iter()
        .map(|text| title(text))
        .collect();
        expect![[r#"
            4.5 % of vault left (1,000.25 USDC)
            token named "x" at https[:]//a[.]com "visit evil[.]com" was added to v2.vault
            role granted to "visit evil[.]com
            "evil[.]com"
            name "evil[.]com", twice "[@]here"!"#]]
        .assert_eq(&shown.join("\n"));
    }

    proptest! {
        #[test]
        fn untrusted_text_is_bounded_and_has_neither_link_nor_line_break(text in any::<String>()) {
            let shown = untrusted(&text);
            prop_assert!(!shown.contains("://") && !shown.contains("]("));
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert!(!shown.replace("[@]", "").contains('@'));
            // Each character becomes at most three.
            prop_assert!(shown.chars().count() <= 3 * TEXT_CHARS_MAX);
        }

        #[test]
        fn a_title_has_no_line_break_whatever_it_quotes(text in "[a-z@:./ \"\n\r\u{202e}]{0,60}") {
            let shown = title(&text);
            let breaks = ['\n', '\r', '\u{202e}'];
            prop_assert!(!shown.contains(breaks) && !shown.contains("://"));
        }
    }
}
