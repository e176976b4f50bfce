//! `deployments/*.toml`: what is guarded. One file per contract, or several as `[[deployment]]`.

use std::{collections::HashMap, sync::Arc};

use model::{Name, TokenAmount};
use registry::{Class, ContractAbi, Deployment, Interner, OracleConfig, TokenUnit};
use toml::Spanned;

use super::{
    ahead::{self, Ahead},
    folder::{Surroundings, stem},
    mistake::{Mistake, SourceFile, nearest},
    table::{Collector, Table, parse},
};

/// A deployment as it was declared.
pub(super) struct Declared {
    /// Its label, also when something else about it is wrong: references to it are right.
    pub(super) label: Option<Name>,
    /// `None` when too little of it could be read.
    pub(super) deployment: Option<Deployment>,
    /// Whether all of it could be read: what is said about an ABI that is not there would be an echo.
    pub(super) is_sound: bool,
    pub(super) file: String,
    /// What lints want to know of it; `None` when it has no label.
    pub(super) declaration: Option<Declaration>,
    /// What it says ahead of the chain.
    pub(super) ahead: Ahead,
}

/// What the file of a deployment says beyond what running needs: where its interfaces come from
/// and what it promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its label.
    pub label: Name,
    /// The file that declares it.
    pub file: String,
    /// Its ABIs, of a proxy the proxy's own first.
    pub abi_files: Vec<String>,
    /// Least delay in seconds, of a timelock.
    pub min_delay_s: Option<u64>,
}

/// Reads one file. `abis` keeps what was parsed, because many contracts share an interface.
pub(super) fn deployments(
    file: &SourceFile,
    networks: &[Name],
    around: &dyn Surroundings,
    abis: &mut Abis,
    out: &Collector,
) -> Vec<Declared> {
    let parsed: Spanned<_> = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let is_list = table.has("deployment");
    let mut found = Vec::new();
    let mut declare = |table: &Table<'_>, label_default| {
        let before = out.count();
        let (label, deployment, declaration, ahead) =
            deployment(table, label_default, networks, around, abis, out);
        let is_sound = out.count() == before;
        let file = file.path.clone();
        found.push(Declared { label, deployment, is_sound, file, declaration, ahead });
    };
    if is_list {
        for entry in table.tables("deployment") {
            declare(&entry, None);
            entry.finish();
        }
    } else {
        declare(&table, Some(stem(&file.path)));
    }
    table.finish();
    found
}

/// The label, and the deployment when all that it must have is there; and what only lints ask.
fn deployment(
    table: &Table<'_>,
    label_default: Option<&str>,
    networks: &[Name],
    around: &dyn Surroundings,
    abis: &mut Abis,
    out: &Collector,
) -> (Option<Name>, Option<Deployment>, Option<Declaration>, Ahead) {
    let label = match (table.name("label"), label_default) {
        (Some(label), _) => Some(label.value),
        (None, Some(stem)) if !table.has("label") => match Name::new(stem) {
            Ok(label) => Some(label),
            Err(error) => {
                table.mistake(
                    table.span(),
                    format!("label is missing and the file's name will not do: {error}"),
                );
                None
            }
        },
        (None, _) => {
            if !table.has("label") {
                table.mistake(table.span(), "label is missing; it must be a name");
            }
            None
        }
    };
    let network = table.name("network").or_else(|| {
        if !table.has("network") {
            table.mistake(table.span(), "network is missing; it must be the name of a network");
        }
        None
    });
    if let Some(network) = &network
        && !networks.contains(&network.value)
    {
        let names: Vec<&str> = networks.iter().map(Name::as_str).collect();
        let help = match nearest(network.value.as_str(), names.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declared in networks/: {}", names.join(", ")),
        };
        table.mistake_help(
            network.span.clone(),
            format!("unknown network {:?}", network.value),
            help,
        );
    }
    let plan = ahead::planned(table, around, out);
    let address = ahead::address(table, plan.as_ref());
    let abi_paths = table.texts("abi");
    let abi_known = table.boolean("abi_known").unwrap_or(true) && !abi_paths.is_empty();
    let protocol = table.name("protocol").map(|p| p.value);
    let class = table.word::<Class>("class").map_or(Class::Contract, |c| c.value);
    let first_block = table.integer("first_block").map(|n| n.value);
    let token = table.table("token").and_then(token_unit);
    let (decimals, symbol) = match &token {
        Some(unit) => (unit.decimals, unit.symbol.clone()),
        None => (18, "ETH".into()),
    };
    let value_at_risk = table.amount("value_at_risk", decimals, &symbol).map(|raw| TokenAmount {
        raw,
        decimals,
        symbol: symbol.clone(),
    });
    let oracle = table.table("oracle").and_then(|table| {
        let heartbeat = table.duration_ms("heartbeat");
        if !table.has("heartbeat") {
            table.mistake(table.span(), "heartbeat is missing; it must be a duration like \"1h\"");
        }
        let deviation = table.share("deviation").map_or(0.005, |d| d.value);
        let decimals = table.integer_in("decimals", 0..78).map_or(8, |d| d as u8);
        table.finish();
        Some(OracleConfig { heartbeat_s: heartbeat?.value / 1_000, deviation, decimals })
    });
    let min_delay_s = table.duration_ms("min_delay").map(|delay| delay.value / 1_000);
    let mut parts = Vec::new();
    for path in &abi_paths {
        match abi(&path.value, around, abis) {
            Ok(part) => parts.push(part),
            Err(why) => table.mistake(path.span.clone(), format!("abi {:?}: {why}", path.value)),
        }
    }
    if abi_paths.is_empty() {
        out.add(
            Mistake::in_file(
                &table.file().path,
                format!("{}: abi is missing", label.as_ref().map_or("deployment", Name::as_str)),
            )
            .with_help("abi = \"abis/vault.json\" (an ABI, or a Foundry or Hardhat artefact); a list for a proxy and its implementation"),
        );
    }
    let abi = match parts.as_slice() {
        [one] => one.clone(),
        many => Arc::new(ContractAbi::merged(many.iter().map(AsRef::as_ref))),
    };
    let declaration = label.clone().map(|label| Declaration {
        label,
        file: table.file().path.clone(),
        abi_files: abi_paths.iter().map(|path| path.value.clone()).collect(),
        min_delay_s,
    });
    let children = ahead::children(table, label.as_ref(), &parts, around, abis);
    let ahead = Ahead { planned: plan.map(|plan| plan.planned), children, end: ahead::end(table) };
    let whole = label.clone().zip(network).zip(address);
    let deployment = whole.map(|((label, network), address)| Deployment {
        label,
        network: network.value,
        address,
        protocol,
        class,
        abi,
        abi_known,
        first_block,
        value_at_risk,
        token,
        oracle,
    });
    (label, deployment, declaration, ahead)
}

pub(super) fn token_unit(table: Table<'_>) -> Option<TokenUnit> {
    let unit = token_unit_of(&table);
    table.finish();
    unit.map(|(symbol, decimals)| TokenUnit { symbol, decimals })
}

/// `symbol` and `decimals` of a table that may hold more.
pub(super) fn token_unit_of(table: &Table<'_>) -> Option<(Arc<str>, u8)> {
    let symbol = table.required_text("symbol");
    let decimals = table.integer_in("decimals", 0..78);
    if !table.has("decimals") {
        table.mistake(table.span(), "decimals is missing; it must be a whole number from 0 to 77");
    }
    Some((symbol?.value.as_str().into(), decimals? as u8))
}

/// ABIs that were read, by their path: many contracts share one, and what different ones have alike
/// is held once.
#[derive(Default)]
pub(super) struct Abis {
    by_path: HashMap<String, Arc<ContractAbi>>,
    interner: Interner,
}

/// The ABI of a path; `abis` keeps what was parsed.
pub(super) fn abi(
    path: &str,
    around: &dyn Surroundings,
    abis: &mut Abis,
) -> Result<Arc<ContractAbi>, String> {
    if let Some(known) = abis.by_path.get(path) {
        return Ok(known.clone());
    }
    let text = around.read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let abi = ContractAbi::from_json(&text).map_err(|error| error.to_string())?;
    let abi = Arc::new(abis.interner.intern(abi));
    abis.by_path.insert(path.to_owned(), abi.clone());
    Ok(abi)
}
