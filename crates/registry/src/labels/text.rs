//! One address a line; `#` begins a comment, which after an address is its name.

use super::import::{Import, ImportError, Imported, Row};

pub(super) fn import(import: &mut Import<'_>, text: &str) -> Result<Imported, ImportError> {
    if import.of.category.is_none() {
        return Err(ImportError::NoCategory { file: import.of.file.clone() });
    }
    for (at, line) in text.lines().enumerate() {
        let (address, name) = line.split_once('#').unwrap_or((line, ""));
        if address.trim().is_empty() {
            continue;
        }
        let row = Row { name, ..Row::new(at + 1, address) };
        import.row(&row)?;
    }
    Ok(std::mem::take(&mut import.outcome))
}
