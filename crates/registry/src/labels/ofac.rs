//! Digital currency addresses of the SDN list of the US Treasury's Office of Foreign Assets Control.
//!
//! The list comes as `sdn.csv` (an entry a line), `sdnlist.txt` (an entry a paragraph, lines broken
//! anywhere) and `sdn.xml`. In all three the words before an address are the same: `Digital Currency
//! Address - ETH 0x…`. Which currency it says is no matter: an address of twenty bytes is the same
//! account on every chain of ours; others (Bitcoin, Tron) are counted and left out.

use super::{
    Category, LabelFile,
    import::{Import, ImportError, Imported, Row, parse_address},
};

const MARK: &str = "Digital Currency Address";

pub(super) fn import(import: &mut Import<'_>, text: &str) -> Result<Imported, ImportError> {
    if !text.contains(MARK) && !text.contains("Digital Currency\n") {
        return Err(ImportError::NotThisList {
            file: import.of.file.clone(),
            wanted: format!("no {MARK:?} in it: the SDN list is sdn.csv, sdnlist.txt or sdn.xml"),
        });
    }
    let category = import.of.category.clone().unwrap_or(Category::Sanctioned);
    let of = LabelFile { category: Some(category), ..import.of.clone() };
    let mut inner = Import { builder: &mut *import.builder, of: &of, outcome: Imported::default() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        xml(&mut inner, text)?;
    } else if text.trim_start().starts_with(|c: char| c.is_ascii_digit()) {
        for (at, line) in text.lines().enumerate() {
            entry(&mut inner, at + 1, second_field(line), line)?;
        }
    } else {
        paragraphs(&mut inner, text)?;
    }
    Ok(inner.outcome)
}

/// An entry of the text form: lines up to an empty one, broken wherever they were full.
fn paragraphs(import: &mut Import<'_>, text: &str) -> Result<(), ImportError> {
    let (mut whole, mut begins_on) = (String::new(), 1);
    for (at, line) in text.lines().chain([""]).enumerate() {
        if !line.trim().is_empty() {
            if whole.is_empty() {
                begins_on = at + 1;
            } else {
                whole.push(' ');
            }
            whole.push_str(line.trim());
            continue;
        }
        let name = whole.split(['(', ';']).next().unwrap_or_default().trim();
        entry(import, begins_on, name, &whole)?;
        whole.clear();
    }
    Ok(())
}

/// Every address of one entry.
fn entry(import: &mut Import<'_>, line: usize, name: &str, text: &str) -> Result<(), ImportError> {
    for after in text.split(MARK).skip(1) {
        // ` - ETH 0x…;`: a dash, the currency, the address.
        let mut words = after.split_whitespace().filter(|word| *word != "-");
        let (Some(_), Some(address)) = (words.next(), words.next()) else { continue };
        let address = address.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        found(import, line, name, address)?;
    }
    Ok(())
}

fn found(
    import: &mut Import<'_>,
    line: usize,
    name: &str,
    address: &str,
) -> Result<(), ImportError> {
    if parse_address(address).is_none() && !address.starts_with("0x") {
        import.outcome.other_chains += 1;
        return Ok(());
    }
    import.row(&Row { name, ..Row::new(line, address) })
}

/// The form in XML: `sdnEntry` with `lastName` and a list of `id`s, each with `idType` and `idNumber`.
fn xml(import: &mut Import<'_>, text: &str) -> Result<(), ImportError> {
    let (mut line, mut rest) = (1, text);
    while let Some(begins) = rest.find("<sdnEntry>") {
        line += lines_in(&rest[..begins]);
        let whole = &rest[begins..];
        let length = whole.find("</sdnEntry>").unwrap_or(whole.len());
        let one = &whole[..length];
        let names = [element(one, "firstName"), element(one, "lastName")];
        let name = names.into_iter().flatten().map(unescaped).collect::<Vec<_>>().join(" ");
        for id in one.split("<id>").skip(1) {
            let is_currency = element(id, "idType").is_some_and(|kind| kind.starts_with(MARK));
            if let (true, Some(address)) = (is_currency, element(id, "idNumber")) {
                found(import, line, &name, address.trim())?;
            }
        }
        line += lines_in(one);
        rest = &whole[length..];
    }
    Ok(())
}

fn lines_in(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let after = text.split_once(&format!("<{name}>"))?.1;
    Some(after.split_once(&format!("</{name}>"))?.0)
}

fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&apos;", "'").replace("&amp;", "&")
}

/// The second field of a line of `sdn.csv`: the name, in quotes.
fn second_field(line: &str) -> &str {
    let after = line.split_once(',').map_or("", |(_, after)| after);
    match after.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => after.split(',').next().unwrap_or_default(),
    }
}
