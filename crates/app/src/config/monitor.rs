//! `monitors/*.toml`: what people want to know.

use std::ops::Range;

use detect::{MonitorPart, MonitorSpec, Params, RuleSpec, Subject};
use model::{Name, Severity};
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
    labels: &[Name],
    out: &Collector,
) -> Vec<Declared> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut found = Vec::new();
    for entry in table.tables("monitor") {
        found.extend(monitor(&entry, networks, labels));
        entry.finish();
    }
    table.finish();
    found
}

fn monitor(table: &Table<'_>, networks: &[Name], labels: &[Name]) -> Option<Declared> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; alerts are called by it");
    }
    let on = table.names("on");
    for label in on.iter().filter(|label| !labels.contains(&label.value)) {
        let known = || labels.iter().map(Name::as_str);
        let help = match nearest(label.value.as_str(), known()) {
            Some(near) => format!("did you mean {near}?"),
            None if labels.is_empty() => "deployments/ declares none".to_owned(),
            None => {
                format!("declared in deployments/: {}", known().collect::<Vec<_>>().join(", "))
            }
        };
        table.mistake_help(
            label.span.clone(),
            format!("unknown deployment {:?}", label.value),
            help,
        );
    }
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
    let when = table.text("when");
    let say = table.text("say");
    let runbook = table.text("runbook").map(|r| r.value);
    let version = table.integer_in("version", 1..u64::from(u32::MAX)).map_or(1, |v| v as u32);
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
        (MonitorPart::On, on.first().map(|on| on.span.clone())),
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
        children_of: Vec::new(),
        rule,
        severity: severity?.value,
        say: say.map(|say| say.value),
        runbook,
    };
    Some(Declared { spec, file: table.file().clone(), places })
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
