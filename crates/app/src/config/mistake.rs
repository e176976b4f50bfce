//! Mistakes in a user's files, shown the way a good compiler shows them.

use std::{fmt, ops::Range};

/// A text file of the user's folder, with the path a person would type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the configuration's folder, with `/`.
    pub path: String,
    /// Whole content.
    pub text: String,
}

/// One mistake at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Path of the file, or of the folder when the file is what is missing.
    pub file: String,
    /// Line, counted from 1; `None` when the mistake is about the file as a whole.
    pub line: Option<usize>,
    /// The line's text with the columns (in characters, from 0) that are wrong.
    pub excerpt: Option<(String, Range<usize>)>,
    /// What is wrong: names the key and the value.
    pub message: String,
    /// What is allowed, or the nearest right spelling.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake about a file as a whole.
    pub fn in_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, excerpt: None, message: message.into(), help: None }
    }

    /// A mistake at a byte range of a file.
    pub fn at(file: &SourceFile, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor_char_boundary(&file.text, span.start);
        let line_start = file.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_text = file.text[line_start..].lines().next().unwrap_or_default();
        let end =
            floor_char_boundary(&file.text, span.end).clamp(start, line_start + line_text.len());
        let from = file.text[line_start..start].chars().count();
        let width = file.text[start..end.max(start)].chars().count().max(1);
        Self {
            file: file.path.clone(),
            line: Some(file.text[..start].matches('\n').count() + 1),
            excerpt: Some((line_text.to_owned(), from..from + width)),
            message: message.into(),
            help: None,
        }
    }

    /// The same mistake, saying what is allowed.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message)?,
            None => write!(f, "{}: {}", self.file, self.message)?,
        }
        if let (Some(line), Some((text, columns))) = (self.line, &self.excerpt) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let text = text.replace('\t', " ");
            write!(f, "\n {margin} |\n {number} | {text}\n {margin} | ")?;
            write!(f, "{}{}", " ".repeat(columns.start), "^".repeat(columns.len()))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = {help}")?;
        }
        Ok(())
    }
}

/// All mistakes of a configuration, in the order of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            write!(f, "{}{mistake}", if i > 0 { "\n\n" } else { "" })?;
        }
        Ok(())
    }
}

/// The candidate nearest in spelling to `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance_max = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .min()
        .map(|(_, candidate)| candidate)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_mistake_points_at_the_characters() {
        let file = SourceFile {
            path: "monitors/vault.toml".into(),
            text: "a = 1\nseverity = \"hï\"\n".into(),
        };
        let mistake = Mistake::at(&file, 17..22, "unknown severity \"hï\"")
            .with_help("one of: info, low, medium, high, critical");
        expect![[r#"
            monitors/vault.toml:2: unknown severity "hï"
               |
             2 | severity = "hï"
               |            ^^^^
               = one of: info, low, medium, high, critical"#]]
        .assert_eq(&mistake.to_string());
    }

    #[test]
    fn the_nearest_spelling_is_offered_only_when_it_is_near() {
        assert_eq!(nearest("severty", ["severity", "say"]), Some("severity"));
        assert_eq!(nearest("banana", ["severity", "say"]), None);
    }
}
