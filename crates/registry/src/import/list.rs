//! A plain list of contracts, as CSV with a header or as a JSON list of objects, with the columns
//! `label`, `network` or `chain_id`, `address`, and if wanted `class`, `abi` (a path), `first_block`.
//! Every bad row is told with its line and column; the good ones are taken.

use std::collections::BTreeMap;

use model::Name;
use serde_json::value::RawValue;

use super::{AbiText, At, Chain, Deployed, Files, Import, LeftOut, Place, Why, json};
use crate::{Class, address::parse_address};

/// The columns, in the order of the documentation.
const COLUMNS: [&str; 7] =
    ["label", "network", "chain_id", "address", "class", "abi", "first_block"];

/// A cell with its place.
#[derive(Debug, Clone)]
struct Cell {
    text: String,
    line: usize,
    column: usize,
}

/// A row: its cells by column, and where it begins.
struct Row {
    cells: BTreeMap<String, Cell>,
    line: usize,
}

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    let mut is_any = false;
    let of_others = import.left_out.len();
    for path in files.paths() {
        // Below lie the ABIs that the rows refer to.
        if path.contains('/') {
            continue;
        }
        let read: fn(&str, &str, &mut Import) -> Vec<Row> = match path.rsplit('.').next() {
            Some("csv") => csv,
            Some("json") => objects,
            _ => continue,
        };
        is_any = true;
        match files.text(path) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                for row in read(path, text, import) {
                    take(files, path, &row, import);
                }
            }
            Err(why) => {
                let why = Why::Corrupt(format!("cannot be read: {why}"));
                import.leave(Place::file(path), "", why);
            }
        }
    }
    if !is_any {
        let why = "holds no list: name a .csv or .json file, or a folder of them".to_owned();
        import.leave(Place::file("."), "", Why::Incomplete(why));
    }
    import.left_out[of_others..].sort_by(|a, b| a.place.cmp(&b.place));
}

fn take(files: &dyn Files, path: &str, row: &Row, import: &mut Import) {
    let mut mistakes = Vec::new();
    let whole = Cell { text: String::new(), line: row.line, column: 1 };
    let cell = |column: &str| row.cells.get(column).filter(|cell| !cell.text.is_empty());
    let mut wrong = |cell: &Cell, text: String| {
        let at = At::Line { line: cell.line, column: cell.column };
        mistakes.push((Place { file: path.to_owned(), at }, text));
    };
    let label = match cell("label") {
        Some(cell) => Name::new(&cell.text).map_err(|e| wrong(cell, format!("label: {e}"))).ok(),
        None => {
            wrong(&whole, "label is missing; it must be a name".into());
            None
        }
    };
    let address = match cell("address") {
        Some(cell) => {
            parse_address(&cell.text).map_err(|e| wrong(cell, format!("address: {e}"))).ok()
        }
        None => {
            wrong(
                &whole,
                "address is missing; it must be an address (0x and 40 hex digits)".into(),
            );
            None
        }
    };
    let number = |column: &str, wrong: &mut dyn FnMut(&Cell, String)| {
        let cell = cell(column)?;
        let parsed = cell.text.replace('_', "").parse::<u64>();
        let said = || format!("{column} must be a whole number, got {:?}", cell.text);
        parsed.map_err(|_| wrong(cell, said())).ok()
    };
    let chain = match (cell("network"), cell("chain_id")) {
        (Some(cell), None) => {
            let name = Name::new(&cell.text).map_err(|e| wrong(cell, format!("network: {e}")));
            name.ok().map(Chain::Network)
        }
        (None, Some(_)) => number("chain_id", &mut wrong).map(Chain::Id),
        (Some(_), Some(chain)) => {
            wrong(chain, "a row has a network or a chain_id, not both".into());
            None
        }
        (None, None) => {
            wrong(&whole, "network or chain_id is missing".into());
            None
        }
    };
    let class = cell("class").and_then(|cell| {
        cell.text.parse::<Class>().map_err(|e| wrong(cell, format!("class: {e}"))).ok()
    });
    let first_block = number("first_block", &mut wrong);
    let abi = cell("abi").and_then(|cell| match abi(files, path, &cell.text) {
        Ok(abi) => Some(abi),
        Err(why) => {
            wrong(cell, format!("abi {:?}: {why}", cell.text));
            None
        }
    });
    if mistakes.is_empty()
        && let (Some(label), Some(address), Some(chain)) = (&label, address, chain)
    {
        let at = At::Line { line: row.line, column: 1 };
        let place = Place { file: path.to_owned(), at };
        let known = import.deployed.iter().find(|d| d.chain == chain && d.address == address);
        if let Some(known) = known {
            let why = format!("{address} is given already, as {} at {}", known.name, known.place);
            return import.leave(place, label.as_str(), Why::Corrupt(why));
        }
        let mut deployed = Deployed::new(label.as_str(), chain, address, place);
        deployed.class = class;
        deployed.first_block = first_block;
        deployed.abi = abi;
        import.add(deployed);
        return;
    }
    let what = label.map(|label| label.to_string()).unwrap_or_default();
    for (place, text) in mistakes {
        import.left_out.push(LeftOut { place, what: what.clone(), why: Why::Corrupt(text) });
    }
}

/// An ABI by its path, which is relative to the list.
fn abi(files: &dyn Files, list: &str, path: &str) -> Result<AbiText, String> {
    let folder = list.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let from = format!("{folder}{path}");
    let text = files.text(&from).map_err(|why| format!("cannot be read: {why}"))?;
    crate::ContractAbi::from_json(&text).map_err(|why| why.to_string())?;
    Ok(AbiText { json: text.into_owned(), from })
}

/// What is wrong with a header, or with the keys of an object.
fn unknown_column(column: &str) -> String {
    let near = COLUMNS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(column, known), known))
        .min()
        .filter(|(distance, _)| *distance <= (column.len() / 3).max(1));
    match near {
        Some((_, near)) => format!("unknown column {column:?}; did you mean {near}?"),
        None => format!("unknown column {column:?} (one of: {})", COLUMNS.join(", ")),
    }
}

fn csv(path: &str, text: &str, import: &mut Import) -> Vec<Row> {
    let mut records = records(text).into_iter();
    let Some(header) = records.next() else {
        let why = format!("is empty; the first line names the columns: {}", COLUMNS.join(","));
        import.leave(Place::file(path), "", Why::Incomplete(why));
        return Vec::new();
    };
    let mut is_sound = true;
    for cell in &header {
        if !COLUMNS.contains(&cell.text.to_lowercase().as_str()) {
            let at = At::Line { line: cell.line, column: cell.column };
            let place = Place { file: path.to_owned(), at };
            import.leave(place, "", Why::Corrupt(unknown_column(&cell.text.to_lowercase())));
            is_sound = false;
        }
    }
    if !is_sound {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for record in records {
        let line = record.first().map_or(1, |cell| cell.line);
        if let [only] = record.as_slice()
            && only.text.is_empty()
        {
            continue;
        }
        if record.len() != header.len() {
            let at = At::Line { line, column: 1 };
            let why = format!("{} fields, the header has {}", record.len(), header.len());
            import.leave(Place { file: path.to_owned(), at }, "", Why::Corrupt(why));
            continue;
        }
        let names = header.iter().map(|cell| cell.text.to_lowercase());
        rows.push(Row { cells: names.zip(record).collect(), line });
    }
    rows
}

/// Records of a text (RFC 4180: quotes, doubled quotes, line breaks inside quotes), trimmed.
fn records(text: &str) -> Vec<Vec<Cell>> {
    let mut records = Vec::new();
    let mut record: Vec<Cell> = Vec::new();
    let (mut line, mut column) = (1, 1);
    let mut cell = Cell { text: String::new(), line, column };
    let mut is_quoted = false;
    let mut chars = text.chars().peekable();
    let close = |cell: &mut Cell, line, column| {
        let mut done = std::mem::replace(cell, Cell { text: String::new(), line, column });
        done.text = done.text.trim().to_owned();
        done
    };
    while let Some(c) = chars.next() {
        column += 1;
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                column += 1;
                cell.text.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.text.trim().is_empty() => is_quoted = true,
            ',' if !is_quoted => record.push(close(&mut cell, line, column)),
            '\n' => {
                line += 1;
                column = 1;
                if is_quoted {
                    cell.text.push(c);
                } else {
                    record.push(close(&mut cell, line, column));
                    records.push(std::mem::take(&mut record));
                }
            }
            c => cell.text.push(c),
        }
    }
    if !record.is_empty() || !cell.text.trim().is_empty() {
        record.push(close(&mut cell, line, column));
        records.push(record);
    }
    records
}

fn objects(path: &str, text: &str, import: &mut Import) -> Vec<Row> {
    let items: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(items) => items,
        Err(error) => {
            let at = At::Line { line: error.line(), column: error.column().max(1) };
            let message = error.to_string();
            let why = format!("expected a list of objects: {}", json::without_place(&message));
            import.leave(Place { file: path.to_owned(), at }, "", Why::Corrupt(why));
            return Vec::new();
        }
    };
    let place_of = |part: &RawValue| {
        // The value is a slice of the text, so its distance from the start is where it stands.
        let at = (part.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let before = &text[..at.min(text.len())];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    };
    let mut rows = Vec::new();
    for item in items {
        let (line, column) = place_of(item);
        let mut complain = |(line, column), text: String| {
            let place = Place { file: path.to_owned(), at: At::Line { line, column } };
            import.leave(place, "", Why::Corrupt(text));
        };
        let fields: BTreeMap<String, &RawValue> = match serde_json::from_str(item.get()) {
            Ok(fields) => fields,
            Err(_) => {
                complain((line, column), "expected an object with label, address …".into());
                continue;
            }
        };
        let mut cells = BTreeMap::new();
        let mut is_sound = true;
        for (key, value) in fields {
            let (line, column) = place_of(value);
            if !COLUMNS.contains(&key.as_str()) {
                complain((line, column), unknown_column(&key));
                is_sound = false;
                continue;
            }
            let text = match serde_json::from_str::<serde_json::Value>(value.get()) {
                Ok(serde_json::Value::String(text)) => text,
                Ok(serde_json::Value::Null) => continue,
                _ => value.get().to_owned(),
            };
            cells.insert(key, Cell { text: text.trim().to_owned(), line, column });
        }
        if is_sound {
            rows.push(Row { cells, line });
        }
    }
    rows
}
