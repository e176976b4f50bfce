//! What fits into a channel's longest message.

use super::{Message, Row};

/// Escapes a text character by character and stops before it is longer than `units_max`, so that
/// neither a character nor its escape is torn. Lengths are UTF-16 units, which is what chat
/// providers count, and never less than the characters.
pub(super) fn fitted(text: &str, units_max: usize, escape: impl Fn(char) -> String) -> String {
    let whole: Vec<String> = text.chars().map(escape).collect();
    if whole.iter().map(|piece| units(piece)).sum::<usize>() <= units_max {
        return whole.concat();
    }
    let mut fitted = String::new();
    let mut left = units_max.saturating_sub(1);
    for piece in whole {
        let Some(rest) = left.checked_sub(units(&piece)) else { break };
        left = rest;
        fitted.push_str(&piece);
    }
    fitted.push('…');
    fitted
}

/// UTF-16 units.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Lines that a reader takes in before those about further alerts: state, and why it was sent.
const ROWS_FIRST: usize = 2;

impl Message {
    /// What one needs to know, with the further alerts among it, before the facts that may not fit.
    pub(super) fn all_rows(&self) -> Vec<Row> {
        let urls = self.others.iter().map(|other| other.url.clone()).chain([None]);
        let also = self.others_text().into_iter().zip(urls).map(|(value, link)| Row {
            label: "Also".to_owned(),
            value,
            link,
        });
        let mut rows = self.rows.clone();
        let at = ROWS_FIRST.min(rows.len());
        rows.splice(at..at, also);
        rows
    }

    /// Where a reader can go on, and what they can say by going there: label and address.
    pub(super) fn doors(&self) -> Vec<(&str, &str)> {
        let links = self.links.iter().map(|link| (link.label, link.url.as_str()));
        let answers = self.answers.iter();
        links.chain(answers.filter_map(|said| Some((said.label, said.url.as_deref()?)))).collect()
    }

    /// Rows as `render` shows them, as many as fit into `size_max` by `size`, each with one more for
    /// the break behind it; the last one says how many are left for the page.
    pub(super) fn rows_within<T>(
        &self,
        size_max: usize,
        render: impl Fn(&Row) -> T,
        size: impl Fn(&T) -> usize,
    ) -> Vec<T> {
        let more = |count: usize| Row {
            label: "More".to_owned(),
            value: format!("{count} further lines on the alert's page"),
            link: None,
        };
        let reserve = size(&render(&more(usize::MAX))) + 1;
        let mut rows: Vec<T> = Vec::new();
        let mut used = 0;
        let all = self.all_rows();
        for (at, row) in all.iter().enumerate() {
            let rendered = render(row);
            let needed = size(&rendered) + 1;
            let is_last = at + 1 == all.len();
            if used + needed + if is_last { 0 } else { reserve } > size_max {
                rows.push(render(&more(all.len() - at)));
                break;
            }
            used += needed;
            rows.push(rendered);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message::tests::message;

    #[test]
    fn nothing_is_torn_and_the_cut_shows() {
        let escape = |c: char| if c == '*' { "\\*".to_owned() } else { c.to_string() };
        assert_eq!(fitted("a*b", 4, escape), "a\\*b");
        assert_eq!(fitted("a*bc", 4, escape), "a\\*…");
        assert_eq!(fitted("***", 4, escape), "\\*…");
        assert_eq!(fitted("😀😀", 3, escape), "😀…", "two units each");
    }

    #[test]
    fn rows_that_do_not_fit_are_counted() {
        let message = message();
        for size_max in 60..1_500 {
            let rows = message.rows_within(size_max, |row| row.value.clone(), |row| units(row));
            let length: usize = rows.iter().map(|row| units(row) + 1).sum();
            assert!(length <= size_max, "{length} of {size_max}");
            if rows.len() != message.rows.len()
                || rows.last() != Some(&message.rows.last().unwrap().value)
            {
                let left = message.rows.len() - (rows.len() - 1);
                assert_eq!(
                    rows.last().unwrap(),
                    &format!("{left} further lines on the alert's page")
                );
            }
        }
    }
}
