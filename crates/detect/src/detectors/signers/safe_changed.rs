//! Who controls a Safe, or the code by which, changed. The page is `safe_changed.md`.

use std::{num::NonZeroU32, sync::LazyLock};

use alloy_primitives::{Address, B256, U256, keccak256};
use model::{BlindReason, FactValue, Level, PlannedRead, ReadRequest, Severity};
use registry::{
    proxy::SAFE_SINGLETON,
    risk::{self, Parameter, RiskKind, RoleChangeKind},
};
use serde::{Deserialize, Serialize};

use super::safe::is_safe;
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, worse,
    },
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "signers/safe_changed",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[ParamSpec {
        name: "every_blocks",
        kind: ParamKind::Integer { default: 1, min: 1, max: 7_200 },
        doc: "how often slot 0, nonce, threshold and owners are read: once in so many blocks",
    }],
    page: include_str!("safe_changed.md"),
};

/// `nonce()`, `getThreshold()` and `getOwners()` of a Safe.
const NONCE: [u8; 4] = [0xaf, 0xfe, 0xd0, 0xe0];
const THRESHOLD: [u8; 4] = [0xe7, 0x52, 0x35, 0xb8];
const OWNERS: [u8; 4] = [0xa0, 0xe6, 0x7e, 0x2b];

/// Owners that are remembered. The largest Safes of mainnet have fewer than a hundred.
const OWNERS_MAX: usize = 256;

/// Each of these raises the nonce by one. Source: Safe 1.1 to 1.4.1.
static EXECUTED: LazyLock<[B256; 2]> = LazyLock::new(|| {
    ["ExecutionSuccess(bytes32,uint256)", "ExecutionFailure(bytes32,uint256)"].map(keccak256)
});

/// See the page.
#[derive(Debug)]
pub struct SafeChanged;

impl Detector for SafeChanged {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = u32::try_from(settings.integer("every_blocks")).ok();
        let every = every.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let safes = site.deployments().filter(|(_, known)| is_safe(known));
        let safes = safes.map(|(index, known)| Safe::new(index, known.address, every)).collect();
        Box::new(Configured { safes, site })
    }
}

/// A Safe with its reads, which are asked together because they are held against each other.
struct Safe {
    index: u32,
    address: Address,
    singleton: PlannedRead,
    nonce: PlannedRead,
    threshold: PlannedRead,
    owners: PlannedRead,
}

impl Safe {
    fn new(index: u32, address: Address, every: NonZeroU32) -> Self {
        let singleton = ReadRequest::Storage { of: address, slot: SAFE_SINGLETON }.every(every);
        let call = |selector: [u8; 4]| {
            ReadRequest::Call { to: address, input: selector.into() }.every_with(every, &singleton)
        };
        let (nonce, threshold, owners) = (call(NONCE), call(THRESHOLD), call(OWNERS));
        Self { index, address, singleton, nonce, threshold, owners }
    }
}

struct Configured {
    site: Site,
    safes: Vec<Safe>,
}

/// What was last read of a Safe, and what its logs said since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafeSeen {
    singleton: Option<B256>,
    nonce: Option<U256>,
    threshold: Option<U256>,
    /// Ascending.
    owners: Option<Vec<Address>>,
    /// Transactions executed since the nonce was read.
    executed: u64,
    /// Whether logs told of owners, or of the threshold, since they were read.
    owners_told: bool,
    threshold_told: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let settings = risk::sources().iter().filter(|source| source.family == "Safe");
        let topics = settings.filter_map(|source| source.event.topic0);
        Wants {
            topics: topics.chain(*EXECUTED).collect(),
            every_block: true,
            remembers: true,
            ..Wants::default()
        }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let all = self.safes.iter();
        all.flat_map(|s| [&s.singleton, &s.nonce, &s.threshold, &s.owners]).cloned().collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for safe in &self.safes {
            let key = Key::new(Kind::SafeSeen).monitor(&self.site.key).address(safe.address);
            let before = memory.get::<SafeSeen>(&key).cloned().unwrap_or_default();
            let mut seen = before.clone();
            for touch in touches.iter().filter(|touch| touch.deployment == safe.index) {
                if let What::Log(ordinal) = touch.what {
                    self.log(block, (touch.tx, ordinal), &mut seen, report);
                }
            }
            if safe.singleton.is_due(block.bundle.header.number) {
                self.held_against_state(block, safe, &mut seen, report);
            }
            if seen != before {
                *memory.entry(key, SafeSeen::default) = seen;
            }
        }
    }
}

impl Configured {
    fn log(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        seen: &mut SafeSeen,
        report: &mut Report<'_>,
    ) {
        let log = block.log(tx, ordinal);
        if log.topic0().is_some_and(|topic| EXECUTED.contains(&topic)) {
            seen.executed += 1;
            return;
        }
        let event = match risk::read(log) {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(why) => return report.blind(BlindReason::Undecodable(why.to_string())),
        };
        let safe = block.name_of(log.address);
        let usual = self.site.severity;
        let (title, severity, fact) = match event.kind {
            RiskKind::RoleChange(change) => {
                let account = change.account.unwrap_or_default();
                let who = block.name_of(account);
                let fact = ("account", block.address_fact(account));
                let (title, severity) = match (change.what, change.granted) {
                    (RoleChangeKind::Module, true) => (
                        format!("module {who} acts for {safe} without signatures from now on"),
                        worse(usual, 1),
                    ),
                    (RoleChangeKind::Module, false) => {
                        (format!("module {who} acts for {safe} no longer"), usual)
                    }
                    (_, is_new) => {
                        seen.owners_told = true;
                        let verb = if is_new { "signs for" } else { "signs no longer for" };
                        (format!("{who} {verb} {safe}"), usual)
                    }
                };
                (title, severity, fact)
            }
            RiskKind::ParameterUpdate(update) => {
                let new = update.new.as_ref();
                let fact = new.map_or(FactValue::Text("not told".to_owned()), |value| {
                    registry::fact(value, block.network(), block.registry)
                });
                let shown = fact.to_string();
                let (title, severity) = match update.parameter {
                    Parameter::Threshold => {
                        seen.threshold_told = true;
                        let now = new.and_then(|value| value.as_uint()).map(|(value, _)| value);
                        let is_lower = now.zip(seen.threshold).is_some_and(|(now, was)| now < was);
                        let severity = if is_lower { worse(usual, 1) } else { usual };
                        (format!("{safe} needs {shown} signatures from now on"), severity)
                    }
                    Parameter::Guard => {
                        let is_gone = new.and_then(|v| v.as_address()).is_some_and(|a| a.is_zero());
                        match is_gone {
                            true => (
                                format!("no guard checks the transactions of {safe} any more"),
                                worse(usual, 1),
                            ),
                            false => (
                                format!("guard {shown} checks the transactions of {safe} now"),
                                usual,
                            ),
                        }
                    }
                    Parameter::FallbackHandler => {
                        (format!("{shown} answers unknown calls of {safe} now"), usual)
                    }
                    // Old Safes tell it; newer ones are found by the slot alone.
                    Parameter::Implementation => {
                        (format!("{safe} runs the code of {shown} now"), worse(usual, 1))
                    }
                    _ => return,
                };
                (title, severity, ("new value", fact))
            }
            RiskKind::Oracle(_) => return,
        };
        report.claim(
            Claim::about_log(block, tx, ordinal, title)
                .severity(severity)
                .fact(fact.0, fact.1)
                .fact("transaction sender", block.address_fact(block.tx(tx).from)),
        );
    }

    /// Holds what the contract says now against what it said before and what its logs told since.
    fn held_against_state(
        &self,
        block: &Block<'_>,
        safe: &Safe,
        seen: &mut SafeSeen,
        report: &mut Report<'_>,
    ) {
        let name = block.name_of(safe.address);
        let missing = |what: &str| BlindReason::ReadMissing(format!("{what} of {name}"));
        let claim = |what: &str, title: String| {
            Claim::about_block(block.bundle.block_ref(), block.at, title)
                .about(block, safe.address)
                .what(format!("{} {what}", safe.address))
                .severity(Severity::Critical)
        };
        match block.storage(safe.address, SAFE_SINGLETON) {
            None => report.blind(missing("slot 0")),
            Some(now) => {
                if let Some(was) = seen.singleton.replace(now).filter(|was| *was != now) {
                    let code = Address::from_word(now);
                    let title = format!("{name} runs the code of {} now", block.name_of(code));
                    report.claim(
                        claim("singleton", title)
                            .fact("slot 0", FactValue::Bytes(now.to_vec().into()))
                            .fact("code of", block.address_fact(code))
                            .fact("code before", block.address_fact(Address::from_word(was))),
                    );
                }
            }
        }
        match block.read_words(safe.address, &NONCE, 1) {
            Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            Ok(words) => {
                let (now, executed) = (words[0], std::mem::take(&mut seen.executed));
                let was = seen.nonce.replace(now);
                if let Some(was) =
                    was.filter(|was| was.checked_add(U256::from(executed)) != Some(now))
                {
                    let title = format!(
                        "the nonce of {name} went from {was} to {now}, and {executed} transactions were executed"
                    );
                    report.claim(
                        claim("nonce", title)
                            .fact("nonce", FactValue::Text(now.to_string()))
                            .fact("nonce before", FactValue::Text(was.to_string()))
                            .fact("executed", FactValue::Text(executed.to_string())),
                    );
                }
            }
        }
        match block.read_words(safe.address, &THRESHOLD, 1) {
            Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            Ok(words) => {
                let is_told = std::mem::take(&mut seen.threshold_told);
                let was =
                    seen.threshold.replace(words[0]).filter(|was| *was != words[0] && !is_told);
                if let Some(was) = was {
                    let title =
                        format!("{name} needs {} signatures now, and no event says so", words[0]);
                    report.claim(
                        claim("threshold", title)
                            .fact("threshold", FactValue::Text(words[0].to_string()))
                            .fact("threshold before", FactValue::Text(was.to_string())),
                    );
                }
            }
        }
        match owners(block, safe.address) {
            Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            Ok(now) => {
                let is_told = std::mem::take(&mut seen.owners_told);
                let was = seen.owners.replace(now.clone()).filter(|was| *was != now && !is_told);
                if let Some(was) = was {
                    let other = |one: &[Address], other: &[Address]| {
                        let only = one.iter().filter(|owner| !other.contains(owner));
                        FactValue::List(
                            only.take(registry::fact::LIST_LEN_MAX)
                                .map(|owner| block.address_fact(*owner))
                                .collect(),
                        )
                    };
                    let title = format!("{name} has other owners now, and no event says so");
                    report.claim(
                        claim("owners", title)
                            .fact("new", other(&now, &was))
                            .fact("gone", other(&was, &now)),
                    );
                }
            }
        }
    }
}

/// Owners as the Safe tells them, ascending.
fn owners(block: &Block<'_>, safe: Address) -> Result<Vec<Address>, String> {
    let head = block.read_words(safe, &OWNERS, 2)?;
    let count = usize::try_from(head[1]).ok().filter(|count| *count <= OWNERS_MAX);
    let count = count.ok_or_else(|| format!("{safe} has more than {OWNERS_MAX} owners"))?;
    let words = block.read_words(safe, &OWNERS, 2 + count)?;
    let mut owners: Vec<Address> =
        words.iter().skip(2).map(|word| Address::from_word(B256::from(*word))).collect();
    owners.sort_unstable();
    Ok(owners)
}
