//! Paid out here what was not locked there. The page is `arrived_unbacked.md`.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, U256, keccak256};
use model::{BlindReason, FactValue, Level, Measure, Name, Severity};
use registry::{DecodedLog, Registry};

use super::messages::{Backing, MessageArrived, MessageSent, OPEN_MAX, OpenMessages};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, milder, params::unknown,
    },
    engine::{Finality, Head},
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "bridge/arrived_unbacked",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "from_network",
            kind: ParamKind::Text { default: "" },
            doc: "network that messages are sent from",
        },
        ParamSpec {
            name: "to_network",
            kind: ParamKind::Text { default: "" },
            doc: "network that they arrive at",
        },
        ParamSpec {
            name: "sent",
            kind: ParamKind::Text { default: "Locked" },
            doc: "event of the contract there by which something is locked or burnt",
        },
        ParamSpec {
            name: "arrived",
            kind: ParamKind::Text { default: "Minted" },
            doc: "event of the contract here by which it is minted or released",
        },
        ParamSpec {
            name: "id",
            kind: ParamKind::Text { default: "id" },
            doc: "argument of both events that names the message",
        },
        ParamSpec {
            name: "amount",
            kind: ParamKind::Text { default: "amount" },
            doc: "argument of both events that says how much",
        },
        ParamSpec {
            name: "fee_share_max",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 0.5 },
            doc: "share that may be kept on the way",
        },
        ParamSpec {
            name: "late_s",
            kind: ParamKind::Integer { default: 3_600, min: 60, max: 2_592_000 },
            doc: "a message that has not arrived by then is told",
        },
        ParamSpec {
            name: "behind_s",
            kind: ParamKind::Integer { default: 900, min: 1, max: 86_400 },
            doc: "how far the judging of the other network may be behind before this is blindness",
        },
    ],
    page: include_str!("arrived_unbacked.md"),
};

/// How far the clocks of two networks may be apart: the protocols let block times run some seconds
/// ahead (fifteen of Ethereum before the merge).
const CLOCKS_APART_S: u64 = 30;

/// How long a message that is explained is kept, so that it cannot arrive twice: a day, after which
/// what was sent is forgotten as well and a second arrival is one that nobody sent.
const KEPT_S: u64 = 86_400;

/// Open messages that are looked up elsewhere after one block.
const LOOKS_MAX: usize = 256;

/// See the page.
#[derive(Debug)]
pub struct ArrivedUnbacked;

impl Detector for ArrivedUnbacked {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, registry: &Registry, _: &Name) -> Vec<String> {
        let mut known: Vec<&str> =
            registry.deployments().iter().map(|d| d.network.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        let wrong = |param: &&str| !known.contains(&settings.text(param));
        let mistake = |param: &str| {
            format!("parameter {param:?}: {}", unknown("network", settings.text(param), &known))
        };
        ["from_network", "to_network"].into_iter().filter(wrong).map(mistake).collect()
    }

    fn mistakes_at(&self, settings: &Settings, site: &Site) -> Vec<String> {
        let network = site.network.as_str();
        let mut mistakes = Vec::new();
        for (side, event) in [("from_network", "sent"), ("to_network", "arrived")] {
            if settings.text(side) != network {
                continue;
            }
            let name = settings.text(event);
            let events = || site.deployments().flat_map(|(_, d)| d.abi.events());
            let Some(found) = events().find(|known| known.name == name) else {
                let known: Vec<&str> = events().map(|event| event.name.as_str()).collect();
                mistakes.push(format!(
                    "parameter {event:?} on {network}: {}",
                    unknown("event", name, &known)
                ));
                continue;
            };
            for argument in ["id", "amount"] {
                let known: Vec<&str> = found.params.iter().map(|p| p.name.as_str()).collect();
                if !known.contains(&settings.text(argument)) {
                    let what = unknown("argument", settings.text(argument), &known);
                    mistakes.push(format!("parameter {argument:?}: {name}: {what}"));
                }
            }
        }
        mistakes
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let network = |param: &str| Name::new(settings.text(param)).ok();
        let other = |is_from: bool| network(if is_from { "to_network" } else { "from_network" });
        let is = |param: &str| network(param).as_ref() == Some(&site.network);
        Box::new(Configured {
            // What arrives on the network it was sent from is no crossing.
            from: other(true).filter(|to| is("from_network") && *to != site.network),
            to: other(false).filter(|from| is("to_network") && *from != site.network),
            sent: settings.text("sent").to_owned(),
            arrived: settings.text("arrived").to_owned(),
            id: settings.text("id").to_owned(),
            amount: settings.text("amount").to_owned(),
            fee_share_max: settings.number("fee_share_max"),
            late_s: settings.integer("late_s"),
            behind_s: settings.integer("behind_s"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    /// Here messages are sent; they go to this network.
    from: Option<Name>,
    /// Here messages arrive; they come from this network.
    to: Option<Name>,
    sent: String,
    arrived: String,
    id: String,
    amount: String,
    fee_share_max: f64,
    late_s: u64,
    behind_s: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let events = self.site.deployments().flat_map(|(_, d)| d.abi.events());
        let named = events.filter(|e| e.name == self.sent || e.name == self.arrived);
        let mut topics: Vec<B256> = named.filter_map(|event| event.topic0).collect();
        topics.sort_unstable();
        topics.dedup();
        let every_block = self.from.is_some() || self.to.is_some();
        Wants { topics, every_block, remembers: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            let at = (touch.tx, ordinal);
            let decoded = match block.decoded(touch.tx, ordinal) {
                Ok(decoded) => decoded,
                Err(why) => {
                    report.blind(BlindReason::Undecodable(why.to_string()));
                    continue;
                }
            };
            let (Some(id), Some(amount)) = (self.id(decoded), self.amount(decoded)) else {
                let reason =
                    format!("{} has no {} or no {}", decoded.event.name, self.id, self.amount);
                report.blind(BlindReason::Undecodable(reason));
                continue;
            };
            if self.from.is_some() && decoded.event.name == self.sent {
                self.sends(block, id, amount, memory, report);
            } else if self.to.is_some() && decoded.event.name == self.arrived {
                self.arrives(block, at, (id, amount), memory, report);
            }
        }
        if let Some(to) = &self.from {
            self.follow_sent(block, to, memory, report);
        }
        if let Some(from) = &self.to {
            self.follow_arrived(block, from, memory, report);
        }
    }
}

impl Configured {
    fn id(&self, decoded: &DecodedLog) -> Option<B256> {
        Some(match decoded.arg(&self.id)? {
            DynSolValue::FixedBytes(word, 32) => *word,
            DynSolValue::Uint(number, _) => B256::from(*number),
            DynSolValue::Bytes(bytes) => keccak256(bytes),
            _ => return None,
        })
    }

    fn amount(&self, decoded: &DecodedLog) -> Option<U256> {
        decoded.arg(&self.amount)?.as_uint().map(|(amount, _)| amount)
    }

    fn key(&self, kind: Kind, id: B256) -> Key {
        Key::new(kind).monitor(&self.site.key).with(id.as_slice())
    }

    fn open(&self, is_sent: bool) -> Key {
        Key::new(Kind::OpenMessages).monitor(&self.site.key).with(&[u8::from(is_sent)])
    }

    /// Notes that a message has to be looked after; says so when there are too many.
    fn look_after(
        &self,
        block: &Block<'_>,
        (is_sent, id): (bool, B256),
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let open = memory.entry(self.open(is_sent), OpenMessages::default);
        open.0.push_back((block.at, id, false));
        if open.0.len() > OPEN_MAX {
            let dropped = open.0.pop_front();
            let reason = format!("more than {OPEN_MAX} messages are open");
            report.blind(BlindReason::Evaluation(reason));
            if let (Some((_, id, _)), false) = (dropped, is_sent) {
                memory.remove(&self.key(Kind::MessageArrived, id));
            }
        }
    }

    fn sends(
        &self,
        block: &Block<'_>,
        id: B256,
        amount: U256,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = self.key(Kind::MessageSent, id);
        if memory.get::<MessageSent>(&key).is_some() {
            // Sent twice under one name: the first stands, as it does for whoever carries it.
            return;
        }
        let number = block.bundle.header.number;
        memory.entry(key, || MessageSent { amount, block: number, at: block.at });
        self.look_after(block, (true, id), memory, report);
    }

    fn arrives(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        (id, amount): (B256, U256),
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = self.key(Kind::MessageArrived, id);
        if let Some(before) = memory.get::<MessageArrived>(&key) {
            let title = format!("a message arrived twice: {id} was paid out before");
            report.claim(
                Claim::about_log(block, tx, ordinal, title)
                    .severity(self.site.severity)
                    .fact("amount", FactValue::Uint(amount))
                    .fact("first arrived in", FactValue::Transaction(before.tx)),
            );
            return;
        }
        let tx = block.tx(tx).hash;
        memory.entry(key, || MessageArrived {
            amount,
            at: block.at,
            tx,
            backing: Backing::Waiting,
        });
        self.look_after(block, (false, id), memory, report);
    }

    /// Messages that were sent from here: have they arrived?
    fn follow_sent(
        &self,
        block: &Block<'_>,
        to: &Name,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let finality = memory.get::<Finality>(&Key::new(Kind::Finality)).map(|f| f.block.number);
        let Some(open) = memory.get::<OpenMessages>(&self.open(true)) else { return };
        // They stand in the order of their time, so only the front can be late.
        let due = open.0.iter().take(LOOKS_MAX);
        let due = due.take_while(|(at, ..)| block.at.seconds_since(*at) >= self.late_s);
        let due: Vec<_> = due.copied().collect();
        for (at, id, is_told) in due {
            let key = self.key(Kind::MessageSent, id);
            let Some(sent) = memory.get::<MessageSent>(&key).cloned() else { continue };
            let arrived = block.remembered_elsewhere(to, &self.key(Kind::MessageArrived, id));
            match arrived {
                Err(why) => return report.blind(BlindReason::Evaluation(why)),
                Ok(Some(MessageArrived { backing, .. })) => {
                    let is_done = matches!(backing, Backing::Final | Backing::Told)
                        && finality.is_some_and(|number| sent.block <= number);
                    if is_done {
                        memory.remove(&key);
                        let open = memory.entry(self.open(true), OpenMessages::default);
                        open.0.retain(|(_, other, _)| *other != id);
                    }
                }
                Ok(None) if is_told => {}
                Ok(None) => {
                    let waited_s = block.at.seconds_since(at);
                    let waited = FactValue::Seconds(waited_s);
                    let title = format!("a message to {to} has not arrived for {waited}");
                    report.claim(
                        Claim::about_episode(block, format!("message {id}"), at, title)
                            .severity(milder(self.site.severity, 2))
                            .measure(Measure {
                                name: "time on the way".to_owned(),
                                unit: "s".to_owned(),
                                value: waited_s as f64,
                                threshold: self.late_s as f64,
                                history: None,
                            })
                            .fact("message", FactValue::Bytes(id.to_vec().into()))
                            .fact("amount", FactValue::Uint(sent.amount)),
                    );
                    let open = memory.entry(self.open(true), OpenMessages::default);
                    // Told ones go to the back: the front is for those that are still to be told.
                    open.0.retain(|(_, other, _)| *other != id);
                    open.0.push_back((block.at, id, true));
                }
            }
        }
    }

    /// Messages that arrived here: were they sent, and does that stand?
    fn follow_arrived(
        &self,
        block: &Block<'_>,
        from: &Name,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let Some(open) = memory.get::<OpenMessages>(&self.open(false)) else { return };
        let open: Vec<_> = open.0.iter().take(LOOKS_MAX).copied().collect();
        if open.is_empty() {
            return;
        }
        let head = match block.remembered_elsewhere::<Head>(from, &Key::new(Kind::Head)) {
            Ok(head) => head,
            Err(why) => return report.blind(BlindReason::Evaluation(why)),
        };
        let finality = block.remembered_elsewhere::<Finality>(from, &Key::new(Kind::Finality));
        let finality = finality.ok().flatten().map(|finality| finality.block.number);
        let judged_to = head.map(|head| head.at);
        let mut done: Vec<B256> = Vec::new();
        let mut later: Vec<_> = Vec::new();
        for entry in open {
            let (at, id, _) = entry;
            let key = self.key(Kind::MessageArrived, id);
            let Some(arrived) = memory.get::<MessageArrived>(&key).cloned() else {
                done.push(id);
                continue;
            };
            let sent: Option<MessageSent> =
                match block.remembered_elsewhere(from, &self.key(Kind::MessageSent, id)) {
                    Ok(sent) => sent,
                    Err(why) => return report.blind(BlindReason::Evaluation(why)),
                };
            let backing = match (arrived.backing, sent) {
                (Backing::Final | Backing::Told, _) => {
                    if block.at.seconds_since(at) >= KEPT_S {
                        memory.remove(&key);
                        done.push(id);
                    } else {
                        later.push(entry);
                    }
                    continue;
                }
                (Backing::Waiting | Backing::Seen, Some(sent)) => {
                    if self.is_too_much(sent.amount, arrived.amount) {
                        let title = format!(
                            "more arrived than was sent from {from}: {} of {}",
                            arrived.amount, sent.amount
                        );
                        self.unbacked(block, id, &arrived, title, report);
                        Backing::Told
                    } else if finality.is_some_and(|number| sent.block <= number) {
                        Backing::Final
                    } else {
                        Backing::Seen
                    }
                }
                (Backing::Seen, None) => {
                    let title = format!(
                        "what was sent from {from} left its chain after it was paid out here"
                    );
                    self.unbacked(block, id, &arrived, title, report);
                    Backing::Told
                }
                (Backing::Waiting, None) => {
                    let until = arrived.at.0 + CLOCKS_APART_S;
                    if judged_to.is_some_and(|judged| judged.0 >= until) {
                        let title = format!(
                            "{} were paid out here that nobody sent from {from}",
                            arrived.amount
                        );
                        self.unbacked(block, id, &arrived, title, report);
                        Backing::Told
                    } else {
                        if block.at.seconds_since(arrived.at) > self.behind_s {
                            let reason = format!(
                                "{from} is not judged as far as messages from there have arrived"
                            );
                            report.blind(BlindReason::Evaluation(reason));
                        }
                        Backing::Waiting
                    }
                }
            };
            if backing != arrived.backing {
                memory.entry(key, || arrived.clone()).backing = backing;
            }
        }
        if !done.is_empty() || !later.is_empty() {
            let open = memory.entry(self.open(false), OpenMessages::default);
            open.0.retain(|(_, id, _)| !done.contains(id));
            // Those that are explained make room for those that are not.
            let is_later = |id: &B256| later.iter().any(|(_, other, _)| other == id);
            let waiting = open.0.iter().filter(|(_, id, _)| !is_later(id)).copied();
            let turned: Vec<_> = waiting.chain(later.iter().copied()).collect();
            if !turned.iter().eq(open.0.iter()) {
                open.0 = turned.into();
            }
        }
    }

    fn is_too_much(&self, sent: U256, arrived: U256) -> bool {
        let fee = f64::from(sent) * self.fee_share_max;
        arrived > sent || f64::from(sent.saturating_sub(arrived)) > fee
    }

    fn unbacked(
        &self,
        block: &Block<'_>,
        id: B256,
        arrived: &MessageArrived,
        title: String,
        report: &mut Report<'_>,
    ) {
        let guarded = self.site.deployments().map(|(_, d)| d.address).next();
        let claim = Claim::about_episode(block, format!("arrival {id}"), arrived.at, title)
            .severity(self.site.severity)
            .fact("message", FactValue::Bytes(id.to_vec().into()))
            .fact("amount", FactValue::Uint(arrived.amount))
            .fact("arrived in", FactValue::Transaction(arrived.tx));
        report.claim(match guarded {
            Some(address) => claim.about(block, address),
            None => claim,
        });
    }
}
