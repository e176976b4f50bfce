//! Indicators in STIX 2.1 (OASIS standard, chapter 9 for patterns). A bundle, a TAXII envelope or a
//! plain array of objects is read; of these, indicators and observed wallets.
//!
//! A pattern is taken when it names addresses and nothing else matters: comparisons with `=` and
//! `IN`, joined by `OR`. Whatever negates, or asks for several things at once, says less than "this
//! address is bad" and is refused with the reason.

use serde::Deserialize;

use super::{
    Category,
    import::{Import, ImportError, Imported, Row, parse_address, parse_day, quoted},
};

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Bundle { objects: Vec<Object> },
    Objects(Vec<Object>),
}

/// The parts of an object that matter here; the standard has many more.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    pattern: String,
    pattern_type: String,
    indicator_types: Vec<String>,
    labels: Vec<String>,
    /// 0 to 100.
    confidence: Option<u64>,
    valid_from: String,
    valid_until: String,
    created: String,
    revoked: bool,
    /// Of an observed wallet.
    value: String,
    address: String,
}

pub(super) fn import(import: &mut Import<'_>, text: &str) -> Result<Imported, ImportError> {
    let bad = |reason: String| ImportError::BadJson { file: import.of.file.clone(), reason };
    let objects = match serde_json::from_str(text) {
        Ok(Document::Bundle { objects } | Document::Objects(objects)) => objects,
        // The reason of an untagged enum tells nothing; that of the plain reading does.
        Err(_) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => return Err(bad("no STIX bundle: it has no list of objects".to_owned())),
            Err(error) => return Err(bad(error.to_string())),
        },
    };
    for (at, object) in objects.iter().enumerate() {
        let line = at + 1;
        let addresses = match object.kind.as_str() {
            "indicator" if matches!(object.pattern_type.as_str(), "" | "stix") => {
                match addresses_of(&object.pattern) {
                    Ok(addresses) => addresses,
                    Err(reason) => {
                        import.reject(line, reason);
                        continue;
                    }
                }
            }
            "indicator" => {
                import.outcome.no_address += 1;
                continue;
            }
            kind if kind.contains("wallet") => [&object.value, &object.address]
                .into_iter()
                .filter(|v| !v.is_empty())
                .cloned()
                .collect(),
            // Relationships, identities, reports: about the addresses, not addresses.
            _ => continue,
        };
        let ends = (import.of.today, parse_day(&object.valid_until));
        let has_ended = matches!(ends, (Some(today), Some(end)) if end <= today);
        if object.revoked || has_ended {
            import.outcome.withdrawn += 1;
            continue;
        }
        let (of_ours, foreign): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|text| parse_address(text).is_some());
        import.outcome.no_address += usize::from(of_ours.is_empty() || !foreign.is_empty());
        let words = words(object, import.of.category_else.is_some());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let confidence = object.confidence.map(|percent| format!("{percent}%"));
        let since = [&object.valid_from, &object.created].into_iter().find(|s| !s.is_empty());
        for address in &of_ours {
            import.row(&Row {
                name: &object.name,
                categories: &words,
                confidence: confidence.as_deref(),
                first_seen: since.map(String::as_str),
                ..Row::new(line, address)
            })?;
        }
    }
    Ok(std::mem::take(&mut import.outcome))
}

/// Words for the category: those of the producer that have a meaning, else what the standard's own
/// vocabulary of indicators says.
fn words(object: &Object, has_other: bool) -> Vec<String> {
    let is_known = |word: &&String| {
        Category::from_list_word(word).is_some_and(|c| !matches!(c, Category::Set(_)))
    };
    let told: Vec<String> =
        object.labels.iter().chain(&object.indicator_types).filter(is_known).cloned().collect();
    if !told.is_empty() {
        return told;
    }
    let says = |word: &str| object.indicator_types.iter().any(|own| own == word);
    let category = if says("anonymization") {
        Category::Mixer
    } else if !has_other && (says("malicious-activity") || says("attribution")) {
        Category::Exploiter
    } else {
        return Vec::new();
    };
    vec![category.as_str().to_owned()]
}

/// The texts that a pattern compares with.
fn addresses_of(pattern: &str) -> Result<Vec<String>, String> {
    let (outside, literals) = split(pattern)
        .ok_or_else(|| format!("{}: a quote is opened and never closed", quoted(pattern)))?;
    let upper = outside.to_ascii_uppercase();
    let mut tokens = upper.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    let narrows = |word: &str| {
        matches!(
            word,
            "AND"
                | "NOT"
                | "FOLLOWEDBY"
                | "LIKE"
                | "MATCHES"
                | "ISSUBSET"
                | "ISSUPERSET"
                | "EXISTS"
        )
    };
    if tokens.any(narrows) || outside.contains(['!', '<', '>']) {
        let pattern = quoted(pattern);
        return Err(format!("{pattern} asks for more than one of some addresses"));
    }
    Ok(literals)
}

/// What stands outside of a pattern's strings, and the strings: `\\` takes the next letter as it is.
fn split(pattern: &str) -> Option<(String, Vec<String>)> {
    let (mut outside, mut literals) = (String::new(), Vec::new());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\'' {
            outside.push(letter);
            continue;
        }
        let mut literal = String::new();
        loop {
            match letters.next()? {
                '\'' => break,
                '\\' => literal.push(letters.next()?),
                letter => literal.push(letter),
            }
        }
        outside.push(' ');
        literals.push(literal);
    }
    Some((outside, literals))
}
