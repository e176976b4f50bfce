//! An account without a past. The page is `fresh_caller.md`.

use alloy_primitives::{B256, b256};
use model::{Address, BlindReason, Confidence, FactValue, Level, Severity};
use registry::risk::{self, RiskKind};
use serde::{Deserialize, Serialize};

use super::{
    funding::{Funding, funding},
    usual_callers::{Caller, UsualCallers},
};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, access::role_change::risk_topics, milder,
    },
    origins::{self, How},
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "reputation/fresh_caller",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "llr_min",
            kind: ParamKind::Number { default: 2.0, min: 0.0, max: 7.0 },
            doc: "least log-likelihood ratio of a caller's age and funding that is noted",
        },
        ParamSpec {
            name: "power_age_s",
            kind: ParamKind::Integer { default: 7 * DAY_S, min: 60, max: 365 * DAY_S },
            doc: "accounts younger than this may hold no power without a word",
        },
        ParamSpec {
            name: "contract_age_s",
            kind: ParamKind::Integer { default: 3_600, min: 1, max: 30 * DAY_S },
            doc: "contracts younger than this are new when they call yours",
        },
    ],
    page: include_str!("fresh_caller.md"),
};

const DAY_S: u64 = 86_400;

/// Callers that were noted, so that each is noted once: the busiest month of a large protocol. The
/// oldest is forgotten first and may be noted again.
const NOTED_MAX: usize = 256;

/// `UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)` of the ERC-4337 entry
/// point: the account that acts is its second topic, the sender of the transaction is a bundler.
const USER_OPERATION: B256 =
    b256!("0x49628fd1471006c1482da88028e9ce4dbb080b815c9b0344d39e5a8e6ec1419f");

/// Callers that were noted, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCallers(Vec<Address>);

/// See the page.
#[derive(Debug)]
pub struct FreshCaller;

impl Detector for FreshCaller {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            llr_min: settings.number("llr_min"),
            power_age_s: settings.integer("power_age_s"),
            contract_age_s: settings.integer("contract_age_s"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    llr_min: f64,
    power_age_s: u64,
    contract_age_s: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants {
            calls: true,
            topics: risk_topics(),
            origins: true,
            remembers: true,
            ..Wants::default()
        }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if touches.is_empty() {
            return;
        }
        let recorded_s = origins::since(memory).map_or(0, |since| block.at.seconds_since(since));
        if recorded_s < self.power_age_s {
            let (seen, needed) = (recorded_s / DAY_S, self.power_age_s.div_ceil(DAY_S));
            report.blind(BlindReason::WarmingUp { seen, needed });
        }
        for touched in touches.chunk_by(|a, b| a.tx == b.tx) {
            let tx = touched[0].tx;
            for touch in touched {
                match touch.what {
                    What::Log(ordinal) => self.power(block, (tx, ordinal), memory, report),
                    What::Frame(index) => self.contract(block, touch, index, memory, report),
                    What::Transaction | What::Transfer(_) => {}
                }
            }
            let call = touched.iter().find(|touch| matches!(touch.what, What::Frame(_)));
            if let Some(call) = call {
                for caller in callers(block, tx, memory) {
                    self.caller(block, call, caller, memory, report);
                }
            }
        }
    }
}

impl Configured {
    /// Who acts and is young, against those who usually do.
    fn caller(
        &self,
        block: &Block<'_>,
        call: &Touch,
        caller: Caller,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::UsualCallers).monitor(&self.site.key);
        let usual = memory.entry(key, UsualCallers::default);
        let of_age = usual.llr(caller);
        usual.learn(caller);
        let funding = funding(block, memory, caller.address);
        let llr = (of_age + funding.llr()).clamp(-3.0, 7.0);
        let is_ours = block.guarded(&caller.address).is_some();
        if llr < self.llr_min || is_ours || !self.is_first(caller.address, memory) {
            return;
        }
        let guarded = block.deployment(call.deployment);
        let age = match caller.age_s {
            Some(age_s) => format!("first seen {} before", FactValue::Seconds(age_s)),
            None => "of unknown age".to_owned(),
        };
        let title = format!(
            "{}, {age} and {}, called {}",
            block.name_of(caller.address),
            funding.as_str(),
            guarded.label
        );
        let mut claim = Claim::about_frame(block, call.tx, 0, title)
            .about(block, guarded.address)
            .what(format!("caller {}", caller.address))
            .severity(Severity::Info)
            .confidence(Confidence::Heuristic)
            .fact("caller", block.address_fact(caller.address))
            .fact("log-likelihood ratio", nats(llr))
            .fact("of age and earlier transactions", nats(of_age))
            .fact("of funding", nats(funding.llr()));
        if let Some(nonce) = caller.nonce {
            claim = claim.fact("earlier transactions", count(nonce));
        }
        report.claim(funding.facts(block, claim));
    }

    /// A contract that did not exist an hour ago calls ours, and its maker's money comes from where
    /// thieves' money comes from.
    fn contract(
        &self,
        block: &Block<'_>,
        touch: &Touch,
        frame: u32,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let trace = block.trace(touch.tx);
        let Some(caller) = trace.and_then(|trace| Some(trace.frames.get(frame as usize)?.from))
        else {
            return;
        };
        let tx = block.tx(touch.tx);
        if caller == tx.from || block.guarded(&caller).is_some() {
            return;
        }
        let Some(account) = origins::of(memory, caller) else { return };
        let age_s = block.at.seconds_since(account.first_at);
        if account.how != How::Created || age_s >= self.contract_age_s {
            return;
        }
        let funding = [funding(block, memory, caller), funding(block, memory, tx.from)];
        let Some(funding) = funding.into_iter().find(Funding::is_bad) else { return };
        if !self.is_first(caller, memory) {
            return;
        }
        let guarded = block.deployment(touch.deployment);
        let title = format!(
            "{caller}, a contract created {} before by somebody {}, called {}",
            FactValue::Seconds(age_s),
            funding.as_str(),
            guarded.label
        );
        let claim = Claim::about_frame(block, touch.tx, frame, title)
            .about(block, guarded.address)
            .what("contract")
            .severity(milder(self.site.severity, 1))
            .confidence(Confidence::Heuristic)
            .fact("caller", block.address_fact(caller))
            .fact("age", FactValue::Seconds(age_s))
            .fact("transaction sender", block.address_fact(tx.from));
        report.claim(funding.facts(block, claim));
    }

    /// Power was given to, or used by, an account without a past.
    fn power(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let event = match risk::read(block.log(tx, ordinal)) {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(why) => return report.blind(BlindReason::Undecodable(why.to_string())),
        };
        let (given_to, used_by) = match &event.kind {
            RiskKind::RoleChange(change) => {
                (change.account.filter(|_| change.granted), change.sender)
            }
            RiskKind::ParameterUpdate(change) => (None, change.sender),
            RiskKind::Oracle(_) => return,
        };
        let used_by = used_by.or(Some(block.tx(tx).from));
        let contract = block.name_of(event.contract);
        for (who, did, what) in
            [(given_to, "was given power over", "given"), (used_by, "used power over", "used")]
        {
            let Some(who) = who.filter(|who| !who.is_zero()) else { continue };
            let is_ours = block.guarded(&who).is_some();
            let Some(age_s) = age_s(block, memory, who).filter(|age| *age < self.power_age_s)
            else {
                continue;
            };
            if is_ours || (what == "used" && Caller::is_old_hand(block.tx(tx).nonce)) {
                continue;
            }
            let title = format!(
                "{}, first seen {} before, {did} {contract}",
                block.name_of(who),
                FactValue::Seconds(age_s)
            );
            let claim = Claim::about_log(block, tx, ordinal, title)
                .what(what)
                .severity(self.site.severity)
                .confidence(Confidence::Heuristic)
                .fact("account", block.address_fact(who))
                .fact("age", FactValue::Seconds(age_s))
                .fact("transaction sender", block.address_fact(block.tx(tx).from));
            report.claim(funding(block, memory, who).facts(block, claim));
        }
    }

    fn is_first(&self, address: Address, memory: &mut StateTable) -> bool {
        let key = Key::new(Kind::SeenCallers).monitor(&self.site.key);
        if memory.get::<SeenCallers>(&key).is_some_and(|seen| seen.0.contains(&address)) {
            return false;
        }
        let seen = &mut memory.entry(key, SeenCallers::default).0;
        if seen.len() == NOTED_MAX {
            seen.remove(0);
        }
        seen.push(address);
        true
    }
}

/// Who acts: the accounts of user operations, else the sender.
fn callers(block: &Block<'_>, at: u32, memory: &StateTable) -> Vec<Caller> {
    let tx = block.tx(at);
    let operations = tx.logs.iter().filter(|log| log.topic0() == Some(USER_OPERATION));
    let accounts = operations.filter_map(|log| Some(Address::from_word(*log.topics.get(2)?)));
    let mut found: Vec<Caller> = accounts
        .map(|address| Caller { address, nonce: None, age_s: age_s(block, memory, address) })
        .collect();
    if found.is_empty() {
        let is_old_hand = Caller::is_old_hand(tx.nonce);
        found.push(Caller {
            address: tx.from,
            nonce: Some(tx.nonce),
            // Money that reaches an account with a past does not make it young.
            age_s: age_s(block, memory, tx.from).filter(|_| !is_old_hand),
        });
    }
    found
}

/// Seconds since an account was first sent something or created, as far as it was recorded.
fn age_s(block: &Block<'_>, memory: &StateTable, address: Address) -> Option<u64> {
    let account = origins::of(memory, address).filter(|account| account.how != How::Gave)?;
    Some(block.at.seconds_since(account.first_at))
}

fn nats(value: f64) -> FactValue {
    FactValue::Number { value, unit: "nat".to_owned() }
}

fn count(value: u64) -> FactValue {
    FactValue::Number { value: value as f64, unit: String::new() }
}
