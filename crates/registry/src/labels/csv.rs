//! Comma-separated lists whose first line names the columns (RFC 4180: quotes, doubled quotes,
//! line breaks inside quotes).

use super::import::{Columns, Import, ImportError, Imported, Row};

/// Usual names of the columns in public lists, best first.
const ADDRESS: [&str; 6] =
    ["address", "banned_address", "contract_address", "wallet", "wallet_address", "account"];
const NAME: [&str; 9] = [
    "name",
    "nametag",
    "tag",
    "wallet_tag",
    "contract_tag",
    "etherscan_tag",
    "address_name",
    "comment",
    "notes",
];
const CATEGORY: [&str; 6] =
    ["category", "labels", "label", "etherscan_labels", "contract_creator_etherscan_label", "type"];
const CONFIDENCE: [&str; 1] = ["confidence"];
const FIRST_SEEN: [&str; 2] = ["first_seen", "first_seen_at"];
const CHAIN: [&str; 4] = ["chain_id", "chainid", "chain", "network_id"];

pub(super) fn import(import: &mut Import<'_>, text: &str) -> Result<Imported, ImportError> {
    let mut records = Records {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        line: 1,
        is_unclosed: false,
    };
    let mut fields = Vec::new();
    let header: Vec<String> = match records.next_into(&mut fields) {
        Some(_) => fields.iter().map(|field| field.trim().to_lowercase()).collect(),
        None => return Ok(Imported::default()),
    };
    let Columns { address, name, category, chain_id, network, first_seen } = &import.of.columns;
    let column = |named: &Option<String>, usual: &[&str]| match named {
        Some(named) => {
            let found = header.iter().position(|column| *column == named.to_lowercase());
            found.map(Some).ok_or_else(|| no_column(import, &format!("{named:?}"), &header))
        }
        None => Ok(usual.iter().find_map(|usual| header.iter().position(|c| c == usual))),
    };
    let address = column(address, &ADDRESS)?.ok_or_else(|| {
        no_column(import, "for the address (address, contract_address, wallet …)", &header)
    })?;
    let name = column(name, &NAME)?;
    let category = column(category, &CATEGORY)?;
    let chain_id = column(chain_id, &CHAIN)?;
    let confidence = column(&None, &CONFIDENCE)?;
    let network = column(network, &[])?;
    let first_seen = column(first_seen, &FIRST_SEEN)?;
    let is_given = import.of.category.is_some() || import.of.category_else.is_some();
    if !is_given && category.is_none() {
        return Err(ImportError::NoCategory { file: import.of.file.clone() });
    }

    while let Some(line) = records.next_into(&mut fields) {
        if records.is_unclosed {
            let reason = "a quote is opened and never closed; nothing after it could be read";
            import.reject(line, reason.to_owned());
            break;
        }
        if let [only] = &fields[..]
            && only.trim().is_empty()
        {
            continue;
        }
        let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).map(String::as_str);
        let Some(address) = field(Some(address)) else {
            let reason = format!("{} fields, the header has {}", fields.len(), header.len());
            import.reject(line, reason);
            continue;
        };
        let words: Vec<&str> = field(category).unwrap_or_default().split([',', ';', '|']).collect();
        import.row(&Row {
            line,
            address,
            name: field(name).unwrap_or_default(),
            categories: &words,
            chain_id: field(chain_id),
            confidence: field(confidence),
            network: field(network),
            first_seen: field(first_seen),
        })?;
    }
    Ok(std::mem::take(&mut import.outcome))
}

fn no_column(import: &Import<'_>, wanted: &str, header: &[String]) -> ImportError {
    ImportError::NoColumn {
        file: import.of.file.clone(),
        wanted: wanted.to_owned(),
        found: header.join(", "),
    }
}

/// Records of a text, with the line each begins on.
struct Records<'a> {
    rest: &'a str,
    line: usize,
    /// Whether the text ended inside quotes: its last record is then everything after them.
    is_unclosed: bool,
}

impl Records<'_> {
    /// Reads the next record into `fields`, reusing its memory; `None` at the end of the text.
    fn next_into(&mut self, fields: &mut Vec<String>) -> Option<usize> {
        if self.rest.is_empty() {
            return None;
        }
        let begins_on = self.line;
        fields.clear();
        let mut field = String::new();
        let mut is_quoted = false;
        let mut end = self.rest.len();
        let mut chars = self.rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if is_quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    chars.next();
                    field.push('"');
                }
                '"' if is_quoted => is_quoted = false,
                '"' if field.is_empty() => is_quoted = true,
                ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
                '\n' => {
                    self.line += 1;
                    if !is_quoted {
                        end = at + 1;
                        break;
                    }
                    field.push(c);
                }
                '\r' if !is_quoted && chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
                c => field.push(c),
            }
        }
        fields.push(field);
        self.is_unclosed = is_quoted;
        self.rest = &self.rest[end..];
        Some(begins_on)
    }
}
