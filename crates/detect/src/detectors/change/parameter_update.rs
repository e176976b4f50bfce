//! A parameter changed or a change was scheduled. The page is `parameter_update.md`.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, U256};
use model::{BlindReason, FactValue, Level, Measure, Severity};
use registry::{
    fact,
    risk::{self, Parameter, RiskKind, Stage},
};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, access::role_change::risk_topics, block::to_f64, milder, worse,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "change/parameter_update",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "step_share_max",
            kind: ParamKind::Number { default: 0.5, min: 0.0, max: 1e6 },
            doc: "a number that changes by a larger share of its old value is one severity worse",
        },
        ParamSpec {
            name: "scheduled",
            kind: ParamKind::Flag { default: true },
            doc: "whether operations that a timelock schedules, executes or cancels are told",
        },
    ],
    page: include_str!("parameter_update.md"),
};

/// See the page.
#[derive(Debug)]
pub struct ParameterUpdate;

impl Detector for ParameterUpdate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            severity: site.severity,
            step_share_max: settings.number("step_share_max"),
            tells_operations: settings.flag("scheduled"),
        })
    }
}

struct Configured {
    severity: Severity,
    step_share_max: f64,
    tells_operations: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { topics: risk_topics(), ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            match risk::read(block.log(touch.tx, ordinal)) {
                Err(why) => report.blind(BlindReason::Undecodable(why.to_string())),
                Ok(Some(event)) => {
                    if let RiskKind::ParameterUpdate(update) = &event.kind
                        && !update.parameter.is_upgrade()
                    {
                        self.tell(block, touch.tx, ordinal, update, report);
                    }
                }
                Ok(None) => {}
            }
        }
    }
}

impl Configured {
    fn tell(
        &self,
        block: &Block<'_>,
        tx: u32,
        ordinal: u32,
        update: &risk::ParameterUpdate,
        report: &mut Report<'_>,
    ) {
        let contract = block.name_of(block.log(tx, ordinal).address);
        let is_operation = matches!(update.parameter, Parameter::Operation { .. });
        if is_operation && !self.tells_operations {
            return;
        }
        let value_fact =
            |value: &DynSolValue| fact(&readable(value), block.network(), block.registry);
        let (old, new) = (update.old.as_ref(), update.new.as_ref());
        let shown = |value: Option<&DynSolValue>| value.map(|v| value_fact(v).to_string());
        let title = match (&update.parameter, shown(old), shown(new)) {
            (Parameter::Operation { stage, .. }, _, _) => match stage {
                Stage::Scheduled => format!("an operation was scheduled on {contract}"),
                Stage::Executed => format!("a scheduled operation was executed by {contract}"),
                Stage::Cancelled => format!("a scheduled operation of {contract} was cancelled"),
            },
            (parameter, Some(old), Some(new)) => {
                format!("{} of {contract} changed from {old} to {new}", parameter_name(parameter))
            }
            (parameter, None, Some(new)) => {
                format!("{} of {contract} was set to {new}", parameter_name(parameter))
            }
            (parameter, _, None) => format!("{} of {contract} changed", parameter_name(parameter)),
        };
        let step = step_share(old, new);
        let is_large_step = step.is_some_and(|step| step > self.step_share_max);
        let severity = match update.parameter {
            Parameter::Operation { stage: Stage::Cancelled, .. } => milder(self.severity, 1),
            _ if is_large_step => worse(self.severity, 1),
            _ => self.severity,
        };
        let mut claim = Claim::about_log(block, tx, ordinal, title).severity(severity).fact(
            "parameter",
            match update.parameter {
                Parameter::Named(name) => FactValue::Untrusted(word_text(name)),
                ref known => FactValue::Text(known.as_str().to_owned()),
            },
        );
        for (name, value) in [("old value", old), ("new value", new)] {
            if let Some(value) = value {
                claim = claim.fact(name, value_fact(value));
            }
        }
        if let Parameter::Operation { id, .. } = update.parameter {
            claim = claim.fact("operation", FactValue::Bytes(id.to_vec().into()));
        }
        if let Some(sender) = update.sender {
            claim = claim.fact("sender", block.address_fact(sender));
        }
        claim = claim.fact("transaction sender", block.address_fact(block.tx(tx).from));
        if let Some(step) = step {
            claim = claim.measure(Measure {
                name: "step, as a share of the old value".to_owned(),
                unit: String::new(),
                value: step,
                threshold: self.step_share_max,
                history: None,
            });
        }
        report.claim(claim);
    }
}

/// How far a number moved, as a share of what it was.
fn step_share(old: Option<&DynSolValue>, new: Option<&DynSolValue>) -> Option<f64> {
    let number = |value: &DynSolValue| match readable(value) {
        DynSolValue::Uint(value, _) => Some(value),
        _ => None,
    };
    let (old, new) = (number(old?)?, number(new?)?);
    if old.is_zero() {
        return None;
    }
    Some(to_f64(old.abs_diff(new)) / to_f64(old))
}

/// Raw bytes of one word are shown as the number that they nearly always are.
fn readable(value: &DynSolValue) -> DynSolValue {
    match value {
        DynSolValue::Bytes(bytes) if bytes.len() == 32 => {
            DynSolValue::Uint(U256::from_be_slice(bytes), 256)
        }
        other => other.clone(),
    }
}

fn parameter_name(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Named(name) => {
            FactValue::Untrusted(word_text(*name)).to_string().trim_matches('"').to_owned()
        }
        known => known.as_str().to_owned(),
    }
}

/// A `bytes32` identifier: the text in it when it is one, else hex.
pub(crate) fn word_text(word: B256) -> String {
    let end = word.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let text = &word[..end];
    let is_text = end > 0 && text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if is_text { String::from_utf8_lossy(text).into_owned() } else { word.to_string() }
}
