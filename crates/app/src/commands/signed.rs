//! A file that somebody signed, as the commands that verify one read it.

use std::{fs, path::Path};

use anyhow::Context;
use serde_json::json;

use crate::{signature::Envelope, terminal::print_line};

/// What a signed file says; `None`, having printed why, when `open` refuses it. `what` names what the
/// file should be ("export").
///
/// # Errors
/// When the file cannot be read or is no envelope.
pub(super) fn read<T>(
    file: &Path,
    what: &str,
    as_json: bool,
    open: impl FnOnce(&Envelope) -> anyhow::Result<T>,
) -> anyhow::Result<Option<T>> {
    let file_name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("reading {file_name}"))?;
    let envelope: Envelope = serde_json::from_str(&text)
        .with_context(|| format!("{file_name} is no signed {what} (a DSSE envelope)"))?;
    match open(&envelope) {
        Ok(document) => Ok(Some(document)),
        Err(error) => {
            match as_json {
                true => print_line(&json!({"ok": false, "why": format!("{error:#}")})),
                false => print_line(&format!("{file_name}: {error:#}")),
            }
            Ok(None)
        }
    }
}
