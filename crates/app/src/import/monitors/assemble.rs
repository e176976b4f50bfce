//! From rules of theirs to monitors of ours.
//!
//! A rule of theirs is one match per transaction: `(any event or any function) and any condition on
//! the transaction`. Monitors of ours look at one kind of event or call each, so that a rule becomes
//! one monitor per event and function, with the condition on the transaction in each of them. A rule
//! about transactions alone becomes a monitor of the transactions that involve its addresses.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::Address;
use detect::{Engine, MonitorPart, MonitorSpec, RuleSpec};
use model::Name;
use registry::{ContractAbi, Deployment, EventAbi, FunctionAbi, Labels, Param, Registry};

use super::{
    draft::{Draft, Monitor, Subject},
    expression::{Dialect, Remark, Scope, parse, translate},
    message::{About, say},
    rule::{Abi, Calls, Condition, Rule, Status},
};
use crate::init::slug;

/// Puts all rules into the draft.
pub(crate) fn assemble(draft: &mut Draft, rules: &[Rule]) {
    let mut abis: BTreeMap<(Name, Address), Vec<Arc<Abi>>> = BTreeMap::new();
    let mut names: BTreeMap<(Name, Address), String> = BTreeMap::new();
    for place in rules.iter().flat_map(|rule| &rule.places) {
        let at = (place.network.clone(), place.address);
        let known = abis.entry(at.clone()).or_default();
        if let Some(abi) = &place.abi
            && !known.iter().any(|other| other.json == abi.json)
        {
            known.push(abi.clone());
        }
        if let Some(name) = &place.name {
            names.entry(at).or_insert_with(|| name.clone());
        }
    }
    for rule in rules {
        let guarded: Vec<usize> = rule
            .places
            .iter()
            .map(|place| {
                let at = (place.network.clone(), place.address);
                let of_place = abis.get(&at).map_or(&[][..], Vec::as_slice);
                let name = names.get(&at).map(String::as_str);
                draft.guard(&place.network, place.address, name, of_place)
            })
            .collect();
        Assembly { draft, rule, guarded }.run();
    }
}

/// One rule on its way.
struct Assembly<'a> {
    draft: &'a mut Draft,
    rule: &'a Rule,
    /// Indexes into the draft's deployments, one per place.
    guarded: Vec<usize>,
}

/// A monitor before it has a name.
struct Wanted {
    on: Vec<usize>,
    subject: Subject,
    /// Name of the event or function, to tell monitors of one rule apart.
    suffix: String,
    when: Option<String>,
    say: Option<String>,
}

/// An event or function as their ABI has it.
enum Found {
    Event(Arc<EventAbi>),
    Function(Arc<FunctionAbi>),
}

impl Found {
    fn params(&self) -> &[Param] {
        match self {
            Self::Event(event) => &event.params,
            Self::Function(function) => &function.inputs,
        }
    }

    fn signature(&self) -> &str {
        match self {
            Self::Event(event) => &event.signature,
            Self::Function(function) => &function.signature,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Event(event) => &event.name,
            Self::Function(function) => &function.name,
        }
    }
}

impl Assembly<'_> {
    fn run(mut self) {
        let rule = self.rule;
        let what = format!("monitor {:?}", rule.name);
        if rule.places.is_empty() {
            let why = "it lists no address that is watched here, and without one it never matched";
            self.draft.report.leave(what, why);
            return;
        }
        let Some(clause) = self.transaction_clause(&what) else { return };
        let mut wanted = Vec::new();
        if rule.events.is_empty() && rule.functions.is_empty() {
            wanted.push(Wanted {
                on: self.guarded.clone(),
                subject: Subject::Transaction,
                suffix: String::new(),
                when: clause.text.clone(),
                say: self.say(&what, None, false),
            });
        }
        for condition in &rule.events {
            let what = format!("{what}, event {}", condition.signature);
            if clause.is_only_failed {
                let why =
                    "it asks for a failed transaction, which emits no event: it can never match";
                self.draft.report.leave(what, why);
                continue;
            }
            self.condition(condition, true, &what, &clause, &mut wanted);
        }
        for condition in &rule.functions {
            let what = format!("{what}, function {}", condition.signature);
            self.condition(condition, false, &what, &clause, &mut wanted);
        }
        self.settle(wanted);
    }

    /// What must be true of the transaction; `None` when nothing of it could be taken, so that the
    /// monitor would match more than it should.
    fn transaction_clause(&mut self, what: &str) -> Option<Clause> {
        let rule = self.rule;
        let mut any = Vec::new();
        let mut is_always = rule.transactions.is_empty();
        for condition in &rule.transactions {
            let status = match condition.status {
                Status::Any => None,
                Status::Success => Some("tx.status == success"),
                Status::Failure => Some("tx.status == failed"),
            };
            let expression = match &condition.expression {
                None => None,
                Some(source) => {
                    let what = format!("{what}, transaction condition");
                    let scope = Scope { dialect: rule.dialect, theirs: None, ours: &[] };
                    match self.said(&what, source, scope) {
                        Some(text) => Some(text),
                        None => continue,
                    }
                }
            };
            match (status, expression) {
                (None, None) => is_always = true,
                (Some(status), None) => any.push(status.to_owned()),
                (None, Some(text)) => any.push(text),
                (Some(status), Some(text)) => any.push(format!("{status} && ({text})")),
            }
            if condition.status != Status::Any && rule.dialect == Dialect::OpenZeppelin {
                let why = "there, in a block in which any transaction emitted a log, every transaction counts as successful: `Failure` misses failed ones and `Success` matches them; here the receipt decides";
                self.draft.report.differ(what, why);
            }
        }
        if any.is_empty() && !is_always {
            self.draft.report.leave(what, "nothing of its transaction conditions could be taken");
            return None;
        }
        any.dedup();
        let is_only_failed = !rule.transactions.is_empty()
            && rule.transactions.iter().all(|condition| condition.status == Status::Failure);
        let text = match any.as_slice() {
            _ if is_always => None,
            [one] => Some(one.clone()),
            many => {
                let parts: Vec<String> = many.iter().map(|part| format!("({part})")).collect();
                Some(parts.join(" || "))
            }
        };
        Some(Clause { text, is_only_failed })
    }

    /// A condition in our language; what is told about it goes into the report.
    fn said(&mut self, what: &str, source: &str, scope: Scope<'_>) -> Option<String> {
        let mut remarks: Vec<Remark> = Vec::new();
        let said = parse(source, scope.dialect)
            .and_then(|expr| translate(&expr, scope, &mut remarks))
            .map_err(|mistake| mistake.render(source));
        match said {
            Ok(text) => {
                for Remark(why) in remarks {
                    self.draft.report.differ(what, why);
                }
                Some(text)
            }
            Err(why) => {
                self.draft.report.leave(what, why);
                None
            }
        }
    }

    fn condition(
        &mut self,
        condition: &Condition,
        is_event: bool,
        what: &str,
        clause: &Clause,
        wanted: &mut Vec<Wanted>,
    ) {
        let rule = self.rule;
        // Places whose ABIs read alike share a monitor.
        let mut alike: BTreeMap<(String, Option<String>, Option<String>), Vec<usize>> =
            BTreeMap::new();
        let mut suffix = String::new();
        let mut is_found = false;
        for (place, at) in rule.places.iter().zip(self.guarded.clone()) {
            let Some(abi) = &place.abi else { continue };
            let Some((found, is_exact)) = find(&abi.read, &condition.signature, is_event) else {
                continue;
            };
            is_found = true;
            if !is_exact {
                let why = format!(
                    "the signature is not written as {}, so that it never matched there; here it is meant",
                    found.signature()
                );
                self.draft.report.differ(what, why);
            }
            suffix = found.name().to_owned();
            let deployment = &self.draft.deployments[at].deployment;
            let Some((subject, ours)) = ours(deployment, &found) else {
                let why = format!(
                    "the ABI of deployment {}, which is there already, has no {}; add it there",
                    deployment.label,
                    found.signature()
                );
                self.draft.report.leave(what, why);
                continue;
            };
            let expression = match &condition.expression {
                None => None,
                Some(source) => {
                    let scope =
                        Scope { dialect: rule.dialect, theirs: Some(found.params()), ours: &ours };
                    match self.said(what, source, scope) {
                        Some(text) => Some(text),
                        None => continue,
                    }
                }
            };
            let when = self.when(is_event, expression, clause);
            let say = self.say(what, Some(&found), is_event);
            alike.entry((subject, when, say)).or_default().push(at);
        }
        if !is_found {
            let kind = if is_event { "event" } else { "function" };
            let why = format!(
                "none of the ABIs that came along has this {kind}, so that it never matched"
            );
            self.draft.report.leave(what, why);
        }
        for ((subject, when, say), on) in alike {
            let subject = if is_event { Subject::Event(subject) } else { Subject::Call(subject) };
            wanted.push(Wanted { on, subject, suffix: suffix.clone(), when, say });
        }
    }

    fn when(&self, is_event: bool, expression: Option<String>, clause: &Clause) -> Option<String> {
        let mut parts = Vec::new();
        if !is_event {
            if self.rule.calls == Calls::Outermost {
                parts.push("call.depth == 0".to_owned());
            }
            // Theirs look at a call whatever became of it; ours do when they are asked.
            if !clause.text.as_ref().is_some_and(|text| text.contains("tx.status")) {
                parts.push("tx.status in [success, failed]".to_owned());
            }
        }
        parts.extend(expression);
        parts.extend(clause.text.clone());
        match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => {
                let bracketed = |part: &String| match part.contains("||") {
                    true => format!("({part})"),
                    false => part.clone(),
                };
                Some(parts.iter().map(bracketed).collect::<Vec<_>>().join(" && "))
            }
        }
    }

    fn say(&mut self, what: &str, found: Option<&Found>, is_event: bool) -> Option<String> {
        let template = self.rule.message.as_ref()?;
        let about = About {
            rule: &self.rule.name,
            signature: found.map(Found::signature),
            is_event,
            params: found.map_or(&[], Found::params),
        };
        match say(template, about) {
            Ok((text, left_out)) => {
                for name in left_out {
                    let why =
                        format!("`{name}` is left out of the message: findings show it anyway");
                    self.draft.report.differ(what, why);
                }
                Some(text)
            }
            Err(why) => {
                let why = format!("the message is ours instead of the template's: {why}");
                self.draft.report.differ(what, why);
                None
            }
        }
    }

    fn settle(&mut self, wanted: Vec<Wanted>) {
        let rule = self.rule;
        let what = format!("monitor {:?}", rule.name);
        let is_alone = wanted.len() == 1;
        let file = slug(&rule.name);
        let file = match self.draft.monitors.iter().any(|m| m.file == file && m.rule != rule.name) {
            true => self.draft.monitor_name(file.as_str()),
            false => file,
        };
        let folder = if rule.is_paused { "monitors/paused" } else { "monitors" };
        let path = format!("{folder}/{file}.toml");
        let is_known = |path: &String| self.draft.existing.monitor_files.contains(path);
        if [path.clone(), format!("monitors/{file}.toml")].iter().any(is_known) {
            for one in &wanted {
                let name = match is_alone {
                    true => slug(&rule.name),
                    false => slug(&format!("{}-{}", rule.name, one.suffix)),
                };
                if self.draft.existing.monitors.contains(&name) {
                    self.draft.known.push((name, rule.name.clone()));
                }
            }
            self.draft.report.known(what, path);
            return;
        }
        let mut added = 0;
        for one in wanted {
            let name = match is_alone {
                true => self.draft.monitor_name(&rule.name),
                false => self.draft.monitor_name(&format!("{}-{}", rule.name, one.suffix)),
            };
            let labels =
                one.on.iter().map(|&at| self.draft.deployments[at].deployment.label.clone());
            let mut on: Vec<Name> = labels.collect();
            on.sort();
            on.dedup();
            let is_call = matches!(one.subject, Subject::Call(_));
            let mut notes = Vec::new();
            if is_call && rule.calls == Calls::Outermost {
                notes.push(
                    "Calls from inside other transactions are not looked at, as there; without `call.depth == 0` they are (needs traces)."
                        .to_owned(),
                );
            }
            let mut monitor = Monitor {
                name: name.clone(),
                rule: rule.name.clone(),
                file: file.clone(),
                origin: rule.origin.clone(),
                on,
                subject: one.subject,
                when: one.when,
                say: one.say,
                severity: rule.severity,
                is_paused: rule.is_paused,
                receivers: rule.receivers.clone(),
                notes,
            };
            let mut mistake = self.mistake(&monitor);
            if let Some((MonitorPart::Say, why)) = &mistake {
                self.draft.report.differ(&what, format!("the message is ours: {why}"));
                monitor.say = None;
                mistake = self.mistake(&monitor);
            }
            match mistake {
                Some((_, why)) => {
                    self.draft.report.leave(&what, why);
                    self.draft.release(&name);
                }
                None => {
                    self.draft.monitors.push(monitor);
                    added += 1;
                }
            }
        }
        if added == 0 {
            return;
        }
        self.draft.report.take(what.clone(), path);
        if rule.is_paused {
            self.draft.report.ask(format!(
                "{what} is paused there: move monitors/paused/{file}.toml to monitors/ to switch it on"
            ));
        }
    }

    /// What our own check says about a monitor.
    fn mistake(&self, monitor: &Monitor) -> Option<(MonitorPart, String)> {
        let deployments = self.draft.deployments.iter().map(|g| g.deployment.clone()).collect();
        let registry = match Registry::new(deployments, Labels::default()) {
            Ok(registry) => registry,
            Err(errors) => {
                let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return Some((MonitorPart::On, told.join("; ")));
            }
        };
        let errors = Engine::new(Arc::new(registry), vec![spec(monitor)]).err()?;
        let first = errors.into_iter().next()?;
        Some((first.part, first.message))
    }
}

/// The condition on the transaction.
struct Clause {
    text: Option<String>,
    /// Whether it asks for failed transactions and no others.
    is_only_failed: bool,
}

/// The monitor as the engine takes it.
fn spec(monitor: &Monitor) -> MonitorSpec {
    let subject = match &monitor.subject {
        Subject::Event(event) => detect::Subject::Event(event.clone()),
        Subject::Call(call) => detect::Subject::Call(call.clone()),
        Subject::Transaction if monitor.on.is_empty() => detect::Subject::Transaction,
        Subject::Transaction => detect::Subject::Involving,
    };
    MonitorSpec {
        name: monitor.name.clone(),
        version: 1,
        networks: Vec::new(),
        on: monitor.on.clone(),
        rule: RuleSpec::Expression { subject, when: monitor.when.clone(), any_address_abi: None },
        children_of: Vec::new(),
        severity: monitor.severity,
        say: monitor.say.clone(),
        runbook: None,
    }
}

/// Their event or function by its signature: canonical types, without spaces, in any case. The
/// second part is false when only our more patient reading finds it.
fn find(abi: &ContractAbi, signature: &str, is_event: bool) -> Option<(Found, bool)> {
    let wanted = normal(signature);
    if is_event {
        let exact = abi.events().find(|event| normal(&event.signature) == wanted);
        let patient = || abi.find_event(signature).ok();
        exact
            .map(|event| (Found::Event(event.clone()), true))
            .or_else(|| Some((Found::Event(patient()?.clone()), false)))
    } else {
        let exact = abi.functions().find(|function| normal(&function.signature) == wanted);
        let patient = || abi.find_function(signature).ok();
        exact
            .map(|function| (Found::Function(function.clone()), true))
            .or_else(|| Some((Found::Function(patient()?.clone()), false)))
    }
}

/// A signature as theirs compares it.
pub(crate) fn normal(signature: &str) -> String {
    signature.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The same event or function in the deployment's own ABI: how to name it, and its parameters.
fn ours(deployment: &Deployment, found: &Found) -> Option<(String, Vec<Param>)> {
    match found {
        Found::Event(event) => {
            let is_it = |own: &&Arc<EventAbi>| {
                own.signature == event.signature && own.indexed_count() == event.indexed_count()
            };
            let own = deployment.abi.events().find(is_it)?;
            let texts = [own.name.clone(), own.signature.clone(), own.to_string()];
            let text = texts.into_iter().find(|text| {
                deployment.abi.find_event(text).is_ok_and(|found| Arc::ptr_eq(found, own))
            })?;
            Some((text, own.params.clone()))
        }
        Found::Function(function) => {
            let own = deployment.abi.functions().find(|own| own.signature == function.signature)?;
            let texts = [own.name.clone(), own.signature.clone()];
            let text = texts.into_iter().find(|text| {
                deployment.abi.find_function(text).is_ok_and(|found| Arc::ptr_eq(found, own))
            })?;
            Some((text, own.inputs.clone()))
        }
    }
}
