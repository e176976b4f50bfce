//! A stage in a monitor's file: the one line that changes, everything else as the user wrote it.

use model::{Name, Stage};

/// Why a file cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// The monitor is not in this text.
    #[error("there is no [[monitor]] with name = \"{0}\" at the beginning of a line")]
    NotThere(Name),
    /// The change would change more than it should.
    #[error(
        "the line of monitor {0} is written in a way that is not safe to change; set stage = \"{1}\" by hand"
    )]
    NotSafe(Name, Stage),
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The whole text.
    pub text: String,
    /// Number of the line that says the stage now, from 1.
    pub line: usize,
    /// What stood there before; `None` when the line is new.
    pub before: Option<String>,
    /// What stands there now.
    pub after: String,
}

/// Sets the stage of a monitor in the text of its file, with who said so and why beside it.
///
/// # Errors
/// When the monitor is not in the text, or is written so that one line cannot be changed safely:
/// the changed text is read again, and nothing but the stage may differ.
pub fn set_stage(text: &str, monitor: &Name, stage: Stage, note: &str) -> Result<Edit, StageError> {
    let lines: Vec<&str> = text.lines().collect();
    let is_head = |line: &str| line.trim_start().starts_with('[');
    let is_named = |line: &str| value_of(line, "name") == Some(monitor.as_str());
    let mut begin = None;
    let mut named = None;
    for (at, line) in lines.iter().enumerate() {
        if is_head(line) {
            begin = (line.trim().starts_with("[[monitor]]")).then_some(at);
        } else if begin.is_some() && is_named(line) {
            named = Some(at);
            break;
        }
    }
    let (Some(begin), Some(named)) = (begin, named) else {
        return Err(StageError::NotThere(monitor.clone()));
    };
    let rest = lines.iter().skip(begin + 1).position(|line| is_head(line));
    let end = rest.map_or(lines.len(), |length| begin + 1 + length);
    let known = (begin + 1..end).find(|at| value_of(lines[*at], "stage").is_some());
    // A comment is one line, whatever a person wrote.
    let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let after = format!("stage = \"{stage}\" # {}", note.trim());
    let mut changed: Vec<&str> = lines.clone();
    let (line, before) = match known {
        Some(at) => {
            changed[at] = &after;
            (at, Some(lines[at].to_owned()))
        }
        None => {
            changed.insert(named + 1, &after);
            (named + 1, None)
        }
    };
    let mut result = changed.join("\n");
    if text.ends_with('\n') {
        result.push('\n');
    }
    let is_safe = differs_only_in_stage(text, &result, monitor, stage);
    if !is_safe {
        return Err(StageError::NotSafe(monitor.clone(), stage));
    }
    Ok(Edit { text: result, line: line + 1, before, after })
}

/// The plain text that a line gives a key: `key = "text"`.
fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(key)?.trim_start();
    let rest = rest.strip_prefix('=')?.trim_start().strip_prefix('"')?;
    rest.split('"').next()
}

fn differs_only_in_stage(before: &str, after: &str, monitor: &Name, stage: Stage) -> bool {
    let (Ok(before), Ok(after)) = (before.parse::<toml::Table>(), after.parse::<toml::Table>())
    else {
        return false;
    };
    let without = |mut table: toml::Table| {
        let mut stages = Vec::new();
        let monitors = table.get_mut("monitor").and_then(toml::Value::as_array_mut);
        for one in monitors.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
            if one.get("name").and_then(toml::Value::as_str) == Some(monitor.as_str()) {
                stages.push(one.remove("stage"));
            }
        }
        (table, stages)
    };
    let ((before, _), (after, stages)) = (without(before), without(after));
    before == after && stages == [Some(toml::Value::String(stage.to_string()))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const TEXT: &str = "# ours\n[[monitor]]\nname = \"drain\" # large\nseverity = \"high\"\n\n[monitor.params]\nshare = \"5%\"\n\n[[monitor]]\nname = \"roles\"\nstage = \"shadow\" # new\nseverity = \"high\"\n";

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn one_line_changes_and_the_rest_stays_as_written() {
        let edit =
            set_stage(TEXT, &name("roles"), Stage::Notify, "2026-01-02 ada: 12 of 14").unwrap();
        assert_eq!((edit.line, edit.before.as_deref()), (11, Some("stage = \"shadow\" # new")));
        assert_eq!(edit.text.replace(&edit.after, "stage = \"shadow\" # new"), TEXT);
        let edit = set_stage(TEXT, &name("drain"), Stage::Act, "line\nbreak").unwrap();
        expect![[r##"stage = "act" # line break"##]].assert_eq(&edit.after);
        assert_eq!(edit.text.replace(&format!("{}\n", edit.after), ""), TEXT);
        assert!(edit.text.contains("name = \"drain\" # large\nstage = \"act\""));
    }

    #[test]
    fn what_cannot_be_changed_safely_is_refused() {
        let missing = set_stage(TEXT, &name("other"), Stage::Page, "").unwrap_err();
        assert_eq!(missing, StageError::NotThere(name("other")));
        // A name inside a text of several lines is none.
        let hidden = "[[monitor]]\nname = \"a\"\nsay = \"\"\"\n[[monitor]]\nname = \"b\"\n\"\"\"\n";
        let refused = set_stage(hidden, &name("b"), Stage::Page, "").unwrap_err();
        assert_eq!(refused, StageError::NotSafe(name("b"), Stage::Page));
    }
}
