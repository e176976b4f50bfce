//! Call trees in the form of geth and in the form of Parity: one transaction, one fingerprint.

use bellwether::trace_file;
use detect::trace::{Path, Protected, Scene, View, observe};
use model::Address;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Addresses below this are protected.
const PROTECTED: u8 = 3;

fn address(byte: u8) -> String {
    format!("0x{}", format!("{byte:02x}").repeat(20))
}

/// A call in the making: how many levels up its parent is, what kind, to whom, which function, how
/// much, failed.
type Seed = (u8, u8, u8, u8, u16, bool);

#[derive(Debug)]
struct Call {
    kind: &'static str,
    from: u8,
    to: u8,
    selector: u8,
    value: u16,
    failed: bool,
    calls: Vec<Call>,
}

impl Call {
    /// In whose name what it calls is called.
    fn caller(&self) -> u8 {
        if self.kind == "DELEGATECALL" { self.from } else { self.to }
    }

    fn input(&self) -> String {
        if self.selector.is_multiple_of(3) {
            // A transfer to somebody.
            let to = &address(self.to % 8)[2..];
            return format!("0xa9059cbb{to:0>64}{:064x}", self.value);
        }
        format!("0x{}", format!("{:02x}", self.selector).repeat(4))
    }

    fn geth(&self) -> Value {
        let mut frame = json!({
            "type": self.kind,
            "from": address(self.from),
            "to": address(self.to),
            "gas": "0x5208",
            "gasUsed": "0x1",
            "input": self.input(),
            "calls": self.calls.iter().map(Self::geth).collect::<Vec<_>>(),
        });
        if self.kind == "CALL" || self.kind == "CREATE" {
            frame["value"] = json!(format!("0x{:x}", self.value));
        }
        if self.failed {
            frame["error"] = json!("execution reverted");
        } else if self.kind != "CREATE" {
            frame["output"] = json!("0x01");
        }
        frame
    }

    fn parity(&self, path: &[usize], into: &mut Vec<Value>) {
        let value = format!("0x{:x}", self.value);
        let (kind, action, result) = match self.kind {
            "CREATE" => (
                "create",
                json!({ "from": address(self.from), "value": value, "init": self.input() }),
                json!({ "gasUsed": "0x1", "address": address(self.to), "code": "0x" }),
            ),
            call => (
                "call",
                json!({
                    "callType": call.to_lowercase(),
                    "from": address(self.from),
                    "to": address(self.to),
                    "value": value,
                    "input": self.input(),
                }),
                json!({ "gasUsed": "0x1", "output": "0x01" }),
            ),
        };
        let mut entry = json!({
            "type": kind,
            "action": action,
            "traceAddress": path,
            "subtraces": self.calls.len(),
            "transactionHash": format!("0x{}", "ab".repeat(32)),
        });
        if self.failed {
            entry["error"] = json!("Reverted");
        } else {
            entry["result"] = result;
        }
        into.push(entry);
        for (at, call) in self.calls.iter().enumerate() {
            call.parity(&[path, &[at]].concat(), into);
        }
    }
}

fn tree(seeds: &[Seed]) -> Call {
    let mut way: Vec<Call> = Vec::new();
    let close = |way: &mut Vec<Call>| {
        let done = way.pop().unwrap();
        way.last_mut().unwrap().calls.push(done);
    };
    for (up, kind, to, selector, value, failed) in seeds {
        for _ in 0..*up {
            if way.len() > 1 {
                close(&mut way);
            }
        }
        let from = way.last().map_or(0xf0, Call::caller);
        let kind = match kind % 8 {
            _ if way.is_empty() => "CALL",
            0 => "DELEGATECALL",
            1 | 2 => "STATICCALL",
            // What is created is never one of the protected.
            3 => "CREATE",
            _ => "CALL",
        };
        let to = if kind == "CREATE" { 0x80 + to % 8 } else { to % 8 };
        let failed = *failed && !way.is_empty();
        let (selector, value) = (*selector, *value);
        way.push(Call { kind, from, to, selector, value, failed, calls: Vec::new() });
    }
    while way.len() > 1 {
        close(&mut way);
    }
    way.pop().unwrap()
}

proptest! {
    #[test]
    fn both_forms_of_one_transaction_have_one_path_and_the_same_shapes(
        seeds in prop::collection::vec(
            (0_u8..4, any::<u8>(), any::<u8>(), any::<u8>(), any::<u16>(), prop::bool::weighted(0.1)),
            1..60,
        ),
    ) {
        let tree = tree(&seeds);
        let mut flat = Vec::new();
        tree.parity(&[], &mut flat);
        let read = |text: String| trace_file::read(&text).unwrap().pop().unwrap().trace;
        let (nested, flat) = (read(tree.geth().to_string()), read(json!(flat).to_string()));
        prop_assert_eq!(nested.frames.len(), flat.frames.len());
        let protected: Protected = (0..PROTECTED).map(Address::repeat_byte).collect();
        let judged = |trace: &model::TxTrace| {
            let scene = Scene::new(trace, None);
            let view = View::new(&scene, &protected)?;
            Some((Path::of(&view), observe(&view)))
        };
        prop_assert_eq!(judged(&nested), judged(&flat));
    }
}
