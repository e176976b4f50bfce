//! `tests/routes.toml`: what the user expects of the routes, checked whenever the folder is.

use alert::{Labels, SEVERITY, plan::ChannelKind};
use jiff::tz::TimeZone;
use model::{Name, Severity, UnixMillis};

use super::{
    super::{
        mistake::{Mistake, SourceFile, nearest},
        table::{Collector, Table, parse},
    },
    time,
};

/// What somebody expects of one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// What the user calls it, or where it stands.
    pub name: String,
    /// Line in its file, counted from 1.
    pub line: Option<usize>,
    /// Labels of the alert, the severity among them.
    pub labels: Labels,
    /// How bad.
    pub severity: Severity,
    /// What left, in whole US dollars.
    pub outflow_usd: Option<u64>,
    /// When; now, where it is not written.
    pub at: Option<UnixMillis>,
    /// Who hears of it within the first minute.
    pub reaches: Option<Vec<Reach>>,
    /// Who must not.
    pub not: Vec<Reach>,
    /// The ways it goes, as `routes test` names them.
    pub routes: Option<Vec<String>>,
}

/// Somebody who hears of an alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// A person or a receiver.
    pub who: Name,
    /// Over which kind of channel; any, where it is not written.
    pub over: Option<ChannelKind>,
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.over {
            Some(kind) => write!(f, "{} over {kind}", self.who),
            None => self.who.fmt(f),
        }
    }
}

/// Who there is to be reached.
pub(in super::super) struct ExpectationScope<'a> {
    pub(in super::super) plan: &'a alert::plan::Plan,
}

pub(in super::super) fn expectations(
    file: &SourceFile,
    scope: &ExpectationScope<'_>,
    out: &Collector,
) -> Vec<Expectation> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let entries = table.tables("expect");
    let all = entries.into_iter().filter_map(|entry| expectation(entry, scope)).collect();
    table.finish();
    all
}

fn expectation(table: Table<'_>, scope: &ExpectationScope<'_>) -> Option<Expectation> {
    let line = Mistake::at(table.file(), table.span(), "").line;
    let name = table.text("name").map(|name| name.value);
    let Some(alert) = table.table("alert") else {
        if !table.has("alert") {
            table.mistake_help(
                table.span(),
                "alert is missing; it must be a table of labels",
                "alert = { severity = \"critical\", monitor = \"drain\" }",
            );
        }
        // The rest means nothing without it, and is not complained of.
        return None;
    };
    let (labels, severity, outflow_usd) = labels(&alert);
    alert.finish();
    let at = time::moment_at(&table, "at", &TimeZone::UTC).map(|at| at.value);
    let reached = |key| -> Vec<Reach> {
        let texts = table.texts(key).into_iter();
        texts.filter_map(|text| reach(&table, key, &text.value, text.span, scope)).collect()
    };
    let reaches = table.has("reaches").then(|| reached("reaches"));
    let not = reached("not");
    let routes = table.has("routes").then(|| {
        let known: Vec<String> = scope.plan.tree.ways().map(|way| way.path.to_string()).collect();
        let mut routes = Vec::new();
        for text in table.texts("routes") {
            if !known.contains(&text.value) {
                let near = nearest(&text.value, known.iter().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("there are: {}", known.join(", ")),
                };
                let message = format!("routes: there is no route {:?}", text.value);
                table.mistake_help(text.span, message, help);
                continue;
            }
            routes.push(text.value);
        }
        routes
    });
    if reaches.is_none() && not.is_empty() && routes.is_none() {
        table.mistake_help(
            table.span(),
            "nothing is expected of this alert",
            "reaches = [\"ann over voice\"], not = [\"team-chat\"] or routes = [\"all/pages\"]",
        );
    }
    table.finish();
    let name = name.unwrap_or_else(|| "unnamed".to_owned());
    Some(Expectation { name, line, labels, severity, outflow_usd, at, reaches, not, routes })
}

fn labels(alert: &Table<'_>) -> (Labels, Severity, Option<u64>) {
    let mut labels = Labels::default();
    let severity = alert.word::<Severity>("severity");
    if !alert.has("severity") {
        alert.mistake(
            alert.span(),
            "severity is missing; it must be one of info, low, medium, high, critical",
        );
    }
    let severity = severity.map_or(Severity::Info, |severity| severity.value);
    labels.set(SEVERITY, severity.as_str());
    let outflow_usd = alert.integer("outflow_usd").map(|outflow| outflow.value);
    for (key, value) in alert.entries() {
        if matches!(key.value.as_str(), SEVERITY | "outflow_usd") {
            continue;
        }
        match value.get_ref().as_str() {
            Some(text) => {
                labels.set(&key.value, text);
            }
            None => alert.mistake(value.span(), format!("{} must be a string", key.value)),
        }
    }
    (labels, severity, outflow_usd)
}

/// `ann over voice`, `ann`, `team-chat`
fn reach(
    table: &Table<'_>,
    key: &str,
    text: &str,
    span: std::ops::Range<usize>,
    scope: &ExpectationScope<'_>,
) -> Option<Reach> {
    let (who, over) = match text.split_once(" over ") {
        Some((who, over)) => (who.trim(), Some(over.trim())),
        None => (text.trim(), None),
    };
    let plan = scope.plan;
    let known = || plan.people.keys().chain(plan.channels.keys()).map(Name::as_str);
    let Some(name) = Name::new(who).ok().filter(|_| known().any(|name| name == who)) else {
        let help = match nearest(who, known()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        table.mistake_help(span, format!("{key}: nobody is called {who:?}"), help);
        return None;
    };
    let over = match over {
        None => None,
        Some(word) => {
            let kind = ChannelKind::ALL.into_iter().find(|kind| kind.as_str() == word);
            if kind.is_none() {
                let kinds: Vec<&str> = ChannelKind::ALL.iter().map(|kind| kind.as_str()).collect();
                table.mistake(
                    span,
                    format!(
                        "{key}: unknown kind of channel {word:?} (one of: {})",
                        kinds.join(", ")
                    ),
                );
                return None;
            }
            kind
        }
    };
    Some(Reach { who: name, over })
}
