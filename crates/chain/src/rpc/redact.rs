//! Keeps the URL, and with it the API key, out of what nodes and libraries say.

use model::Secret;

/// Longest text of a node that is kept. Enough for a revert reason, too little for a page of HTML.
const MESSAGE_CHARS_MAX: usize = 300;

/// Parts shorter than this are words that occur everywhere ("v3", "rpc"), not keys.
const PART_CHARS_MIN: usize = 6;

/// Removes one endpoint's URL, and each telling part of it, from foreign text.
#[derive(Debug)]
pub(super) struct Redactor {
    /// Longest first, so that a part never spoils a longer match.
    secrets: Vec<Secret<String>>,
}

impl Redactor {
    pub(super) fn new(url: &Secret<String>, headers: &[(String, Secret<String>)]) -> Self {
        let mut parts: Vec<String> = vec![url.reveal().clone()];
        parts.extend(headers.iter().map(|(_, value)| value.reveal().clone()));
        if let Ok(url) = reqwest::Url::parse(url.reveal()) {
            parts.push(url.to_string());
            parts.extend(url.host_str().map(str::to_owned));
            parts.push(url.username().to_owned());
            parts.extend(url.password().map(str::to_owned));
            parts.push(url.path().to_owned());
            parts.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
            parts.extend(url.query().map(str::to_owned));
            parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        }
        parts.retain(|part| part.len() >= PART_CHARS_MIN);
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        Self { secrets: parts.into_iter().map(Secret::new).collect() }
    }

    /// The text on one line, shortened, without anything of the URL.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret.reveal().as_str()) {
                text = text.replace(secret.reveal().as_str(), "<secret>");
            }
        }
        let is_long = text.chars().count() > MESSAGE_CHARS_MAX;
        let mut short: String = text
            .chars()
            .take(MESSAGE_CHARS_MAX)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if is_long {
            short.push('…');
        }
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_the_url_survives() {
        let url =
            Secret::new("https://user:hunter22@rpc.example/v3/abcdef123456?key=qwertz99".into());
        let headers = [("authorization".to_owned(), Secret::new("Bearer topsecret".to_owned()))];
        let redactor = Redactor::new(&url, &headers);
        let said = "bad key abcdef123456 for https://user:hunter22@rpc.example/v3/abcdef123456?key=qwertz99 \
                    (qwertz99, hunter22, rpc.example, Bearer topsecret)\nsee v3";
        let cleaned = redactor.clean(said);
        for secret in ["abcdef123456", "hunter22", "qwertz99", "rpc.example", "topsecret"] {
            assert!(!cleaned.contains(secret), "{secret} in {cleaned}");
        }
        assert!(cleaned.ends_with("see v3"));
    }

    #[test]
    fn long_text_is_cut() {
        let redactor = Redactor::new(&Secret::new("http://localhost".into()), &[]);
        assert_eq!(redactor.clean(&"x".repeat(1000)).chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}
