//! Label sets of the Forta network: the files of its labelled datasets (comma-separated, with a
//! contract, who created it, and the words of an explorer), and labels as its API and its bots give
//! them (JSON: an entity, a label, a confidence, whether it is taken back).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Category, Columns, LabelFile, LabelsBuilder,
    import::{Import, ImportError, Imported, Row},
};

pub(super) fn import(
    builder: &mut LabelsBuilder,
    of: &LabelFile,
    text: &str,
) -> Result<Imported, ImportError> {
    // The sets are of attackers; the words of a row, where it has any, say more.
    let category_else = of.category_else.clone().or(Some(Category::Exploiter));
    let of = LabelFile { category_else, ..of.clone() };
    match text.trim_start().starts_with(['{', '[']) {
        true => labels(&mut Import::new(builder, &of), text),
        false => datasets(builder, &of, text),
    }
}

fn datasets(
    builder: &mut LabelsBuilder,
    of: &LabelFile,
    text: &str,
) -> Result<Imported, ImportError> {
    let header = text.lines().next().unwrap_or_default().to_lowercase();
    let has = |name: &str| header.split(',').any(|column| column.trim() == name);
    // A row's source is its category in one of the files, its own word in the others.
    let category = ["contract_creator_etherscan_label", "etherscan_labels", "data_source"];
    let category = category.into_iter().find(|name| has(name)).map(str::to_owned);
    let columns = Columns { category, ..of.columns.clone() };
    let mut outcome = builder.import_csv(&LabelFile { columns, ..of.clone() }, text)?;
    if has("contract_creator") {
        let columns = Columns {
            address: Some("contract_creator".to_owned()),
            name: has("contract_creator_tag").then(|| "contract_creator_tag".to_owned()),
            category: has("contract_creator_etherscan_label")
                .then(|| "contract_creator_etherscan_label".to_owned()),
            ..Columns::default()
        };
        let of = LabelFile { columns, may_lack_address: true, ..of.clone() };
        outcome.absorb(builder.import_csv(&of, text)?);
    }
    Ok(outcome)
}

fn labels(import: &mut Import<'_>, text: &str) -> Result<Imported, ImportError> {
    let bad = |reason: &str| ImportError::BadJson {
        file: import.of.file.clone(),
        reason: reason.to_owned(),
    };
    let whole: Value = serde_json::from_str(text).map_err(|error| bad(&error.to_string()))?;
    let list = ["/data/labels/labels", "/labels", "/data", ""];
    let list = list.iter().find_map(|path| whole.pointer(path)?.as_array());
    let list = list.ok_or_else(|| bad("no list of labels"))?;
    let said =
        |entry: &Value| entry.get("label").filter(|l| l.is_object()).unwrap_or(entry).clone();
    let text_of = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let key = |label: &Value| {
        (text_of(label, "entity").to_lowercase(), text_of(label, "label").to_lowercase())
    };
    let is_removal = |label: &Value| {
        ["remove", "removed"].iter().any(|k| label.get(*k).and_then(Value::as_bool) == Some(true))
    };
    let removed: BTreeSet<(String, String)> =
        list.iter().map(said).filter(is_removal).map(|label| key(&label)).collect();
    for (at, entry) in list.iter().enumerate() {
        let label = said(entry);
        let kind = text_of(&label, "entityType").to_lowercase();
        if !matches!(kind.as_str(), "" | "address") {
            import.outcome.no_address += 1;
            continue;
        }
        if removed.contains(&key(&label)) {
            import.outcome.withdrawn += 1;
            continue;
        }
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let confidence = label.get("confidence").map(plain);
        let since = entry.get("createdAt").or_else(|| label.get("createdAt")).map(plain);
        let word = text_of(&label, "label");
        import.row(&Row {
            categories: &[&word],
            confidence: confidence.as_deref(),
            first_seen: since.as_deref(),
            ..Row::new(at + 1, &text_of(&label, "entity"))
        })?;
    }
    Ok(std::mem::take(&mut import.outcome))
}
