//! Bodies that were bent at random, or made to break a reader: never a panic, never another block.

use std::sync::LazyLock;

use bellwether_chain::{Part, Prove, RawBlock, RawTraces, Refusal, recorded::RecordedBlock};
use model::{BlockBundle, U256};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    source::{assembled, recording},
    synthetic::{Era, Texts, block},
};

/// Everything but senders: they are also compared with the receipts, and cost most of the time.
const PROVE: Prove = Prove { senders: false, refuse_unknown: true, ..Prove::everything() };

static TRUTH: LazyLock<(Texts, BlockBundle)> = LazyLock::new(|| {
    let texts = block(Era::Status).texts();
    let bundle = proven_part(assembled(texts.raw(), &PROVE).unwrap());
    (texts, bundle)
});

/// The bundle without what nothing on the chain commits to: prices paid, and what is inside a
/// trace.
fn proven_part(mut bundle: BlockBundle) -> BlockBundle {
    for transaction in &mut bundle.transactions {
        transaction.effective_gas_price = U256::ZERO;
        // Given by sender and nonce, but a node may leave it out.
        transaction.created = None;
    }
    bundle.traces = None;
    bundle
}

/// One edit at a place, given as a fraction of the body.
#[derive(Debug, Clone)]
enum Edit {
    Replace(u8),
    Insert(u8),
    Delete(usize),
    Truncate,
    Repeat(usize),
}

fn edit() -> impl Strategy<Value = (f64, Edit)> {
    let likely: Vec<u8> = br#"[]{}",:0123456789abcdefxtrufalsn\ -."#.to_vec();
    let byte = prop_oneof![9 => prop::sample::select(likely), 1 => any::<u8>()];
    let edit = prop_oneof![
        6 => byte.clone().prop_map(Edit::Replace),
        2 => byte.prop_map(Edit::Insert),
        2 => (1..200_usize).prop_map(Edit::Delete),
        1 => Just(Edit::Truncate),
        1 => (1..400_usize).prop_map(Edit::Repeat),
    ];
    (0.0..1.0_f64, edit)
}

fn bend(body: &[u8], edits: &[(f64, Edit)]) -> Vec<u8> {
    let mut body = body.to_vec();
    for (place, edit) in edits {
        let at = (body.len() as f64 * place) as usize;
        let end = |count: usize| (at + count).min(body.len());
        match *edit {
            _ if at >= body.len() => {}
            Edit::Replace(byte) => body[at] = byte,
            Edit::Insert(byte) => body.insert(at, byte),
            Edit::Delete(count) => drop(body.drain(at..end(count))),
            Edit::Truncate => body.truncate(at),
            Edit::Repeat(count) => {
                let again = body[at..end(count)].to_vec();
                body.splice(at..at, again);
            }
        }
    }
    body
}

/// Believed only if it is still the same block.
fn check(result: Result<BlockBundle, Refusal>, truth: &BlockBundle) -> Result<(), TestCaseError> {
    match result {
        Ok(bundle) => prop_assert_eq!(&proven_part(bundle), truth),
        Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_bent_block_is_refused_or_still_the_same(edits in prop::collection::vec(edit(), 1..4)) {
        let (texts, truth) = &*TRUTH;
        let bent = bend(&texts.block, &edits);
        check(assembled(RawBlock { block: &bent, ..texts.raw() }, &PROVE), truth)?;
    }

    #[test]
    fn bent_receipts_are_refused_or_still_the_same(edits in prop::collection::vec(edit(), 1..4)) {
        let (texts, truth) = &*TRUTH;
        let bent = bend(&texts.receipts, &edits);
        check(assembled(RawBlock { receipts: &bent, ..texts.raw() }, &PROVE), truth)?;
    }

    #[test]
    fn bent_traces_never_change_the_block(edits in prop::collection::vec(edit(), 1..4)) {
        let (texts, truth) = &*TRUTH;
        let (geth, parity) = (bend(&texts.traces, &edits), bend(&texts.parity, &edits));
        for traces in [RawTraces::CallTracer(&geth), RawTraces::Parity(&parity)] {
            let raw = RawBlock { traces: Some(traces), ..texts.raw() };
            let result = assembled(raw, &PROVE);
            if let Err(refusal) = &result {
                prop_assert_eq!(refusal.part(), Part::Traces);
            }
            check(result, truth)?;
        }
    }

    #[test]
    fn a_real_block_bent_at_random_is_refused_or_still_the_same(
        edits in prop::collection::vec(edit(), 1..4),
    ) {
        static REAL: LazyLock<Option<(RecordedBlock, BlockBundle)>> = LazyLock::new(|| {
            // A small block of the corpus.
            let recording = recording("blocks/19426587")?;
            let (_, block) = recording.blocks().next()?;
            let block = block.unwrap();
            let raw = RawBlock { traces: None, ..block.raw().unwrap() };
            let truth = proven_part(assembled(raw, &PROVE).unwrap());
            Some((block, truth))
        });
        if let Some((block, truth)) = &*REAL {
            let raw = RawBlock { traces: None, ..block.raw().unwrap() };
            let bent = bend(raw.receipts, &edits);
            let raw = RawBlock { receipts: &bent, ..raw };
            check(assembled(raw, &PROVE), truth)?;
        }
    }
}

fn malformed(raw: RawBlock<'_>) -> String {
    match assembled(raw, &Prove::nothing()) {
        Err(Refusal::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// The document with the value at each place in turn, and an unknown field in each object, standing
/// for `DEEP`.
fn with_deep_values(document: &Value) -> Vec<String> {
    fn walk(at: &Value, replaced: &dyn Fn(Value) -> Value, found: &mut Vec<String>) {
        found.push(replaced(json!("DEEP")).to_string());
        match at {
            Value::Array(items) => {
                // The first of a kind stands for all.
                for (index, item) in items.iter().enumerate().take(2) {
                    let inner = |value| {
                        let mut items = items.clone();
                        items[index] = value;
                        replaced(Value::Array(items))
                    };
                    walk(item, &inner, found);
                }
            }
            Value::Object(fields) => {
                let mut more = fields.clone();
                more.insert("unknown".to_owned(), json!("DEEP"));
                found.push(replaced(Value::Object(more)).to_string());
                for (key, item) in fields {
                    let inner = |value| {
                        let mut fields = fields.clone();
                        fields[key] = value;
                        replaced(Value::Object(fields))
                    };
                    walk(item, &inner, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(document, &|value| value, &mut found);
    found
}

#[test]
fn deep_nesting_anywhere_does_not_overflow_the_stack() {
    let mut bodies = block(Era::Status);
    // One transaction of type 4 has lists of everything; the other bodies need not match it.
    bodies.block["transactions"].as_array_mut().unwrap().drain(..6);
    let texts = bodies.texts();
    let raw = texts.raw();
    let units = ["[", r#"{"a":"#, r#"{"type":"CALL","calls":["#];
    let deep = units.map(|unit| unit.repeat(50_000));
    let check = |document: &Value, ask: &dyn Fn(&[u8]) -> Result<BlockBundle, Refusal>| {
        let places = with_deep_values(document);
        assert!(places.len() > 20, "only {} places", places.len());
        for place in places {
            for deep in &deep {
                let body = place.replacen(r#""DEEP""#, deep, 1);
                let refusal = ask(body.as_bytes()).unwrap_err();
                assert!(matches!(refusal, Refusal::Malformed { .. }), "{refusal}");
            }
        }
    };
    let truth = &TRUTH.0;
    let prove = Prove::nothing();
    check(&bodies.block, &|body| assembled(RawBlock { block: body, ..raw }, &prove));
    check(&bodies.receipts, &|body| assembled(RawBlock { receipts: body, ..truth.raw() }, &prove));
    for dialect in [true, false] {
        let document = if dialect { &bodies.traces } else { &bodies.parity };
        check(document, &|body| {
            let traces =
                if dialect { RawTraces::CallTracer(body) } else { RawTraces::Parity(body) };
            assembled(RawBlock { traces: Some(traces), ..truth.raw() }, &prove)
        });
    }
}

/// Traces of the synthetic block, the first transaction's calls nested to a depth, with the frame
/// at each depth followed by a sibling.
fn nested(depth: usize) -> Vec<u8> {
    let texts = block(Era::Status).traces;
    let leaf =
        r#"{"type":"CALL","from":"0x00000000000000000000000000000000000000FF","gasUsed":"0x1"}"#;
    let mut calls = String::new();
    for at in (1..=depth).rev() {
        let below = if calls.is_empty() { String::new() } else { format!(r#","calls":[{calls}]"#) };
        let from = format!("0x{at:040x}");
        calls = format!(r#"{{"from":"{from}"{below},"type":"STATICCALL"}},{leaf}"#);
    }
    let mut traces = texts;
    traces[0]["result"]["calls"] = serde_json::json!("CALLS");
    traces.to_string().replace(r#""CALLS""#, &format!("[{calls}]")).into_bytes()
}

#[test]
fn the_deepest_trace_the_evm_can_make_is_read_in_order_and_no_deeper_one() {
    let (texts, _) = &*TRUTH;
    for depth in [1, 14, 15, 16, 17, 18, 31, 32, 33, 34, 400, 1025] {
        let body = nested(depth);
        let raw = RawBlock { traces: Some(RawTraces::CallTracer(&body)), ..texts.raw() };
        let bundle = assembled(raw, &Prove::nothing()).unwrap();
        let frames = &bundle.traces.unwrap()[0].frames;
        assert_eq!(frames.len(), 1 + 2 * depth);
        // Down along the first calls, then back up along their siblings.
        for (at, frame) in frames.iter().enumerate().skip(1) {
            let down = at <= depth;
            let expected_depth = if down { at } else { 2 * depth + 1 - at };
            assert_eq!(usize::from(frame.depth), expected_depth, "frame {at} of {depth}");
            assert_eq!(frame.parent, Some(expected_depth as u32 - 1), "frame {at} of {depth}");
            let number = U256::from_be_slice(frame.from.as_slice());
            assert_eq!(number, if down { U256::from(at) } else { U256::from(0xff) });
        }
    }
    let body = nested(1026);
    let raw = RawBlock { traces: Some(RawTraces::CallTracer(&body)), ..texts.raw() };
    assert!(malformed(raw).contains("nest"), "one call too deep");
}

#[test]
fn a_body_larger_than_any_block_is_refused_unread() {
    let (texts, _) = &*TRUTH;
    let body = vec![b' '; Part::Receipts.bytes_max() + 1];
    let refusal =
        assembled(RawBlock { receipts: &body, ..texts.raw() }, &Prove::nothing()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the answer for receipts has 67108865 bytes, the limit is 67108864"
    );
}

#[test]
fn a_body_that_is_cut_off_is_refused_at_every_length() {
    let (texts, _) = &*TRUTH;
    let step = 97;
    for end in (0..texts.receipts.len()).step_by(step) {
        malformed(RawBlock { receipts: &texts.receipts[..end], ..texts.raw() });
    }
    for end in (0..texts.block.len()).step_by(step) {
        malformed(RawBlock { block: &texts.block[..end], ..texts.raw() });
    }
    for end in (0..texts.traces.len()).step_by(step) {
        let traces = Some(RawTraces::CallTracer(&texts.traces[..end]));
        malformed(RawBlock { traces, ..texts.raw() });
    }
}
