//! What a client makes of marked text: strict, so that nothing slips through that a real one would
//! take for markup.

/// Elements with their text and links; an element that is not in `allowed`, is not closed, or an
/// entity that nobody knows is a mistake.
pub(super) fn html(marked: &str, allowed: &[&str]) -> Result<(String, Vec<String>), String> {
    let (mut text, mut links, mut open) = (String::new(), Vec::new(), Vec::new());
    let mut rest = marked;
    while let Some(at) = rest.find(['<', '&', '>']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('>') {
            return Err(format!("a > outside of an element: {rest}"));
        }
        if rest.starts_with('&') {
            let (entity, after) = rest[1..].split_once(';').ok_or("an & without an end")?;
            text.push_str(match entity {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "#39" | "apos" => "'",
                _ => return Err(format!("entity {entity}")),
            });
            rest = after;
            continue;
        }
        let (element, after) = rest[1..].split_once('>').ok_or("a < without an end")?;
        rest = after;
        if element.starts_with("?xml") {
            continue;
        }
        if let Some(name) = element.strip_prefix('/') {
            let opened = open.pop();
            if opened.as_deref() != Some(name) {
                return Err(format!("{name} closes {opened:?}"));
            }
            continue;
        }
        let name = element.split([' ', '/']).next().unwrap_or_default();
        if !allowed.contains(&name) {
            return Err(format!("element {element}"));
        }
        for attribute in ["href=\"", "action=\""] {
            if let Some((_, value)) = element.split_once(attribute) {
                links.push(value.split('"').next().unwrap_or_default().to_owned());
            }
        }
        if name == "br" || name == "Say" {
            text.push('\n');
        }
        if name != "br" && !element.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    text.push_str(rest);
    if open.is_empty() { Ok((text, links)) } else { Err(format!("{open:?} stay open")) }
}

/// Discord's Markdown: bold and links are ours, anything else that is not escaped is a mistake.
pub(super) fn discord(marked: &str) -> Result<(String, Vec<String>), String> {
    let (mut text, mut links) = (String::new(), Vec::new());
    let mut chars = marked.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().ok_or("an escape of nothing")?),
            '*' if chars.peek() == Some(&'*') => drop(chars.next()),
            '[' => {}
            ']' => {
                if chars.next() != Some('(') {
                    return Err(format!("a ] that is no link in {marked}"));
                }
                links.push(chars.by_ref().take_while(|c| *c != ')').collect());
            }
            '*' | '_' | '~' | '`' | '|' | '<' | '>' | '#' | '(' | ')' => {
                return Err(format!("markup {c} in {marked}"));
            }
            _ => text.push(c),
        }
    }
    Ok((text, links))
}

/// What a client that knows no markup makes links of: whatever has a scheme, and whatever looks like a
/// name of a host.
pub(super) fn addresses(plain: &str) -> Vec<String> {
    let is_host = |word: &&str| {
        let host = word.split(['/', ':']).next().unwrap_or_default();
        let labels: Vec<&str> = host.split('.').collect();
        let is_label = |label: &&str| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let is_top =
            labels.last().is_some_and(|top| top.len() > 1 && top.chars().all(char::is_alphabetic));
        labels.len() > 1 && is_top && labels.iter().all(is_label)
    };
    let words = plain.split_whitespace();
    words.filter(|word| word.contains("://") || is_host(word)).map(str::to_owned).collect()
}
