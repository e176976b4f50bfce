//! Secrets: from the environment or a file, never written into the configuration.

use model::Secret;

use super::{
    folder::Surroundings,
    table::{Located, Table, TextOrTable},
};

/// What to do when a secret's source is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The program is about to run: a missing secret is a mistake.
    IsMistake,
    /// The folder is only checked, on a machine that need not hold the secrets.
    IsFine,
}

/// Reads `key = { env = "NAME" }`, `key = { file = "path" }` or, where `literal` allows it, a text.
///
/// With [`Missing::IsFine`] an absent source gives an empty secret.
pub(super) fn secret(
    table: &Table<'_>,
    key: &'static str,
    literal: Literal,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<Located<Secret<String>>> {
    match table.text_or_table(key)? {
        TextOrTable::Text(text) if literal.allows(&text.value) => {
            Some(Located { value: Secret::new(text.value), span: text.span })
        }
        TextOrTable::Text(text) => {
            table.mistake_help(
                text.span,
                format!("{key} is a secret and may not stand in a file that others read"),
                format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"path\" }}"),
            );
            None
        }
        TextOrTable::Table(source) => {
            let span = source.span();
            let variable = source.text("env");
            let file = source.text("file");
            let found = match (variable, file) {
                (Some(name), None) => from_source(
                    &source,
                    &name,
                    around.variable(&name.value),
                    || format!("{key}: environment variable {} is not set", name.value),
                    missing,
                ),
                (None, Some(path)) => {
                    let read = around.read(&path.value);
                    let why = read.as_ref().err().map(ToString::to_string);
                    from_source(
                        &source,
                        &path,
                        read.ok().map(|text| text.trim_end().to_owned()),
                        || {
                            format!(
                                "{key}: {} cannot be read: {}",
                                path.value,
                                why.unwrap_or_default()
                            )
                        },
                        missing,
                    )
                }
                _ => {
                    source.mistake(
                        span.clone(),
                        format!("{key} must name exactly one source: env or file"),
                    );
                    None
                }
            };
            source.finish();
            found.map(|value| Located { value, span })
        }
    }
}

fn from_source(
    table: &Table<'_>,
    named: &Located<String>,
    found: Option<String>,
    complaint: impl FnOnce() -> String,
    missing: Missing,
) -> Option<Secret<String>> {
    match (found, missing) {
        (Some(text), _) => Some(Secret::new(text)),
        (None, Missing::IsFine) => Some(Secret::new(String::new())),
        (None, Missing::IsMistake) => {
            table.mistake(named.span.clone(), complaint());
            None
        }
    }
}

/// Whether a secret may be written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    /// Never.
    Never,
    /// An URL on this machine, which gives nobody anything.
    LoopbackUrl,
    /// Always: it may be kept apart, and need not be.
    Anything,
}

impl Literal {
    /// Whether this text may stand in the file.
    pub(super) fn allows(self, text: &str) -> bool {
        if self == Self::Anything {
            return true;
        }
        const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
        let host = text.split_once("://").map_or("", |(_, rest)| rest);
        let is_loopback = LOOPBACK.iter().any(|name| {
            host.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        self == Self::LoopbackUrl && is_loopback
    }
}
