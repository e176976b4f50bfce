//! `[[route]]`: which alerts go which way.

use std::str::FromStr;

use alert::{
    Matcher, Op, Pattern, Route, SEVERITY,
    route::{Branch, GROUP_WAIT_S_DEFAULT, GroupBy},
};
use jiff::tz::TimeZone;
use model::{Name, Severity};

use super::{
    super::{
        mistake::{SourceFile, nearest},
        table::Table,
    },
    Known, LABELS, Places, time,
};

/// Alerts a week that a budget may allow: beyond it nobody reads them.
const BUDGET_MAX: u64 = 100_000;

/// The routes as a tree, and as the list that they were.
pub(in super::super) struct Branches {
    pub(in super::super) root: Branch,
    pub(in super::super) routes: Vec<Route>,
}

/// What a route has from above, to tell one that reaches nobody.
#[derive(Debug, Clone, Copy)]
struct Above {
    has_receivers: bool,
    has_escalation: bool,
}

/// Reads the root's own words and all routes below it.
pub(in super::super) fn branches(
    file: &SourceFile,
    table: &Table<'_>,
    known: &Known,
    places: &mut Places,
) -> Branches {
    let zone = time::zone(table, "zone").unwrap_or(TimeZone::UTC);
    let mut root = Branch::new(super::root_name());
    words(table, &mut root, &zone, known);
    let above = Above {
        has_receivers: root.receivers.is_some(),
        // People who can be called are, also without an escalation of their own.
        has_escalation: root.escalation.is_some() || !known.people.is_empty(),
    };
    let mut routes = Vec::new();
    for (at, entry) in table.tables("route").into_iter().enumerate() {
        let reader = Reader { file, known, zone: &zone };
        let branch = reader.branch(&entry, at, root.name.as_str(), above, places);
        if let Some(mut branch) = branch {
            let flat = flat(&entry, &branch, &root);
            if entry.has("confirmed_from") {
                branch.confirmed_from = Some(flat.confirmed_from);
            }
            routes.push(flat);
            root.branches.push(branch);
        }
        entry.finish();
    }
    Branches { root, routes }
}

struct Reader<'a> {
    file: &'a SourceFile,
    known: &'a Known,
    zone: &'a TimeZone,
}

impl Reader<'_> {
    fn branch(
        &self,
        table: &Table<'_>,
        at: usize,
        above_path: &str,
        above: Above,
        places: &mut Places,
    ) -> Option<Branch> {
        let name = table.name("name").map(|name| name.value);
        let name = name.or_else(|| Name::new(&format!("route-{}", at + 1)).ok())?;
        let path = format!("{above_path}/{name}");
        places.set("route", &path, self.file, table.span());
        let zone = time::zone(table, "zone").unwrap_or_else(|| self.zone.clone());
        let mut branch = Branch::new(name);
        branch.severity_min =
            table.word::<Severity>("severity").map_or(Severity::Info, |severity| severity.value);
        branch.matchers = matchers(table, "match", Some(&mut branch.severity_min));
        for (key, label) in
            [("networks", "network"), ("monitors", "monitor"), ("deployments", "deployment")]
        {
            branch.matchers.extend(fits_one_of(label, &patterns(table, key)));
        }
        branch.hours = time::hours(table, "active", &zone);
        branch.muted.extend(time::hours(table, "mute", &zone));
        branch.continue_matching = table.boolean("continue").unwrap_or(false);
        words(table, &mut branch, &zone, self.known);
        let own = Above {
            has_receivers: above.has_receivers || branch.receivers.is_some(),
            has_escalation: above.has_escalation || branch.escalation.is_some(),
        };
        let below = table.tables("route");
        if below.is_empty() && !own.has_receivers && !own.has_escalation {
            table.mistake(
                table.span(),
                format!("route {} has no receivers: nobody would hear", branch.name),
            );
        }
        let inner = Reader { zone: &zone, ..*self };
        for (at, entry) in below.into_iter().enumerate() {
            branch.branches.extend(inner.branch(&entry, at, &path, own, places));
            entry.finish();
        }
        Some(branch)
    }
}

/// What the root may say as well as a route: who hears, who is called, and how often.
fn words(table: &Table<'_>, branch: &mut Branch, _zone: &TimeZone, known: &Known) {
    let receivers = table.names("receivers");
    for receiver in &receivers {
        if known.channels.contains(&receiver.value) {
            continue;
        }
        let help = match nearest(receiver.value.as_str(), known.channels.iter().map(Name::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declared: {}", super::listed(&known.channels)),
        };
        table.mistake_help(
            receiver.span.clone(),
            format!("undefined receiver {:?} used in route {}", receiver.value, branch.name),
            help,
        );
    }
    if table.has("receivers") && !receivers.is_empty() {
        branch.receivers = Some(receivers.into_iter().map(|receiver| receiver.value).collect());
    }
    if let Some(escalation) = table.name("escalation") {
        known.escalation(table, &escalation, "escalation");
        branch.escalation = Some(escalation.value);
    }
    let seconds = |key| table.duration_ms(key).map(|duration| duration.value.div_ceil(1_000));
    branch.group_wait_s = seconds("group_wait");
    branch.group_interval_s = seconds("group_interval");
    branch.repeat_interval_s = seconds("repeat_interval");
    if table.has("group_by") {
        let by = labels(table, "group_by");
        branch.group_by = Some(match &by[..] {
            [one] if one == "alert" => GroupBy::Alert,
            _ => GroupBy::Labels(by),
        });
        // Who shares a message waits for the others.
        if matches!(branch.group_by, Some(GroupBy::Labels(_))) {
            branch.group_wait_s.get_or_insert(GROUP_WAIT_S_DEFAULT);
        }
    }
    let budget = table.integer_in("budget_per_week", 1..BUDGET_MAX + 1);
    branch.budget_per_week = budget.and_then(|budget| u32::try_from(budget).ok());
}

/// Matchers, each `label op "value"`; `severity>=high` sets the least severity where there is one.
pub(super) fn matchers(
    table: &Table<'_>,
    key: &'static str,
    mut severity_min: Option<&mut Severity>,
) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    for text in table.texts(key) {
        if let Some((label, least)) = text.value.split_once(">=")
            && label.trim() == SEVERITY
        {
            let least = least.trim().trim_matches('"');
            match (Severity::from_str(least), &mut severity_min) {
                (Ok(least), Some(min)) => **min = (**min).max(least),
                (Ok(least), None) => matchers.extend(from_on(least)),
                (Err(error), _) => table.mistake(text.span, format!("{key}: {error}")),
            }
            continue;
        }
        match Matcher::from_str(&text.value) {
            Ok(matcher) => {
                check_matcher(table, key, &text.span, &matcher);
                matchers.push(matcher);
            }
            Err(error) => table.mistake_help(
                text.span,
                format!("{key}: {error}"),
                "write label=\"value\", !=, =~ (a regular expression), !~, or severity>=high",
            ),
        }
    }
    matchers
}

/// `severity=~"high|critical"`: as bad as this or worse.
fn from_on(least: Severity) -> Option<Matcher> {
    let words = Severity::ALL.into_iter().filter(|severity| *severity >= least);
    let words: Vec<&str> = words.map(Severity::as_str).collect();
    Matcher::new(SEVERITY, Op::Like, &words.join("|")).ok()
}

fn check_matcher(table: &Table<'_>, key: &str, span: &std::ops::Range<usize>, matcher: &Matcher) {
    check_label(table, key, span, matcher.label());
    let is_of_severity =
        matcher.label() == SEVERITY && matches!(matcher.op(), Op::Equal | Op::NotEqual);
    if is_of_severity && let Err(error) = Severity::from_str(matcher.value()) {
        table.mistake(span.clone(), format!("{key}: {error}"));
    }
}

/// Any label may come from outside; one that is nearly one of ours is a slip.
fn check_label(table: &Table<'_>, key: &str, span: &std::ops::Range<usize>, label: &str) {
    if LABELS.contains(&label) {
        return;
    }
    if let Some(near) = nearest(label, LABELS) {
        table.mistake_help(
            span.clone(),
            format!("{key}: unknown label {label:?}"),
            format!("did you mean {near}?"),
        );
    }
}

/// Names of labels.
pub(super) fn labels(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let texts = table.texts(key);
    for text in &texts {
        check_label(table, key, &text.span, &text.value);
    }
    texts.into_iter().map(|text| text.value).collect()
}

fn patterns(table: &Table<'_>, key: &'static str) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in table.texts(key) {
        match Pattern::from_str(&text.value) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => table.mistake(text.span, format!("{key}: {error}")),
        }
    }
    patterns
}

/// The matcher that takes what one of the patterns takes.
fn fits_one_of(label: &str, patterns: &[Pattern]) -> Option<Matcher> {
    let is_plain = |pattern: &Pattern| !pattern.as_str().contains(['*', '?']);
    match patterns {
        [] => None,
        [one] if is_plain(one) => Some(Matcher::equal(label, one.as_str())),
        _ => {
            let expression = |pattern: &Pattern| {
                let text = pattern.as_str();
                text.replace('.', "\\.").replace('*', ".*").replace('?', ".")
            };
            let any: Vec<String> = patterns.iter().map(expression).collect();
            Matcher::new(label, Op::Like, &any.join("|")).ok()
        }
    }
}

/// The route as it was before routes had branches.
fn flat(table: &Table<'_>, branch: &Branch, root: &Branch) -> Route {
    let confirmed_from = match table.text("confirmed_from") {
        None => Route::CONFIRMED_FROM_DEFAULT,
        Some(word) if word.value == "never" => None,
        Some(word) => match Severity::from_str(&word.value) {
            Ok(severity) => Some(severity),
            Err(error) => {
                table.mistake(word.span, format!("confirmed_from: {error}, or never"));
                None
            }
        },
    };
    // The patterns were checked with the branch's.
    let again = |key| {
        let texts = table.texts(key).into_iter();
        texts.filter_map(|text| text.value.parse().ok()).collect()
    };
    Route {
        severity_min: branch.severity_min,
        networks: again("networks"),
        monitors: again("monitors"),
        deployments: again("deployments"),
        receivers: branch.receivers.clone().or_else(|| root.receivers.clone()).unwrap_or_default(),
        continue_matching: branch.continue_matching,
        confirmed_from,
        name: branch.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alert::Labels;

    #[test]
    fn patterns_take_the_same_as_matchers() {
        for (patterns, name, takes) in [
            (&["vault"][..], "vault", true),
            (&["vault"], "vault-2", false),
            (&["vault-*", "token"], "vault-usdc", true),
            (&["vault-*", "token"], "token", true),
            (&["v.1"], "v.1", true),
            (&["v.?"], "vx1", false),
            (&["*"], "", true),
        ] {
            let read: Vec<Pattern> = patterns.iter().map(|p| p.parse().unwrap()).collect();
            let matcher = fits_one_of("deployment", &read).unwrap();
            let labels = Labels::default().with("deployment", name);
            assert_eq!(matcher.matches(&labels), takes, "{patterns:?} {name:?}");
        }
    }
}
