//! `threats/*.toml`: what could go wrong, and what each of it is met with.
//!
//! All files are one map: a threat of one file may name a control of another. So everything is read
//! first, with the places of all references, and the references are checked after.

use std::collections::BTreeMap;

use model::Name;
use registry::threats::{
    Asset, Control, Fork, ForkPlace, Panel, RequiredEvent, Scale, Threat, ThreatMap,
    VulnerabilityClass,
};

use super::{
    deployment,
    folder::Surroundings,
    mistake::{Mistake, SourceFile, nearest},
    table::{Collector, Located, Table, parse},
};

/// What the other files of the folder declare, and threats may name.
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    pub(super) deployments: &'a [Name],
    pub(super) monitors: &'a [Name],
    pub(super) networks: &'a [Name],
    pub(super) chains: BTreeMap<Name, u64>,
    /// Files of `plans/`.
    pub(super) plans: Vec<String>,
    /// Whether nothing is deployed yet: then monitors may come later too.
    pub(super) is_planning: bool,
}

/// Something that is named and declared elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Noun {
    Threat,
    Asset,
    Control,
    Event,
    Panel,
    Class,
    Monitor,
    Plan,
    Deployment,
    Network,
}

impl Noun {
    fn as_str(self) -> &'static str {
        match self {
            Self::Threat => "threat",
            Self::Asset => "asset",
            Self::Control => "control",
            Self::Event => "event",
            Self::Panel => "panel",
            Self::Class => "class",
            Self::Monitor => "monitor",
            Self::Plan => "plan",
            Self::Deployment => "deployment",
            Self::Network => "network",
        }
    }

    /// Where it is declared.
    fn home(self) -> String {
        match self {
            Self::Monitor => "monitors/".to_owned(),
            Self::Plan => "plans/".to_owned(),
            Self::Deployment => "deployments/".to_owned(),
            Self::Network => "networks/".to_owned(),
            declared => format!("threats/ as [[{}]]", declared.as_str()),
        }
    }
}

/// Names as they are read: what is declared, and what refers to it.
#[derive(Default)]
struct Names<'a> {
    declared: BTreeMap<Noun, Vec<String>>,
    references: Vec<(&'a SourceFile, Noun, Located<String>)>,
}

impl<'a> Names<'a> {
    /// The id of an entry, which no other of its kind may have.
    fn declare(&mut self, table: &Table<'a>, noun: Noun) -> Option<Name> {
        if !table.has("id") {
            table.mistake(
                table.span(),
                format!("id is missing; the {} is named by it", noun.as_str()),
            );
        }
        let id = table.name("id")?;
        let of_noun = self.declared.entry(noun).or_default();
        if of_noun.iter().any(|known| known == id.value.as_str()) {
            let text = format!("{} {:?} is declared twice", noun.as_str(), id.value);
            table.mistake(id.span, text);
            return None;
        }
        of_noun.push(id.value.to_string());
        Some(id.value)
    }

    fn refer(&mut self, table: &Table<'a>, key: &'static str, noun: Noun) -> Vec<Name> {
        let names = table.names(key);
        for name in &names {
            let text = Located { value: name.value.to_string(), span: name.span.clone() };
            self.references.push((table.file(), noun, text));
        }
        names.into_iter().map(|name| name.value).collect()
    }

    fn refer_to_files(&mut self, table: &Table<'a>, key: &'static str, noun: Noun) -> Vec<String> {
        let paths = table.texts(key);
        for path in &paths {
            self.references.push((table.file(), noun, path.clone()));
        }
        paths.into_iter().map(|path| path.value).collect()
    }

    /// Every reference to what nobody declares is a mistake.
    fn check(&self, out: &Collector) {
        for (file, noun, name) in &self.references {
            let declared: Vec<&str> =
                self.declared.get(noun).into_iter().flatten().map(String::as_str).collect();
            if declared.contains(&name.value.as_str()) {
                continue;
            }
            let help = match nearest(&name.value, declared.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None if declared.is_empty() => format!("{} declares none", noun.home()),
                None => format!("declared in {}: {}", noun.home(), declared.join(", ")),
            };
            let text = format!("unknown {} {:?}", noun.as_str(), name.value);
            out.add(Mistake::at(file, name.span.clone(), text).with_help(help));
        }
    }
}

/// Reads all files of `threats/`.
pub(super) fn threats(
    files: &[SourceFile],
    declared: Declared<'_>,
    around: &dyn Surroundings,
    out: &Collector,
) -> ThreatMap {
    let mut names = Names::default();
    let owned = |names: &[Name]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    names.declared.insert(Noun::Deployment, owned(declared.deployments));
    names.declared.insert(Noun::Monitor, owned(declared.monitors));
    names.declared.insert(Noun::Network, owned(declared.networks));
    names.declared.insert(Noun::Plan, declared.plans.clone());
    let mut map = ThreatMap {
        name: declared.name.to_owned(),
        monitors: declared.monitors.to_vec(),
        plans: declared.plans,
        chains: declared.chains,
        ..ThreatMap::default()
    };
    let parsed: Vec<_> = files.iter().map(|file| parse(file, out)).collect();
    let tables: Vec<Table<'_>> =
        files.iter().zip(&parsed).map(|(file, parsed)| Table::root(file, parsed, out)).collect();
    // Amounts of every file are read by the scale of one.
    let mut scale: Option<Scale> = None;
    for table in &tables {
        let Some(own) = table.table("scale") else { continue };
        if scale.is_some() {
            own.mistake(own.span(), "the scale is written twice; one holds for all threats");
        }
        scale = scale.or(Some(self::scale(&own)));
        own.finish();
    }
    map.scale = scale.unwrap_or_default();
    let mut abis = deployment::Abis::default();
    for table in tables {
        for entry in table.tables("threat") {
            map.threats.extend(threat(&entry, &map.scale, &mut names));
            entry.finish();
        }
        for entry in table.tables("asset") {
            map.assets.extend(asset(&entry, declared.is_planning, &mut names));
            entry.finish();
        }
        for entry in table.tables("control") {
            let (id, title) = (names.declare(&entry, Noun::Control), entry.required_text("title"));
            map.controls.extend(id.zip(title).map(|(id, t)| Control { id, title: t.value }));
            entry.finish();
        }
        for entry in table.tables("event") {
            map.events.extend(event(&entry, around, &mut abis, &mut names));
            entry.finish();
        }
        for entry in table.tables("panel") {
            let (id, title) = (names.declare(&entry, Noun::Panel), entry.required_text("title"));
            let at = entry.text("at").map(|at| at.value);
            map.panels.extend(id.zip(title).map(|(id, t)| Panel { id, title: t.value, at }));
            entry.finish();
        }
        for entry in table.tables("class") {
            map.classes.extend(class(&entry, &mut names));
            entry.finish();
        }
        for entry in table.tables("fork") {
            map.forks.extend(fork(&entry, &mut names));
            entry.finish();
        }
        table.finish();
    }
    names.check(out);
    map
}

fn scale(table: &Table<'_>) -> Scale {
    let default = Scale::default();
    let currency = table.text("currency").map_or(default.currency, |text| text.value);
    let mut bounds = default.bounds;
    for (at, key) in ["moderate", "major", "severe"].into_iter().enumerate() {
        if let Some(bound) = table.parsed(key, |text| money(text, &currency)) {
            bounds[at] = bound.value;
        }
    }
    if !bounds.is_sorted() {
        let [moderate, major, severe] = bounds;
        table.mistake(
            table.span(),
            format!("moderate ({moderate}), major ({major}) and severe ({severe}) must rise"),
        );
    }
    Scale { currency, bounds }
}

/// `"1_000_000 USD"`, in whole units.
fn money(text: &str, currency: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not an amount (write \"1_000_000 {currency}\")");
    let (number, unit) = text.trim().rsplit_once(' ').ok_or_else(wrong)?;
    if unit != currency {
        return Err(format!("the unit is {currency}, got {unit:?}"));
    }
    number.trim().replace('_', "").parse().map_err(|_| wrong())
}

fn threat<'a>(table: &Table<'a>, scale: &Scale, names: &mut Names<'a>) -> Option<Threat> {
    let id = names.declare(table, Noun::Threat);
    let title = table.required_text("title");
    let domain =
        required(table, "domain", "one of: on-chain, people, infrastructure, governance", |t| {
            t.word("domain")
        });
    let likelihood =
        required(table, "likelihood", "one of: rare, unlikely, possible, likely, certain", |t| {
            t.word("likelihood")
        });
    let impact = required(table, "impact", "what it would cost: \"1_000_000 USD\"", |t| {
        t.parsed("impact", |text| money(text, &scale.currency))
    });
    let reviewed = required(table, "reviewed", "the day of the last review: 2026-03-31", |t| {
        t.day("reviewed")
    });
    let review =
        required(table, "review", "the day of the next review: 2026-09-30", |t| t.day("review"));
    if let (Some(reviewed), Some(review)) = (&reviewed, &review)
        && review.value <= reviewed.value
    {
        table.mistake(
            review.span.clone(),
            format!(
                "the next review ({}) must come after the last ({})",
                review.value, reviewed.value
            ),
        );
    }
    let classes = names.refer(table, "classes", Noun::Class);
    let assets = names.refer(table, "assets", Noun::Asset);
    let controls = names.refer(table, "controls", Noun::Control);
    let events = names.refer(table, "events", Noun::Event);
    let monitors = names.refer(table, "monitors", Noun::Monitor);
    let panels = names.refer(table, "panels", Noun::Panel);
    let plans = names.refer_to_files(table, "plans", Noun::Plan);
    Some(Threat {
        id: id?,
        title: title?.value,
        domain: domain?.value,
        likelihood: likelihood?.value,
        impact: impact?.value,
        reviewed: reviewed?.value,
        review: review?.value,
        classes,
        assets,
        controls,
        events,
        monitors,
        panels,
        plans,
    })
}

/// A value that must be there.
fn required<'a, T>(
    table: &Table<'a>,
    key: &'static str,
    help: &str,
    read: impl FnOnce(&Table<'a>) -> Option<Located<T>>,
) -> Option<Located<T>> {
    if !table.has(key) {
        table.mistake_help(table.span(), format!("{key} is missing"), help);
    }
    read(table)
}

fn asset<'a>(table: &Table<'a>, is_planning: bool, names: &mut Names<'a>) -> Option<Asset> {
    let id = names.declare(table, Noun::Asset);
    let title = table.required_text("title");
    // What an asset will consist of may be written down before it is deployed.
    let deployments = if is_planning {
        table.names("deployments").into_iter().map(|name| name.value).collect()
    } else {
        names.refer(table, "deployments", Noun::Deployment)
    };
    let is_immutable = table.boolean("immutable").unwrap_or(false);
    Some(Asset { id: id?, title: title?.value, deployments, is_immutable })
}

fn event<'a>(
    table: &Table<'a>,
    around: &dyn Surroundings,
    abis: &mut deployment::Abis,
    names: &mut Names<'a>,
) -> Option<RequiredEvent> {
    let id = names.declare(table, Noun::Event);
    let shape = required(table, "event", "event = \"event Paused(address indexed by)\"", |t| {
        t.parsed("event", str::parse)
    });
    let meaning = table.required_text("meaning");
    let on = names.refer(table, "on", Noun::Deployment);
    let mut interfaces = Vec::new();
    for path in table.texts("interfaces") {
        match deployment::abi(&path.value, around, abis) {
            Ok(abi) => interfaces.push((path.value, abi)),
            Err(why) => table.mistake(path.span, format!("interface {:?}: {why}", path.value)),
        }
    }
    if !table.has("on") && !table.has("interfaces") {
        table.mistake_help(
            table.span(),
            "nobody is said to emit it",
            "on = [\"vault\"], or interfaces = [\"abis/vault.json\"] while nothing is deployed",
        );
    }
    Some(RequiredEvent { id: id?, shape: shape?.value, meaning: meaning?.value, on, interfaces })
}

fn class<'a>(table: &Table<'a>, names: &mut Names<'a>) -> Option<VulnerabilityClass> {
    let id = names.declare(table, Noun::Class);
    let title = table.required_text("title");
    let help = "the day from which it is known to you: 2026-03-31";
    let known_since = required(table, "known_since", help, |t| t.day("known_since"));
    Some(VulnerabilityClass { id: id?, title: title?.value, known_since: known_since?.value })
}

fn fork<'a>(table: &Table<'a>, names: &mut Names<'a>) -> Option<Fork> {
    let name = table.required_text("name");
    let on = required(table, "on", "the day it takes effect: 2026-03-31", |t| t.day("on"));
    let networks = names.refer(table, "networks", Noun::Network);
    if networks.is_empty() && !table.has("networks") {
        table.mistake_help(table.span(), "networks is missing", "networks = [\"mainnet\"]");
    }
    let changes: Vec<String> = table.texts("changes").into_iter().map(|c| c.value).collect();
    if changes.is_empty() {
        table.mistake_help(
            table.span(),
            "changes is missing; a fork that changed nothing concerns nobody",
            "changes = [\"SELFDESTRUCT no longer removes code\"]",
        );
    }
    Some(Fork { name: name?.value, on: on?.value, place: ForkPlace::Networks(networks), changes })
}
