//! `monitors/*.toml`: what people want to know.

use std::ops::Range;

use detect::{MonitorPart, MonitorSpec, Params, RuleSpec, Subject};
use model::{Name, Severity, Stage};
use toml::{Spanned, de::DeValue};

use super::{
    mistake::{SourceFile, nearest},
    table::{BooleanOr, Collector, Located, Table, parse, parse_duration_ms},
};

/// A monitor with the places where it was declared, so that the detectors' own complaints can point
/// there.
pub(super) struct Declared {
    pub(super) spec: MonitorSpec,
    pub(super) file: SourceFile,
    pub(super) places: Places,
    /// First block that it has to answer for, where the user says so.
    pub(super) first_block: Option<u64>,
    /// How far it may go, where the user says so.
    pub(super) stage: Option<Stage>,
}

/// Where the parts of a monitor stand in its file.
pub(super) struct Places {
    whole: Range<usize>,
    parts: Vec<(MonitorPart, Range<usize>)>,
}

impl Places {
    /// Where a part stands; the head of the monitor for one that is not written.
    pub(super) fn of(&self, part: MonitorPart) -> Range<usize> {
        let written = self.parts.iter().find(|(of, _)| *of == part);
        written.map_or(self.whole.clone(), |(_, place)| place.clone())
    }
}

pub(super) fn monitors(
    file: &SourceFile,
    networks: &[Name],
    known: &Known<'_>,
    out: &Collector,
) -> Vec<Declared> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut found = Vec::new();
    for entry in table.tables("monitor") {
        found.extend(monitor(&entry, networks, known));
        entry.finish();
    }
    table.finish();
    found
}

/// What monitors may be on.
pub(super) struct Known<'a> {
    /// Labels of deployments.
    pub(super) labels: &'a [Name],
    /// Labels of factories that say what their children are.
    pub(super) factories: &'a [Name],
}

/// Says of entries of `on` that it means the children of a factory: `children-of:pool-factory`.
const CHILDREN_OF: &str = "children-of:";

/// What a monitor is on: deployments, and factories whose children are meant.
fn read_on(table: &Table<'_>, known: &Known<'_>) -> (Vec<Located<Name>>, Vec<Located<Name>>) {
    let (mut on, mut children_of) = (Vec::new(), Vec::new());
    for text in table.texts("on") {
        let factory = text.value.strip_prefix(CHILDREN_OF);
        let name = match Name::new(factory.unwrap_or(&text.value)) {
            Ok(value) => Located { value, span: text.span },
            Err(error) => {
                table.mistake(text.span, format!("on: {error}"));
                continue;
            }
        };
        let (what, from) = match factory {
            Some(_) => ("factory", known.factories),
            None => ("deployment", known.labels),
        };
        if !from.contains(&name.value) {
            let all = || from.iter().map(Name::as_str);
            let is_declared = known.labels.contains(&name.value);
            let help = match nearest(name.value.as_str(), all()) {
                _ if factory.is_some() && is_declared => format!(
                    "{} has no [children] table that says what its children are",
                    name.value
                ),
                Some(near) => format!("did you mean {near}?"),
                None if from.is_empty() => "deployments/ declares none".to_owned(),
                None => {
                    format!("declared in deployments/: {}", all().collect::<Vec<_>>().join(", "))
                }
            };
            let message = format!("unknown {what} {:?}", name.value);
            table.mistake_help(name.span.clone(), message, help);
        }
        if factory.is_some() { children_of.push(name) } else { on.push(name) }
    }
    (on, children_of)
}

fn monitor(table: &Table<'_>, networks: &[Name], known: &Known<'_>) -> Option<Declared> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; alerts are called by it");
    }
    let (on, children_of) = read_on(table, known);
    let on_networks = table.names("networks");
    for network in on_networks.iter().filter(|network| !networks.contains(&network.value)) {
        let known: Vec<&str> = networks.iter().map(Name::as_str).collect();
        table.mistake_help(
            network.span.clone(),
            format!("unknown network {:?}", network.value),
            format!("declared in networks/: {}", known.join(", ")),
        );
    }
    let severity = table.word::<Severity>("severity");
    if !table.has("severity") {
        table.mistake_help(
            table.span(),
            "severity is missing",
            "one of: info, low, medium, high, critical",
        );
    }
    let stage = table.word::<Stage>("stage").map(|stage| stage.value);
    let when = table.text("when");
    let say = table.text("say");
    let runbook = table.text("runbook").map(|r| r.value);
    let version = table.integer_in("version", 1..u64::from(u32::MAX)).map_or(1, |v| v as u32);
    let first_block = table.integer("first_block").map(|block| block.value);
    let params_table = table.table("params");
    let params_span = params_table.as_ref().map(Table::span);
    let params = params_table.map(params);
    let detector = table.text("detector");
    let event = table.text("event");
    let call = table.text("call");
    let transaction = match table.boolean_or("transaction", "involving") {
        Some(BooleanOr::Boolean(true)) => Some(Subject::Transaction),
        Some(BooleanOr::Word) => Some(Subject::Involving),
        Some(BooleanOr::Boolean(false)) | None => None,
    };
    let subjects = [detector.is_some(), event.is_some(), call.is_some(), transaction.is_some()];
    if subjects.iter().filter(|is_written| **is_written).count() != 1 {
        table.mistake(
            table.span(),
            "a monitor judges exactly one of: detector = \"area/name\", event = \"Name(…)\", call = \"name(…)\", transaction = true",
        );
        return None;
    }
    if let (Some(detector), Some(when)) = (&detector, &when) {
        table.mistake(
            when.span.clone(),
            format!(
                "when belongs to event, call or transaction; detector {} has params",
                detector.value
            ),
        );
    }
    let span = |text: &Option<Located<String>>| text.as_ref().map(|text| text.span.clone());
    let subject = [&detector, &event, &call].into_iter().find_map(span);
    let places = [
        (MonitorPart::Name, name.as_ref().map(|name| name.span.clone())),
        (MonitorPart::On, on.iter().chain(&children_of).next().map(|on| on.span.clone())),
        (MonitorPart::Subject, subject),
        (MonitorPart::When, span(&when)),
        (MonitorPart::Say, span(&say)),
        (MonitorPart::Params, params_span),
    ];
    let places = Places {
        whole: table.span(),
        parts: places.into_iter().filter_map(|(part, place)| Some((part, place?))).collect(),
    };
    let rule = match (detector, event, call) {
        (Some(id), _, _) => RuleSpec::Detector { id: id.value, params: params.unwrap_or_default() },
        (_, event, call) => {
            let subject = match (event, call) {
                (Some(event), _) => Subject::Event(event.value),
                (_, Some(call)) => Subject::Call(call.value),
                _ => transaction.unwrap_or(Subject::Transaction),
            };
            RuleSpec::Expression { subject, when: when.map(|w| w.value), any_address_abi: None }
        }
    };
    let spec = MonitorSpec {
        name: name?.value,
        version,
        networks: on_networks.into_iter().map(|n| n.value).collect(),
        on: on.into_iter().map(|o| o.value).collect(),
        children_of: children_of.into_iter().map(|factory| factory.value).collect(),
        rule,
        severity: severity?.value,
        say: say.map(|say| say.value),
        runbook,
    };
    Some(Declared { spec, file: table.file().clone(), places, first_block, stage })
}

/// The parameters of a detector. What each may be is the detector's to say; here `"5%"` becomes a
/// share and `"1h"`, for a key that ends in `_s`, seconds.
fn params(table: Table<'_>) -> Params {
    let mut params = Params::new();
    for (key, value) in table.entries() {
        match param(&key.value, value) {
            Some(value) => {
                params.insert(key.value, value);
            }
            None => table.mistake(
                value.span(),
                format!(
                    "{} must be a string, a number, true or false, or a list of them, got {}",
                    key.value,
                    value.get_ref().type_str()
                ),
            ),
        }
    }
    params
}

fn param(key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    Some(match value.get_ref() {
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).ok()?.to_string()
        }
        DeValue::Float(number) => number.as_str().replace('_', ""),
        DeValue::String(text) => {
            let share = text.strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok());
            let seconds = parse_duration_ms(text).ok().filter(|_| key.ends_with("_s"));
            match (share, seconds) {
                (Some(percent), _) => (percent / 100.0).to_string(),
                (_, Some(ms)) => (ms / 1_000).to_string(),
                _ => text.as_ref().to_owned(),
            }
        }
        DeValue::Array(items) => {
            let words: Option<Vec<String>> = items.iter().map(|item| param(key, item)).collect();
            words?.join(", ")
        }
        _ => return None,
    })
}
