//! What is wrong with a source text, where, and what would be right.

use std::{fmt, ops::Range};

/// One mistake in an expression or a message template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where, in bytes of the source; empty at the place where something is missing.
    pub span: Range<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// What is allowed, or the nearest right spelling.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Mistakes reported for one source; the rest follow from them or can wait for the next run.
    pub const COUNT_MAX: usize = 32;

    /// Columns of the source line that [`Diagnostic::render`] prints around the mistake.
    const WINDOW_COLUMNS: usize = 96;

    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column of the mistake, both counted from 1, the column in characters.
    pub fn position(&self, source: &str) -> (usize, usize) {
        let start = floor_boundary(source, self.span.start);
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The mistake as a compiler prints it: message, line, caret underline, help.
    ///
    /// ```text
    /// 1:1: no variable `amout`
    ///   | amout >= 5
    ///   | ^^^^^
    ///   = did you mean `amount`?
    /// ```
    ///
    /// The underline ends with the first line of a mistake that spans several; control characters
    /// are shown as spaces; a long line is cut around the mistake.
    pub fn render(&self, source: &str) -> String {
        let (line_number, column) = self.position(source);
        let line = source.split('\n').nth(line_number - 1).unwrap_or("");
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let characters: Vec<char> = line.chars().map(printable).collect();
        let start = column - 1;
        let end_byte = floor_boundary(source, self.span.end);
        let start_byte = floor_boundary(source, self.span.start).min(end_byte);
        let marked = source[start_byte..end_byte].split('\n').next().unwrap_or("");
        let width = marked.chars().count().clamp(1, Self::WINDOW_COLUMNS / 2);

        let first = if characters.len() <= Self::WINDOW_COLUMNS {
            0
        } else {
            start.saturating_sub(Self::WINDOW_COLUMNS / 3)
        };
        let last = characters.len().min(first + Self::WINDOW_COLUMNS);
        let shown: String = characters[first..last].iter().collect();
        let (cut_left, cut_right) = (first > 0, last < characters.len());
        let indent = start - first + usize::from(cut_left);

        let mut text = format!("{line_number}:{column}: {}\n  | ", self.message);
        text.push_str(if cut_left { "…" } else { "" });
        text.push_str(shown.trim_end());
        text.push_str(if cut_right { "…" } else { "" });
        text.push_str("\n  | ");
        text.extend(std::iter::repeat_n(' ', indent));
        text.extend(std::iter::repeat_n('^', width));
        if let Some(help) = &self.help {
            text.push_str("\n  = ");
            text.push_str(help);
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    /// The message and the help on one line, for places that cannot show the source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// Orders the mistakes by place, drops repetitions, and keeps [`Diagnostic::COUNT_MAX`], saying so
/// when there were more.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
    diagnostics.dedup();
    let more = diagnostics.len().saturating_sub(Diagnostic::COUNT_MAX);
    if more > 0 {
        diagnostics.truncate(Diagnostic::COUNT_MAX);
        if let Some(last) = diagnostics.last_mut() {
            last.message.push_str(&format!(" … and {more} more mistakes after this one"));
        }
    }
    diagnostics
}

/// The candidate that `word` was most likely meant to be, if any is close enough to be a slip.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let slips_max = (word.chars().count() / 3).clamp(1, 3);
    let lower = word.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_ascii_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= slips_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean …?" when something is near, then what there is.
pub(crate) fn suggestion(word: &str, what: &str, candidates: &[&str]) -> String {
    const LISTED_MAX: usize = 16;
    let mut text = match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    if candidates.is_empty() {
        text.push_str(&format!("there are no {what}"));
        return text;
    }
    let listed: Vec<&str> = candidates.iter().copied().take(LISTED_MAX).collect();
    text.push_str(&format!("{what}: {}", listed.join(", ")));
    if candidates.len() > LISTED_MAX {
        text.push_str(&format!(" and {} more", candidates.len() - LISTED_MAX));
    }
    text
}

fn floor_boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_caret_stands_under_the_mistake_on_its_own_line() {
        let source = "größe >= 1 &&\n  amout < 2";
        let start = source.find("amout").unwrap();
        let diagnostic =
            Diagnostic::new(start..start + 5, "no variable `amout`").help("did you mean `amount`?");
        expect![[r#"
            2:3: no variable `amout`
              |   amout < 2
              |   ^^^^^
              = did you mean `amount`?"#]]
        .assert_eq(&diagnostic.render(source));
    }

    #[test]
    fn a_long_line_is_cut_around_the_mistake() {
        let source = format!("{} amout {}", "a || ".repeat(60), " || b".repeat(60));
        let start = source.find("amout").unwrap();
        let text = Diagnostic::new(start..start + 5, "no variable").render(&source);
        expect![[r#"
            1:302: no variable
              | … a || a || a || a || a || a ||  amout  || b || b || b || b || b || b || b || b || b || b || b ||…
              |                                  ^^^^^"#]]
        .assert_eq(&text);
    }

    #[test]
    fn any_span_renders_without_panic() {
        let source = "ä\u{1F600}\n\tx";
        for start in 0..12 {
            for end in 0..12 {
                Diagnostic::new(start..end, "m").render(source);
            }
        }
    }

    #[test]
    fn only_a_slip_of_the_pen_is_suggested() {
        assert_eq!(nearest("amuont", ["holder", "amount"]), Some("amount"));
        assert_eq!(nearest("x", ["holder", "amount"]), None);
        assert_eq!(nearest("Amount", ["amount"]), Some("amount"));
    }
}
