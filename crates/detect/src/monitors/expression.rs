//! A match expression on one event, call or transaction.

use std::{borrow::Cow, sync::Arc};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::Address;
use model::{FactValue, Level, Name, TxStatus};
use registry::{ContractAbi, Deployment, EventAbi, FunctionAbi, Param, Registry, fact};

use super::{MonitorPart, MonitorSpec, RuleSpec, Subject};
use crate::{
    detectors::{Block, Claim, params::unknown},
    expression::{
        AddressSet, Builtin, Diagnostic, EvalError, Occurrence, Parameter, Program, Requirement,
        Say, Scope, Slot, Unit, Value, Values, compile,
    },
};

/// A requirement with more addresses than this is checked instead of indexed: an entry per address
/// and monitor would cost more memory than it saves time.
const INDEXED_ADDRESSES_MAX: usize = 64;

/// A compiled expression on one deployment, or on any address.
pub(crate) struct Matcher {
    pub(crate) on: On,
    pub(crate) occasion: Occasion,
    program: Option<Program>,
    say: Option<Say>,
    asks_for_success: bool,
    asks_for_kind: bool,
}

/// Where it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// Anywhere.
    AnyAddress,
    /// One deployment.
    Deployment(u32),
    /// Every child of a factory.
    ChildrenOf(u32),
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(crate) enum Occasion {
    Event(Arc<EventAbi>),
    Call(Arc<FunctionAbi>),
    Transaction,
    Involving,
}

/// Where something matched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Match {
    Log { tx: u32, ordinal: u32 },
    Frame { tx: u32, index: u32 },
    Transaction { tx: u32 },
}

impl Matcher {
    /// Least that the network must give: nested calls are seen only in traces.
    pub(crate) fn needs(&self) -> Level {
        match self.occasion {
            Occasion::Call(_) => {
                let program = self.program.as_ref();
                let is_outermost = program.is_some_and(Program::is_of_outermost_calls);
                if is_outermost { Level::Logs } else { Level::Traces }
            }
            Occasion::Event(_) | Occasion::Transaction | Occasion::Involving => Level::Logs,
        }
    }

    /// Which arguments are indexed: events of one signature with the same choice decode alike.
    pub(crate) fn shape(&self) -> Vec<bool> {
        match &self.occasion {
            Occasion::Event(event) => event.params.iter().map(|param| param.indexed).collect(),
            Occasion::Call(_) | Occasion::Transaction | Occasion::Involving => Vec::new(),
        }
    }

    /// The address condition to index it by, if it has one that is small enough.
    pub(crate) fn index_by(&self) -> Option<Requirement> {
        let requirements = self.program.as_ref()?.requirements();
        let small = requirements.into_iter().filter(|r| r.addresses.len() <= INDEXED_ADDRESSES_MAX);
        small.min_by_key(|requirement| (requirement.addresses.len(), requirement.slot))
    }

    /// Whether a call is looked at at all; see [`Subject`].
    pub(crate) fn looks_at(&self, is_delegate: bool, tx: TxStatus, took_effect: bool) -> bool {
        let is_failed = tx == TxStatus::Failed || !took_effect;
        (self.asks_for_success || !is_failed) && (self.asks_for_kind || !is_delegate)
    }

    /// Whether the condition holds.
    pub(crate) fn matches(&self, occurrence: &Occurrence<'_>) -> Result<bool, EvalError> {
        match &self.program {
            None => Ok(true),
            Some(program) => program.matches(occurrence),
        }
    }

    /// The finding's claim for a match.
    pub(crate) fn claim(
        &self,
        block: &Block<'_>,
        at: Match,
        occurrence: &Occurrence<'_>,
        severity: model::Severity,
    ) -> Claim {
        let params = match &self.occasion {
            Occasion::Event(event) => event.params.as_slice(),
            Occasion::Call(function) => function.inputs.as_slice(),
            Occasion::Transaction | Occasion::Involving => &[],
        };
        let label =
            |address: Address| block.registry.label(block.network(), address).map(str::to_owned);
        let title = match &self.say {
            Some(say) => say.render(occurrence, &label),
            None => self.default_title(block, params, occurrence),
        };
        let claim = match at {
            Match::Log { tx, ordinal } => Claim::about_log(block, tx, ordinal, title),
            Match::Frame { tx, index } => Claim::about_frame(block, tx, index, title),
            Match::Transaction { tx } => Claim::about_frame(block, tx, 0, title),
        };
        let subject = occurrence.call.map(|call| call.to).or(match at {
            Match::Log { .. } => None,
            Match::Frame { .. } | Match::Transaction { .. } => occurrence.tx.to,
        });
        let mut claim = match subject {
            Some(address) => claim.about(block, address),
            None => claim,
        };
        for (position, (param, value)) in params.iter().zip(occurrence.args).enumerate() {
            let value = fact(value, block.network(), block.registry);
            claim = claim.fact(param_name(param, position), value);
        }
        if let Some(call) = occurrence.call {
            claim = claim.fact("caller", block.address_fact(call.from));
        }
        let tx = occurrence.tx;
        claim = claim.fact("transaction sender", block.address_fact(tx.from));
        if matches!(at, Match::Transaction { .. }) {
            if let Some(to) = tx.to {
                claim = claim.fact("transaction target", block.address_fact(to));
            }
            let value = model::TokenAmount::ether(tx.value);
            claim = claim.fact("native value", FactValue::Amount(value));
        }
        if tx.status != TxStatus::Success {
            let status = FactValue::Text(tx.status.as_str().to_owned());
            claim = claim.fact("transaction status", status);
        }
        claim.severity(severity)
    }

    fn default_title(
        &self,
        block: &Block<'_>,
        params: &[Param],
        occurrence: &Occurrence<'_>,
    ) -> String {
        let shown = |value: &DynSolValue| fact(value, block.network(), block.registry).to_string();
        let args: Vec<String> = params
            .iter()
            .zip(occurrence.args)
            .enumerate()
            .map(|(at, (param, value))| format!("{} {}", param_name(param, at), shown(value)))
            .collect();
        let args = args.join(", ");
        match (&self.occasion, occurrence.log, occurrence.call) {
            (Occasion::Event(event), Some(log), _) => {
                format!("{} emitted {}({args})", block.name_of(log.address), event.name)
            }
            (Occasion::Call(function), _, Some(call)) => format!(
                "{} called {}.{}({args})",
                block.name_of(call.from),
                block.name_of(call.to),
                function.name
            ),
            _ => {
                let to = occurrence.tx.to.map_or_else(
                    || "create a contract".to_owned(),
                    |to| format!("call {}", block.name_of(to)),
                );
                format!("{} sent a transaction to {to}", block.name_of(occurrence.tx.from))
            }
        }
    }
}

fn param_name(param: &Param, position: usize) -> String {
    if param.name.is_empty() { format!("arg{position}") } else { param.name.clone() }
}

/// The value of an address variable, for the index.
pub(crate) fn address_of(values: &dyn Values, slot: Slot) -> Option<Address> {
    match values.value(slot)? {
        Value::Address(address) => Some(address),
        _ => None,
    }
}

/// What expressions on one network may name.
pub(super) struct ExpressionScope<'r> {
    registry: &'r Registry,
    network: &'r Name,
    here: Vec<&'r Deployment>,
    units: Vec<Unit>,
    label_sets: Vec<(String, Arc<AddressSet>)>,
}

impl<'r> ExpressionScope<'r> {
    /// Gathers the label sets that any monitor mentions.
    pub(super) fn new(registry: &'r Registry, network: &'r Name, specs: &[MonitorSpec]) -> Self {
        let texts: Vec<&str> = specs.iter().flat_map(texts_of).collect();
        let labels = registry.labels();
        let mentioned = labels.categories().into_iter().filter(|category| {
            let name = format!("labels.{category}");
            texts.iter().any(|text| text.contains(&name))
        });
        let set = |category| {
            let here = |only: &Option<&Name>| only.is_none_or(|only| only == network);
            let addresses = labels.addresses(category).filter(|(only, _)| here(only));
            Arc::new(addresses.map(|(_, address)| address).collect::<AddressSet>())
        };
        let label_sets = mentioned.map(|category| (category.to_string(), set(category))).collect();
        let here: Vec<&Deployment> =
            registry.deployments().iter().filter(|d| d.network == *network).collect();
        let mut units: Vec<Unit> = Vec::new();
        for unit in here.iter().filter_map(|d| d.token.as_ref()).map(unit) {
            if !units.contains(&unit) {
                units.push(unit);
            }
        }
        Self { registry, network, here, units, label_sets }
    }

    /// One matcher per deployment, or one for any address.
    pub(super) fn matchers(
        &self,
        spec: &MonitorSpec,
        (subject, when, any_abi): (&Subject, Option<&str>, Option<&ContractAbi>),
        (guarded, children_of): (&[u32], &[u32]),
        mistakes: &mut Vec<(MonitorPart, String)>,
    ) -> Vec<Matcher> {
        let mut matchers = Vec::new();
        let mut build = |on: On,
                         deployment: Option<&Deployment>,
                         found: Result<Occasion, String>| {
            let found = found.map_err(|mistake| (MonitorPart::Subject, mistake));
            match found.and_then(|occasion| self.matcher(spec, when, (on, deployment), occasion)) {
                Ok(matcher) => matchers.push(matcher),
                Err(mistake) if mistakes.contains(&mistake) => {}
                Err(mistake) => mistakes.push(mistake),
            }
        };
        if spec.is_on_everything() {
            build(On::AnyAddress, None, self.any_occasion(subject, any_abi));
            return matchers;
        }
        let children = children_of.iter().filter_map(|&factory| {
            let template = self.registry.template(factory)?;
            let prototype = template.prototype(self.registry.deployment(factory));
            Some((On::ChildrenOf(factory), Cow::Owned(prototype)))
        });
        let guarded = guarded
            .iter()
            .map(|&index| (On::Deployment(index), Cow::Borrowed(self.registry.deployment(index))));
        for (place, deployment) in guarded.chain(children) {
            let on = |reason: String| format!("{} ({}): {reason}", deployment.label, self.network);
            let found = match subject {
                Subject::Event(text) => {
                    deployment.abi.find_event(text).map(|e| Occasion::Event(e.clone()))
                }
                Subject::Call(text) => {
                    deployment.abi.find_function(text).map(|f| Occasion::Call(f.clone()))
                }
                Subject::Transaction => Ok(Occasion::Transaction),
                Subject::Involving => Ok(Occasion::Involving),
            };
            build(place, Some(&deployment), found.map_err(|e| on(e.to_string())));
        }
        matchers
    }

    /// The event or function meant on any address: out of the given ABI, or written in full, or the
    /// one that all ABIs of the network agree on.
    fn any_occasion(
        &self,
        subject: &Subject,
        abi: Option<&ContractAbi>,
    ) -> Result<Occasion, String> {
        let here = || self.here.iter();
        let hint = "a monitor on any address needs it in full, such as \
                    Transfer(address indexed from, address indexed to, uint256 value)";
        match (subject, abi) {
            (Subject::Transaction, _) => Ok(Occasion::Transaction),
            (Subject::Involving, _) => {
                Err("involving needs deployments: name them in on".to_owned())
            }
            (Subject::Event(text), Some(abi)) => {
                abi.find_event(text).map(|e| Occasion::Event(e.clone())).map_err(|e| e.to_string())
            }
            (Subject::Call(text), Some(abi)) => abi
                .find_function(text)
                .map(|f| Occasion::Call(f.clone()))
                .map_err(|e| e.to_string()),
            (Subject::Event(text), None) if text.contains('(') => match EventAbi::parse(text) {
                Ok(event) => Ok(Occasion::Event(event)),
                Err(reason) => Err(format!("event {text:?} cannot be read: {reason}; {hint}")),
            },
            (Subject::Call(text), None) if text.contains('(') => {
                let item = format!("function {}", text.trim().trim_start_matches("function "));
                let abi = ContractAbi::from_solidity([item.as_str()]).map_err(|e| e.to_string())?;
                let function = abi.functions().next().cloned();
                function.map(Occasion::Call).ok_or_else(|| format!("no function in {text:?}"))
            }
            (Subject::Event(text), None) => {
                let mut known = here().filter_map(|d| d.abi.find_event(text).ok());
                match known.next() {
                    Some(first) if known.all(|other| other.as_ref() == first.as_ref()) => {
                        Ok(Occasion::Event(first.clone()))
                    }
                    Some(_) => Err(format!("several ABIs have an event {text:?}; {hint}")),
                    None => {
                        let names: Vec<&str> =
                            here().flat_map(|d| d.abi.events()).map(|e| e.name.as_str()).collect();
                        Err(format!("{}; {hint}", unknown("event", text, &names)))
                    }
                }
            }
            (Subject::Call(text), None) => {
                let mut known = here().filter_map(|d| d.abi.find_function(text).ok());
                match known.next() {
                    Some(first) if known.all(|other| other.signature == first.signature) => {
                        Ok(Occasion::Call(first.clone()))
                    }
                    Some(_) => Err(format!("several ABIs have a function {text:?}; {hint}")),
                    None => {
                        let names: Vec<&str> = here()
                            .flat_map(|d| d.abi.functions())
                            .map(|f| f.name.as_str())
                            .collect();
                        Err(format!("{}; {hint}", unknown("function", text, &names)))
                    }
                }
            }
        }
    }

    fn matcher(
        &self,
        spec: &MonitorSpec,
        when: Option<&str>,
        (on, deployment): (On, Option<&Deployment>),
        occasion: Occasion,
    ) -> Result<Matcher, (MonitorPart, String)> {
        let program = when
            .map(|text| self.compiled(text, &occasion, deployment, |scope| compile(text, scope)))
            .transpose()
            .map_err(|mistake| (MonitorPart::When, mistake))?;
        let say = spec
            .say
            .as_deref()
            .map(|text| {
                self.compiled(text, &occasion, deployment, |scope| Say::compile(text, scope))
            })
            .transpose()
            .map_err(|mistake| (MonitorPart::Say, mistake))?;
        let asks_for = |builtin: Builtin| {
            program.as_ref().is_some_and(|p| p.references().contains(&Slot::builtin(builtin)))
        };
        Ok(Matcher {
            on,
            asks_for_success: asks_for(Builtin::TxStatus) || asks_for(Builtin::CallSuccess),
            asks_for_kind: asks_for(Builtin::CallKind),
            occasion,
            program,
            say,
        })
    }

    /// Compiles in a scope that holds what the text can mean; a text with mistakes is compiled again
    /// in the full scope, whose names make better suggestions.
    fn compiled<T>(
        &self,
        text: &str,
        occasion: &Occasion,
        deployment: Option<&Deployment>,
        compile: impl Fn(&Scope) -> Result<T, Vec<Diagnostic>>,
    ) -> Result<T, String> {
        compile(&self.scope(Some(text), occasion, deployment))
            .or_else(|_| compile(&self.scope(None, occasion, deployment)))
            .map_err(|mistakes| {
                let shown: Vec<String> = mistakes.iter().map(|m| m.render(text)).collect();
                shown.join("\n")
            })
    }

    /// `only` leaves out what that text cannot mean, because ten thousand monitors times a thousand
    /// deployments would make a slow start.
    fn scope(
        &self,
        only: Option<&str>,
        occasion: &Occasion,
        deployment: Option<&Deployment>,
    ) -> Scope {
        let mut scope = match occasion {
            Occasion::Event(event) => Scope::event(&parameters(&event.params)),
            Occasion::Call(function) => Scope::call(&parameters(&function.inputs)),
            Occasion::Transaction | Occasion::Involving => Scope::transaction(),
        };
        for (name, addresses) in &self.label_sets {
            scope = scope.with_labels(name, addresses.clone());
        }
        let mentions = |word: &str| only.is_none_or(|text| text.contains(word));
        for unit in self.units.iter().filter(|unit| mentions(&unit.symbol)) {
            scope = scope.with_unit(unit);
        }
        if mentions("deployments.") {
            for other in &self.here {
                scope = scope.with_deployment(other.label.as_str(), other.address);
            }
        }
        match deployment.and_then(|d| d.token.as_ref()) {
            Some(token) => scope.with_token(unit(token)),
            None => scope,
        }
    }
}

fn unit(token: &registry::TokenUnit) -> Unit {
    Unit { symbol: token.symbol.clone(), decimals: token.decimals }
}

fn parameters(params: &[Param]) -> Vec<Parameter> {
    params
        .iter()
        .map(|param| Parameter {
            name: param.name.clone(),
            ty: param.ty.clone(),
            indexed: param.indexed,
            components: parameters(&param.components),
        })
        .collect()
}

fn texts_of(spec: &MonitorSpec) -> impl Iterator<Item = &str> {
    let when = match &spec.rule {
        RuleSpec::Expression { when, .. } => when.as_deref(),
        RuleSpec::Detector { .. } => None,
    };
    when.into_iter().chain(spec.say.as_deref())
}
