//! A series as people have it: a CSV file of moments and values.
//!
//! Moments are ISO 8601 (`2024-05-01T12:00:00Z`, with or without offset), `2024-05-01 12:00:00`,
//! `2024-05-01`, or a count since 1970 in seconds, milli-, micro- or nanoseconds, told apart by its
//! magnitude. A moment without offset is taken as UTC. The separator is a comma, a semicolon or a
//! tab; a header is recognised by its words; what is empty, `NaN`, `NA` or `null` is a missing value.
//! Every mistake is told with line and column, and a file with a mistake is not used.

mod moment; // what people write for a time

use std::fmt;

pub use moment::{Moment, parse as parse_moment};

/// Mistakes that are told one by one; of more only the number.
const MISTAKES_TOLD: usize = 20;

/// Rows that a file may have: five years of seconds.
const ROWS_MAX: usize = 160_000_000;

/// One row, in the file's own words and understood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// Line in the file, from 1.
    pub line: usize,
    /// The moment as written.
    pub moment_text: &'a str,
    /// The moment.
    pub at: Moment,
    /// The value as written.
    pub value_text: &'a str,
    /// The value; NaN where it is missing.
    pub value: f64,
}

/// Something in the file that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// All that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// The file's name.
    pub file: String,
    /// The first of them.
    pub told: Vec<Mistake>,
    /// How many there are.
    pub count: usize,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.told.iter().enumerate() {
            let end = if i + 1 == self.told.len() { "" } else { "\n" };
            let Mistake { line, column, what } = mistake;
            write!(f, "{}:{line}:{column}: {what}{end}", self.file)?;
        }
        match self.count - self.told.len() {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more mistakes", self.file),
        }
    }
}

impl std::error::Error for Mistakes {}

/// Where the two columns stand.
#[derive(Debug, Clone, Copy)]
struct Layout {
    separator: char,
    moment: usize,
    value: usize,
}

const MOMENT_NAMES: &[&str] = &["timestamp", "time", "date", "datetime", "ts", "at", "block_time"];
const VALUE_NAMES: &[&str] = &["value", "val", "v", "y", "metric"];

/// A field with the column at which it begins.
#[derive(Debug, Clone, Copy)]
struct Field<'a> {
    text: &'a str,
    column: usize,
}

/// Reads a file's text.
///
/// # Errors
///
/// All mistakes, each with line and column; also a file without rows.
pub fn read<'a>(file: &str, text: &'a str) -> Result<Vec<Row<'a>>, Mistakes> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Found { rows: Vec::new(), told: Vec::new(), count: 0 };
    let mut layout = None;
    for (i, line_text) in text.lines().enumerate() {
        let line = i + 1;
        let line_text = line_text.trim_end_matches('\r');
        if line_text.trim().is_empty() || line_text.starts_with('#') {
            continue;
        }
        let layout = match layout {
            Some(known) => known,
            None => {
                let (known, is_header) = layout_of(line_text);
                layout = Some(known);
                if is_header {
                    continue;
                }
                known
            }
        };
        if found.rows.len() == ROWS_MAX {
            found.mistake(line, 1, format!("more than {ROWS_MAX} rows"));
            break;
        }
        found.row(line, line_text, layout);
    }
    if found.count == 0 && found.rows.is_empty() {
        found.mistake(
            1,
            1,
            "no rows; each line is a moment and a value: 2024-05-01 12:00:00,3.5".into(),
        );
    }
    if found.count == 0 {
        return Ok(found.rows);
    }
    Err(Mistakes { file: file.to_owned(), told: found.told, count: found.count })
}

struct Found<'a> {
    rows: Vec<Row<'a>>,
    told: Vec<Mistake>,
    count: usize,
}

impl<'a> Found<'a> {
    fn mistake(&mut self, line: usize, column: usize, what: String) {
        self.count += 1;
        if self.told.len() < MISTAKES_TOLD {
            self.told.push(Mistake { line, column, what });
        }
    }

    fn row(&mut self, line: usize, text: &'a str, layout: Layout) {
        let fields = fields(text, layout.separator);
        let needed = layout.moment.max(layout.value) + 1;
        if fields.len() < needed {
            let end = text.chars().count() + 1;
            let what = format!("{} field(s), a row has a moment and a value", fields.len());
            self.mistake(line, end, what);
            return;
        }
        let (moment, value) = (fields[layout.moment], fields[layout.value]);
        let at = moment::parse(moment.text);
        let number = number(value.text);
        if at.is_none() {
            let what = format!(
                "{:?} is no moment (such as 2024-05-01 12:00:00, 2024-05-01T12:00:00Z or 1714564800)",
                moment.text
            );
            self.mistake(line, moment.column, what);
        }
        if number.is_none() {
            let what = format!("{:?} is no number (nor empty, NaN, NA or null)", value.text);
            self.mistake(line, value.column, what);
        }
        if let (Some(at), Some(value_number)) = (at, number) {
            let (moment_text, value_text) = (moment.text, value.text);
            self.rows.push(Row { line, moment_text, at, value_text, value: value_number });
        }
    }
}

/// How the first line says that the file is laid out, and whether it is a header.
fn layout_of(first: &str) -> (Layout, bool) {
    let separator = [',', ';', '\t'].into_iter().find(|s| first.contains(*s)).unwrap_or(',');
    let names: Vec<String> =
        fields(first, separator).iter().map(|f| f.text.to_lowercase()).collect();
    let named = |known: &[&str]| names.iter().position(|n| known.contains(&n.as_str()));
    let (moment, value) = (named(MOMENT_NAMES), named(VALUE_NAMES));
    let is_row = names.first().is_some_and(|n| moment::parse(n).is_some())
        || names.get(1).is_some_and(|n| number(n).is_some_and(f64::is_finite));
    let moment_at = moment.unwrap_or(usize::from(value == Some(0)));
    let value_at = value.unwrap_or(usize::from(moment_at == 0));
    if is_row {
        return (Layout { separator, moment: 0, value: 1 }, false);
    }
    // One field is a row cut short, not a header: it is told as a mistake.
    (Layout { separator, moment: moment_at, value: value_at }, names.len() > 1)
}

/// A value; NaN where it says that there is none; `None` where it says something else.
fn number(text: &str) -> Option<f64> {
    let is_missing = ["", "nan", "na", "n/a", "null", "none", "-"]
        .iter()
        .any(|missing| text.eq_ignore_ascii_case(missing));
    if is_missing {
        return Some(f64::NAN);
    }
    text.parse::<f64>().ok().map(|x| if x.is_finite() { x } else { f64::NAN })
}

/// The fields of a line, without blanks and quotes around them.
fn fields(line: &str, separator: char) -> Vec<Field<'_>> {
    let mut fields = Vec::with_capacity(2);
    let mut column = 1;
    for part in line.split(separator) {
        let blank = part.chars().take_while(|c| c.is_whitespace()).count();
        let text = part.trim();
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let quote = usize::from(inner.is_some());
        let inner = inner.unwrap_or(text);
        fields.push(Field { text: inner, column: column + blank + quote });
        column += part.chars().count() + 1;
    }
    fields
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let shown = match read("s.csv", text) {
            Ok(rows) => rows
                .iter()
                .map(|r| format!("{}: {} {:?}\n", r.line, r.at.seconds, r.value))
                .collect(),
            Err(mistakes) => mistakes.to_string(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn the_forms_that_people_have_are_read() {
        check(
            "\u{feff}timestamp,value\r\n2014-04-01 00:00:00,18.5\r\n2014-04-01T00:05:00Z, 20\r\n\r\n",
            expect![[r#"
                2: 1396310400 18.5
                3: 1396310700 20.0
            "#]],
        );
        check(
            "1396310400;1e3\n1396310700000;NaN\n1396310700000000;\n",
            expect![[r#"
                1: 1396310400 1000.0
                2: 1396310700 NaN
                3: 1396310700 NaN
            "#]],
        );
        check(
            "host,value,timestamp\na,1,\"2014-04-01\"\nb,-2.5,2014-04-01 02:00+02:00\n",
            expect![[r#"
                2: 1396310400 1.0
                3: 1396310400 -2.5
            "#]],
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        check(
            "timestamp,value\n2014-04-01 00:00:00,abc\nyesterday, 4\n2014-04-01 00:10:00\n",
            expect![[r#"
                s.csv:2:21: "abc" is no number (nor empty, NaN, NA or null)
                s.csv:3:1: "yesterday" is no moment (such as 2024-05-01 12:00:00, 2024-05-01T12:00:00Z or 1714564800)
                s.csv:4:20: 1 field(s), a row has a moment and a value"#]],
        );
        check(
            "timestamp,value\n",
            expect![
                "s.csv:1:1: no rows; each line is a moment and a value: 2024-05-01 12:00:00,3.5"
            ],
        );
    }

    #[test]
    fn of_many_mistakes_the_first_are_told_and_all_counted() {
        let text = "t,v\n".to_owned() + &"x,1\n".repeat(50);
        let mistakes = read("s.csv", &text).unwrap_err();
        assert_eq!((mistakes.told.len(), mistakes.count), (MISTAKES_TOLD, 50));
        assert!(mistakes.to_string().ends_with("s.csv: and 30 more mistakes"), "{mistakes}");
    }
}
