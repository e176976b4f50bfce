//! `dependencies/*.toml`: what ours rely on, confirmed, ignored, weighed.

use std::{collections::BTreeMap, ops::Range};

use alloy_primitives::U256;
use detect::{MonitorSpec, RuleSpec};
use model::{Name, TokenAmount};
use registry::{
    Deployment, OracleConfig,
    dependencies::{
        self, Declared, Dependency, FeedTerms, Kind, Lending, LendingTerms, Price, Standing,
        TokenTerms, standard_abi, templates,
    },
};

use super::{
    mistake::{SourceFile, nearest},
    table::{Collector, Located, Table, parse},
};

/// What the folder says about dependencies, before deployments are known to be right.
pub(super) struct Read {
    pub(super) declared: Declared,
    /// Deployments to add: those that no file of deployments/ declares itself.
    pub(super) outside: Vec<Deployment>,
    /// Whether monitors are made for them.
    pub(super) has_monitors: bool,
}

/// What dependencies may refer to.
pub(super) struct Known<'a> {
    pub(super) networks: &'a [Name],
    pub(super) labels: &'a [Name],
    pub(super) deployments: &'a [Deployment],
}

/// A name that must be declared, with what it must be the name of.
struct Reference<'a> {
    file: &'a SourceFile,
    name: Located<Name>,
    key: &'static str,
    wanted: Option<Kind>,
}

/// Reads all files as one list: a feed of one may price a token of another.
pub(super) fn dependencies(files: &[SourceFile], known: &Known<'_>, out: &Collector) -> Read {
    let (mut all, mut tvl_cents, mut has_monitors) = (Vec::new(), BTreeMap::new(), true);
    let mut references = Vec::new();
    for file in files {
        let parsed = parse(file, out);
        let table = Table::root(file, &parsed, out);
        has_monitors &= table.boolean("monitors").unwrap_or(true);
        if let Some(tvl) = table.table("tvl") {
            for (network, value) in tvl.entries() {
                if let Some(cents) = tvl_of(&tvl, &network, value, known) {
                    tvl_cents.insert(cents.0, cents.1);
                }
            }
            tvl.finish();
        }
        for entry in table.tables("dependency") {
            if let Some(one) = dependency(&entry, file, known, &mut references) {
                check_place(&entry, &one, &all, known);
                all.push(one);
            }
            entry.finish();
        }
        table.finish();
    }
    for reference in &references {
        check_reference(reference, &all, out);
    }
    let is_new = |one: &&Dependency| {
        let is_it = |d: &&Deployment| d.network == one.network && d.address == one.address;
        one.standing == Standing::Watched && !known.deployments.iter().any(|d| is_it(&d))
    };
    let outside = all.iter().filter(is_new).map(deployment).collect();
    Read { declared: Declared::new(all, tvl_cents), outside, has_monitors }
}

fn tvl_of(
    table: &Table<'_>,
    network: &Located<String>,
    value: &toml::Spanned<toml::de::DeValue<'_>>,
    known: &Known<'_>,
) -> Option<(Name, U256)> {
    let Some(name) = known.networks.iter().find(|name| name.as_str() == network.value) else {
        let message = format!("unknown network {:?}", network.value);
        table.mistake_help(network.span.clone(), message, declared_in("networks/", known.networks));
        return None;
    };
    match cents(value.get_ref().as_str().unwrap_or_default()) {
        Ok(cents) => Some((name.clone(), cents)),
        Err(error) => {
            table.mistake(value.span(), format!("{name}: {error}"));
            None
        }
    }
}

/// Dollars, with at most two digits after the point and an optional unit.
fn cents(text: &str) -> Result<U256, String> {
    let number = text.trim().trim_end_matches("USD").trim_end();
    TokenAmount::parse_units(number, 2).map_err(|error| format!("{error}, in dollars"))
}

fn price(text: &str) -> Result<Price, String> {
    let price = TokenAmount::parse_units(text.trim().trim_end_matches("USD").trim_end(), 8);
    let price = price.map_err(|error| format!("{error}, in dollars"))?;
    if price.is_zero() { Err("a price of 0 is none".to_owned()) } else { Ok(Price(price)) }
}

fn dependency<'f>(
    table: &Table<'_>,
    file: &'f SourceFile,
    known: &Known<'_>,
    references: &mut Vec<Reference<'f>>,
) -> Option<Dependency> {
    let missing = |key: &str, what: &str| {
        if !table.has(key) {
            table.mistake(table.span(), format!("{key} is missing; {what}"));
        }
    };
    missing("label", "it must be a name");
    missing("network", "it must be the name of a network");
    missing("address", "it must be the contract's address");
    missing("kind", &format!("one of: {}", Kind::ALL.map(Kind::as_str).join(", ")));
    let label = table.name("label");
    let network = table.name("network");
    if let Some(network) = network.as_ref().filter(|n| !known.networks.contains(&n.value)) {
        let message = format!("unknown network {:?}", network.value.as_str());
        let help = help_for(network.value.as_str(), known.networks, "networks/");
        table.mistake_help(network.span.clone(), message, help);
    }
    let address = table.address("address");
    let kind = table.word::<Kind>("kind").map(|kind| kind.value);
    let of = table.names("of");
    for label in of.iter().filter(|label| !known.labels.contains(&label.value)) {
        let message = format!("unknown deployment {:?}", label.value.as_str());
        let help = help_for(label.value.as_str(), known.labels, "deployments/");
        table.mistake_help(label.span.clone(), message, help);
    }
    let standing = match table.text("ignore") {
        Some(reason) if reason.value.trim().is_empty() => {
            table.mistake(reason.span, "ignore is empty; it must say why nobody needs to look");
            Standing::Watched
        }
        Some(reason) => Standing::Ignored { reason: reason.value },
        None => Standing::Watched,
    };
    let stated_cents = table.parsed("exposure", cents).map(|cents| cents.value);
    let mut refer = |name: &Located<Name>, key, wanted| {
        let name = Located { value: name.value.clone(), span: name.span.clone() };
        references.push(Reference { file, name, key, wanted });
    };
    let covers = table.names("covers");
    covers.iter().for_each(|name| refer(name, "covers", None));
    let code_hash = table.parsed("code_hash", |text| {
        text.parse().map_err(|_| format!("{text:?} is not a hash (0x and 64 hex digits)"))
    });
    let implementation = table.address("implementation").map(|of| of.value);
    let token = table.table("token").and_then(|token| {
        let priced_by = token.name("priced_by");
        if let Some(feed) = &priced_by {
            refer(feed, "priced_by", Some(Kind::Feed));
        }
        let price_stated = token.parsed("price", price).map(|price| price.value);
        let peg = token.parsed("peg", price);
        if let (Some(peg), None) = (&peg, &priced_by) {
            let message = "peg needs priced_by; without a feed nobody says what it costs";
            token.mistake(peg.span.clone(), message);
        }
        let unit = super::deployment::token_unit_of(&token);
        token.finish();
        let (symbol, decimals) = unit?;
        let priced_by = priced_by.map(|feed| feed.value);
        let peg = peg.map(|peg| peg.value);
        Some(TokenTerms { symbol, decimals, price: price_stated, priced_by, peg })
    });
    let feed = table.table("feed").map(|feed| {
        let decimals = feed.integer_in("decimals", 0..78).map_or(8, |d| d as u8);
        let aggregator = feed.address("aggregator").map(|of| of.value);
        let heartbeat_s = feed.duration_ms("heartbeat").map(|ms| ms.value / 1_000);
        feed.finish();
        FeedTerms { decimals, aggregator, heartbeat_s: heartbeat_s.filter(|s| *s > 0) }
    });
    let own = address.as_ref().map(|address| address.value);
    let lending = table.table("lending").and_then(|lending| {
        let interface = lending.word::<Lending>("interface").map(|word| word.value);
        for key in ["interface", "asset"] {
            if !lending.has(key) {
                lending.mistake(lending.span(), format!("{key} is missing"));
            }
        }
        let asset = lending.name("asset");
        if let Some(asset) = &asset {
            refer(asset, "asset", Some(Kind::Token));
        }
        let receipt = lending.address("receipt").map(|of| of.value).or(own);
        lending.finish();
        Some(LendingTerms { interface: interface?, asset: asset?.value, receipt: receipt? })
    });
    Some(Dependency {
        label: label?.value,
        network: network?.value,
        address: own?,
        kind: kind?,
        of: of.into_iter().map(|name| name.value).collect(),
        standing,
        stated_cents,
        covers: covers.into_iter().map(|name| name.value).collect(),
        token,
        feed,
        lending,
        code_hash: code_hash.map(|hash| hash.value),
        implementation,
    })
}

/// A label or an address that something else has already.
fn check_place(table: &Table<'_>, one: &Dependency, all: &[Dependency], known: &Known<'_>) {
    let span = |key: &'static str| -> Range<usize> { table.span_of(key) };
    if all.iter().any(|other| other.label == one.label) {
        let message = format!("dependency {:?} is declared twice", one.label.as_str());
        table.mistake(span("label"), message);
    }
    let is_here =
        |other: &&Dependency| other.network == one.network && other.address == one.address;
    if let Some(other) = all.iter().find(is_here) {
        let message =
            format!("{} is a dependency already: {:?}", one.address, other.label.as_str());
        table.mistake(span("address"), message);
    }
    let is_at = |d: &&Deployment| d.network == one.network && d.address == one.address;
    match known.deployments.iter().find(is_at) {
        Some(deployment) if deployment.label != one.label => {
            let message = format!(
                "{} is deployed as {:?}; a dependency that is guarded as well has the same label",
                one.address,
                deployment.label.as_str()
            );
            table.mistake(span("label"), message);
        }
        None if known.labels.contains(&one.label) => {
            let message = format!("deployment {:?} is at another address", one.label.as_str());
            table.mistake(span("label"), message);
        }
        _ => {}
    }
}

fn check_reference(reference: &Reference<'_>, all: &[Dependency], out: &Collector) {
    let Reference { file, name, key, wanted } = reference;
    let fits = |one: &&Dependency| wanted.is_none_or(|kind| one.kind == kind);
    let known: Vec<Name> = all.iter().filter(fits).map(|one| one.label.clone()).collect();
    if !known.contains(&name.value) {
        let what = wanted.map_or("dependency", Kind::as_str);
        let message = format!("{key}: no {what} is labelled {:?}", name.value.as_str());
        let help = help_for(name.value.as_str(), &known, "dependencies/");
        out.add(super::Mistake::at(file, name.span.clone(), message).with_help(help));
    }
}

fn help_for(word: &str, known: &[Name], folder: &str) -> String {
    match nearest(word, known.iter().map(Name::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => declared_in(folder, known),
    }
}

fn declared_in(folder: &str, names: &[Name]) -> String {
    if names.is_empty() {
        return format!("{folder} declares none");
    }
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    format!("declared in {folder}: {}", names.join(", "))
}

fn deployment(of: &Dependency) -> Deployment {
    let terms = of.token.as_ref();
    Deployment {
        label: of.label.clone(),
        network: of.network.clone(),
        address: of.address,
        protocol: None,
        class: of.kind.class(),
        abi: standard_abi(of.kind),
        abi_known: false,
        first_block: None,
        value_at_risk: of.stated_cents.map(dependencies::usd),
        token: terms.map(|terms| registry::TokenUnit {
            symbol: terms.symbol.clone(),
            decimals: terms.decimals,
        }),
        oracle: of.feed.as_ref().and_then(|feed| {
            let heartbeat_s = feed.heartbeat_s?;
            Some(OracleConfig { heartbeat_s, deviation: 0.005, decimals: feed.decimals })
        }),
    }
}

/// Monitors of dependencies: those about dependencies as such unless the user has one with the
/// detector, and those of the templates of each kind.
pub(super) fn monitors(declared: &Declared, users: &[MonitorSpec]) -> Vec<MonitorSpec> {
    let spec = |template: &dependencies::Template, on: Vec<Name>| {
        let name = Name::new(&format!("dependencies-{}", template.name));
        Some(MonitorSpec {
            name: name.ok().filter(|name| users.iter().all(|user| user.name != *name))?,
            version: 1,
            networks: Vec::new(),
            on,
            children_of: Vec::new(),
            rule: RuleSpec::Detector { id: template.detector.to_owned(), params: BTreeMap::new() },
            severity: template.severity,
            say: None,
            runbook: None,
        })
    };
    let has = |id: &str| {
        users
            .iter()
            .any(|user| matches!(&user.rule, RuleSpec::Detector { id: own, .. } if own == id))
    };
    let mut made: Vec<MonitorSpec> = dependencies::OWN
        .iter()
        .filter(|template| !has(template.detector))
        .filter_map(|template| spec(template, Vec::new()))
        .collect();
    let mut on: BTreeMap<&str, (dependencies::Template, Vec<Name>)> = BTreeMap::new();
    for one in declared.all().iter().filter(|one| one.standing == Standing::Watched) {
        for template in templates(one.kind) {
            // Lateness that nobody promised would have to be learned first.
            let is_promised = one.feed.as_ref().is_some_and(|feed| feed.heartbeat_s.is_some());
            if template.detector != "oracle/feed_late" || is_promised {
                let entry = on.entry(template.name).or_insert((*template, Vec::new()));
                entry.1.push(one.label.clone());
            }
        }
    }
    made.extend(on.into_values().filter_map(|(template, on)| spec(&template, on)));
    made
}
