//! Reading a TOML table key by key, collecting every mistake instead of stopping at the first.
//!
//! `serde` stops at its first error; a person who fixes a file wants all of them. So a file is
//! parsed once into spanned values, and each section takes the keys it knows. What nobody took is
//! an unknown key.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    str::FromStr,
};

use model::{Address, Name, TokenAmount, U256};
use registry::{parse_address, threats::Day};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::mistake::{Mistake, SourceFile, nearest};

/// Where mistakes are collected while files are read.
#[derive(Debug, Default)]
pub(crate) struct Collector(RefCell<Vec<Mistake>>);

impl Collector {
    /// Notes a mistake.
    pub(crate) fn add(&self, mistake: Mistake) {
        self.0.borrow_mut().push(mistake);
    }

    /// How many there are so far.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// All mistakes so far.
    pub(crate) fn into_mistakes(self) -> Vec<Mistake> {
        self.0.into_inner()
    }
}

/// A value that remembers where it was written, so that later checks can point at it.
#[derive(Debug, Clone)]
pub(crate) struct Located<T> {
    /// The value.
    pub(crate) value: T,
    /// Byte range in its file.
    pub(crate) span: Range<usize>,
}

/// A table being read.
pub(crate) struct Table<'a> {
    file: &'a SourceFile,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    taken: RefCell<Vec<&'static str>>,
    is_open: Cell<bool>,
    out: &'a Collector,
}

/// Parses a file; syntax errors are collected, and what could be read is read.
pub(crate) fn parse<'a>(file: &'a SourceFile, out: &Collector) -> Spanned<DeTable<'a>> {
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        out.add(Mistake::at(file, span, format!("not valid TOML: {}", error.message().trim())));
    }
    table
}

impl<'a> Table<'a> {
    /// The whole file as a table.
    pub(crate) fn root(
        file: &'a SourceFile,
        parsed: &'a Spanned<DeTable<'a>>,
        out: &'a Collector,
    ) -> Self {
        Self::new(file, parsed.get_ref(), 0..0, out)
    }

    fn new(
        file: &'a SourceFile,
        entries: &'a DeTable<'a>,
        span: Range<usize>,
        out: &'a Collector,
    ) -> Self {
        Self { file, entries, span, taken: RefCell::default(), is_open: Cell::new(false), out }
    }

    /// The file this table stands in.
    pub(crate) fn file(&self) -> &'a SourceFile {
        self.file
    }

    /// Notes a mistake at a place of this file.
    pub(crate) fn mistake(&self, span: Range<usize>, message: impl Into<String>) {
        self.out.add(Mistake::at(self.file, span, message));
    }

    /// Notes a mistake with what is allowed.
    pub(crate) fn mistake_help(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.out.add(Mistake::at(self.file, span, message).with_help(help));
    }

    /// Where the table begins.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a key's value stands; the table where it is not written.
    pub(crate) fn span_of(&self, key: &str) -> Range<usize> {
        let entry = self.entries.iter().find(|(k, _)| k.get_ref() == key);
        entry.map_or(self.span(), |(_, value)| value.span())
    }

    /// Whether a key is written at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _)| k.get_ref() == key)
    }

    /// The text under a key, if it is one, without counting the key as known.
    pub(crate) fn written(&self, key: &str) -> Option<&'a str> {
        self.entries.iter().find(|(k, _)| k.get_ref() == key)?.1.get_ref().as_str()
    }

    fn take(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.taken.borrow_mut().push(key);
        self.entries.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = value.get_ref().type_str();
        self.mistake(value.span(), format!("{key} must be {wanted}, got {found}"));
    }

    fn missing(&self, key: &str, wanted: &str) {
        self.mistake(self.span(), format!("{key} is missing; it must be {wanted}"));
    }

    /// A string.
    pub(crate) fn text(&self, key: &'static str) -> Option<Located<String>> {
        let value = self.take(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Located { value: text.to_owned(), span: value.span() }),
            None => {
                self.wrong_type(key, value, "a string");
                None
            }
        }
    }

    /// A string that must be there.
    pub(crate) fn required_text(&self, key: &'static str) -> Option<Located<String>> {
        if !self.has(key) {
            self.taken.borrow_mut().push(key);
            self.missing(key, "a string");
            return None;
        }
        self.text(key)
    }

    /// A string read by `parse`, which says what is wrong with it.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Located<T>> {
        let text = self.text(key)?;
        match parse(&text.value) {
            Ok(value) => Some(Located { value, span: text.span }),
            Err(error) => {
                self.mistake(text.span, format!("{key}: {error}"));
                None
            }
        }
    }

    /// A slug.
    pub(crate) fn name(&self, key: &'static str) -> Option<Located<Name>> {
        self.parsed(key, Name::new)
    }

    /// A list of slugs (a single string counts as a list of one).
    pub(crate) fn names(&self, key: &'static str) -> Vec<Located<Name>> {
        self.texts(key)
            .into_iter()
            .filter_map(|text| match Name::new(&text.value) {
                Ok(value) => Some(Located { value, span: text.span }),
                Err(error) => {
                    self.mistake(text.span, format!("{key}: {error}"));
                    None
                }
            })
            .collect()
    }

    /// A list of strings (a single string counts as a list of one).
    pub(crate) fn texts(&self, key: &'static str) -> Vec<Located<String>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        if let Some(text) = value.get_ref().as_str() {
            return vec![Located { value: text.to_owned(), span: value.span() }];
        }
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a string or a list of strings");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Located { value: text.to_owned(), span: item.span() }),
                None => self.wrong_type(key, item, "a list of strings"),
            }
        }
        texts
    }

    /// A whole number from 0 on.
    pub(crate) fn integer(&self, key: &'static str) -> Option<Located<u64>> {
        let value = self.take(key)?;
        let parsed = value.get_ref().as_integer().map(|i| {
            u64::from_str_radix(&i.as_str().replace('_', ""), i.radix())
                .map_err(|_| i.as_str().to_owned())
        });
        match parsed {
            Some(Ok(number)) => Some(Located { value: number, span: value.span() }),
            Some(Err(text)) => {
                self.mistake(
                    value.span(),
                    format!("{key} must be a whole number from 0 to {}, got {text}", u64::MAX),
                );
                None
            }
            None => {
                self.wrong_type(key, value, "a whole number");
                None
            }
        }
    }

    /// A whole number that must be there.
    pub(crate) fn required_integer(&self, key: &'static str) -> Option<Located<u64>> {
        if !self.has(key) {
            self.taken.borrow_mut().push(key);
            self.missing(key, "a whole number");
            return None;
        }
        self.integer(key)
    }

    /// A whole number within bounds.
    pub(crate) fn integer_in(&self, key: &'static str, allowed: Range<u64>) -> Option<u64> {
        let number = self.integer(key)?;
        if allowed.contains(&number.value) {
            return Some(number.value);
        }
        let (low, high) = (allowed.start, allowed.end - 1);
        self.mistake(
            number.span,
            format!("{key} must be from {low} to {high}, got {}", number.value),
        );
        None
    }

    /// True or false.
    pub(crate) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    /// True, false, or a word that says more than true does.
    pub(crate) fn boolean_or(&self, key: &'static str, word: &str) -> Option<BooleanOr> {
        let value = self.take(key)?;
        match (value.get_ref().as_bool(), value.get_ref().as_str()) {
            (Some(flag), _) => Some(BooleanOr::Boolean(flag)),
            (_, Some(found)) if found == word => Some(BooleanOr::Word),
            _ => {
                self.wrong_type(key, value, &format!("true, false or {word:?}"));
                None
            }
        }
    }

    /// A duration such as `"90s"`, `"6h"`, `"30d"`, in milliseconds.
    pub(crate) fn duration_ms(&self, key: &'static str) -> Option<Located<u64>> {
        self.parsed(key, parse_duration_ms)
    }

    /// A share such as `"5%"` or `0.05`.
    pub(crate) fn share(&self, key: &'static str) -> Option<Located<f64>> {
        let value = self.take(key)?;
        let parsed = match value.get_ref() {
            DeValue::String(text) => text
                .strip_suffix('%')
                .and_then(|n| n.trim().parse::<f64>().ok().map(|percent| percent / 100.0)),
            DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            _ => None,
        };
        match parsed {
            Some(share) if share >= 0.0 => Some(Located { value: share, span: value.span() }),
            _ => {
                self.mistake(value.span(), format!("{key} must be a share like \"5%\" or 0.05"));
                None
            }
        }
    }

    /// An address; mixed case must carry the right checksum.
    pub(crate) fn address(&self, key: &'static str) -> Option<Located<Address>> {
        self.parsed(key, parse_address)
    }

    /// An amount such as `"1_000 USDC"` with `decimals` places, in the smallest unit.
    pub(crate) fn amount(&self, key: &'static str, decimals: u8, symbol: &str) -> Option<U256> {
        let read = |text: &str| {
            let (number, unit) = text.trim().rsplit_once(' ').unwrap_or((text, symbol));
            if unit != symbol {
                return Err(format!("the unit is {symbol}, got {unit:?}"));
            }
            TokenAmount::parse_units(number.trim(), decimals).map_err(|e| e.to_string())
        };
        Some(self.parsed(key, read)?.value)
    }

    /// A word from a list, read by the type's own `FromStr` (whose error lists what is allowed).
    pub(crate) fn word<T: FromStr>(&self, key: &'static str) -> Option<Located<T>>
    where
        T::Err: std::fmt::Display,
    {
        self.parsed(key, T::from_str)
    }

    /// A day, as `2026-03-31` or as text.
    pub(crate) fn day(&self, key: &'static str) -> Option<Located<Day>> {
        let value = self.take(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.as_ref().to_owned(),
            DeValue::Datetime(moment) => moment.to_string(),
            _ => {
                self.wrong_type(key, value, "a day (2026-03-31)");
                return None;
            }
        };
        match text.parse() {
            Ok(day) => Some(Located { value: day, span: value.span() }),
            Err(error) => {
                self.mistake(value.span(), format!("{key}: {error}"));
                None
            }
        }
    }

    /// A moment as it is written, `2026-03-31T09:00` or as text; whoever asks knows on whose clock.
    pub(crate) fn moment_text(&self, key: &'static str) -> Option<Located<String>> {
        let value = self.take(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.as_ref().to_owned(),
            DeValue::Datetime(moment) => moment.to_string(),
            _ => {
                self.wrong_type(key, value, "a moment (2026-03-31T09:00)");
                return None;
            }
        };
        Some(Located { value: text, span: value.span() })
    }

    /// A nested table.
    pub(crate) fn table(&self, key: &'static str) -> Option<Table<'a>> {
        let value = self.take(key)?;
        match value.get_ref().as_table() {
            Some(entries) => Some(Table::new(self.file, entries, value.span(), self.out)),
            None => {
                self.wrong_type(key, value, "a table");
                None
            }
        }
    }

    /// An array of tables, `[[key]]`.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &format!("a list of tables, written [[{key}]]"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(entries) => {
                    tables.push(Table::new(self.file, entries, item.span(), self.out));
                }
                None => self.wrong_type(key, item, "a table"),
            }
        }
        tables
    }

    /// A value that may be a string or a table; `None` when the key is not written.
    pub(crate) fn text_or_table(&self, key: &'static str) -> Option<TextOrTable<'a>> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(TextOrTable::Text(Located {
                value: text.as_ref().to_owned(),
                span: value.span(),
            })),
            DeValue::Table(entries) => {
                Some(TextOrTable::Table(Table::new(self.file, entries, value.span(), self.out)))
            }
            _ => {
                self.wrong_type(key, value, "a string or a table");
                None
            }
        }
    }

    /// All entries of a free-form table, such as a detector's parameters.
    pub(crate) fn entries(&self) -> Vec<(Located<String>, &'a Spanned<DeValue<'a>>)> {
        self.is_open.set(true);
        let located = |key: &Spanned<_>| {
            let text: &std::borrow::Cow<'_, str> = key.get_ref();
            Located { value: text.as_ref().to_owned(), span: key.span() }
        };
        self.entries.iter().map(|(key, value)| (located(key), value)).collect()
    }

    /// Ends the reading: every key that nobody took is unknown.
    pub(crate) fn finish(self) {
        if self.is_open.get() {
            return;
        }
        let taken = self.taken.borrow();
        for (key, _) in self.entries.iter() {
            let word = key.get_ref().as_ref();
            if taken.contains(&word) {
                continue;
            }
            let mut known: Vec<&str> = taken.iter().copied().collect();
            known.sort_unstable();
            known.dedup();
            let help = match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("one of: {}", known.join(", ")),
            };
            self.mistake_help(key.span(), format!("unknown key {word:?}"), help);
        }
    }
}

/// A key that is switched on and off, or on in a particular way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BooleanOr {
    /// `true`, `false`
    Boolean(bool),
    /// The word.
    Word,
}

/// Either form of a value that may be written short or long.
pub(crate) enum TextOrTable<'a> {
    /// The short form.
    Text(Located<String>),
    /// The long form.
    Table(Table<'a>),
}

/// Reads `500ms`, `90s`, `15m`, `6h`, `30d` as milliseconds.
pub fn parse_duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a duration (write 500ms, 90s, 15m, 6h or 30d)");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn all_mistakes_of_a_table_are_reported_at_once() {
        let text =
            "chain_id = \"one\"\npoll_intervall = \"5s\"\nlag = \"5 parsecs\"\nshare = true\n";
        let file = SourceFile { path: "networks/x.toml".into(), text: text.into() };
        let out = Collector::default();
        let parsed = parse(&file, &out);
        let table = Table::root(&file, &parsed, &out);
        assert!(table.integer("chain_id").is_none());
        assert!(table.duration_ms("poll_interval").is_none());
        assert!(table.duration_ms("lag").is_none());
        assert!(table.share("share").is_none());
        table.finish();
        let shown: Vec<String> = out
            .into_mistakes()
            .iter()
            .map(|m| m.to_string().lines().next().unwrap().to_owned())
            .collect();
        expect![[r#"
            networks/x.toml:1: chain_id must be a whole number, got string
            networks/x.toml:3: lag: "5 parsecs" is not a duration (write 500ms, 90s, 15m, 6h or 30d)
            networks/x.toml:4: share must be a share like "5%" or 0.05
            networks/x.toml:2: unknown key "poll_intervall""#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_wrong_checksum_is_told_with_the_right_one() {
        let right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        assert!(parse_address(right).is_ok());
        assert!(parse_address(&right.to_lowercase()).is_ok());
        let wrong = right.replace("5aAe", "5aae");
        expect!["0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed has a wrong checksum; did you mean 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed?"]
            .assert_eq(&parse_address(&wrong).unwrap_err());
    }
}
