//! Call traces in the shape of Geth's `callTracer`: nested frames, one tree per transaction.
//!
//! Real trees are up to 1026 frames deep, more than a thread's stack can be trusted with when every
//! level recurses through a deserializer. So one pass reads [`LEVELS_PER_PASS`] levels and leaves
//! what is below as borrowed JSON for a later pass. Nearly every real tree takes one pass.

use std::{borrow::Cow, fmt};

use alloy_primitives::U256;
use model::{FrameKind, TxTrace};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use sonic_rs::LazyValue;

use super::{
    CALL_DEPTH_MAX, FRAMES_MAX, Part,
    forest::{Deferred, Forest},
    hex::{Data, Fixed, Quantity},
    nesting::is_nested_at_most,
    record::Skipped,
    text::Text,
    trace::{WireTrace, blank, moved},
};
use crate::Refusal;

/// More than most real trees have, and in a build without optimisation (30 kB of stack per level)
/// still half a megabyte, a quarter of the smallest stack that threads get. sonic-rs would stop at
/// 127 levels. The deepest tree takes 65 passes, each skipping over what the next ones read.
const LEVELS_PER_PASS: u16 = 16;

/// Deepest nesting of arrays and objects: a frame takes two levels, around them is an array of
/// entries, and inside the innermost are logs with topics.
const LEVELS_MAX: usize = 2 * CALL_DEPTH_MAX + 8;

/// Reads a whole answer, in block order.
pub(crate) fn read(body: &[u8]) -> Result<Vec<WireTrace>, Refusal> {
    super::check_body(Part::Traces, body)?;
    if !is_nested_at_most(body, LEVELS_MAX) {
        let reason = format!("nested more than {LEVELS_MAX} levels deep");
        return Err(Refusal::Malformed { part: Part::Traces, reason });
    }
    let malformed = |error: sonic_rs::Error| super::malformed(Part::Traces, &error);
    let text = std::str::from_utf8(body)
        .map_err(|error| Refusal::Malformed { part: Part::Traces, reason: error.to_string() })?;
    let mut deserializer = sonic_rs::Deserializer::from_str(text);
    let mut frames_left = FRAMES_MAX;
    let entries = Entries { frames_left: &mut frames_left }
        .deserialize(&mut deserializer)
        .map_err(malformed)?;
    deserializer.end().map_err(malformed)?;

    let mut traces = Vec::with_capacity(entries.len());
    for Entry { transaction_hash, mut forest, error } in entries {
        while let Some(Deferred { calls, parent, depth }) = forest.deferred.pop() {
            let mut deserializer = sonic_rs::Deserializer::from_str(calls);
            let calls = Calls {
                forest: &mut forest,
                frames_left: &mut frames_left,
                parent,
                depth,
                level: 0,
            };
            calls.deserialize(&mut deserializer).map_err(malformed)?;
        }
        let outcome = match error {
            _ if !forest.frames.is_empty() => Ok(TxTrace { frames: forest.into_pre_order() }),
            Some(Text(error)) => Err(error),
            None => Err("neither result nor error".to_owned()),
        };
        traces.push(WireTrace { transaction_hash, outcome });
    }
    Ok(traces)
}

/// `{"txHash": …, "result": {…}}` or `{"error": …}`.
#[derive(Default)]
struct Entry<'de> {
    transaction_hash: Option<Fixed<32>>,
    forest: Forest<'de>,
    error: Option<Text>,
}

struct Entries<'t> {
    frames_left: &'t mut usize,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = Vec<Entry<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<Entry<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of traces")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) =
            items.next_element_seed(EntrySeed { frames_left: &mut *self.frames_left })?
        {
            entries.push(entry);
        }
        Ok(entries)
    }
}

struct EntrySeed<'t> {
    frames_left: &'t mut usize,
}

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = Entry<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed<'_> {
    type Value = Entry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trace with its result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Entry<'de>, A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            match &*key {
                "txHash" => entry.transaction_hash = entries.next_value()?,
                "error" => entry.error = entries.next_value()?,
                "result" if !entry.forest.frames.is_empty() => {
                    return Err(A::Error::duplicate_field("result"));
                }
                "result" => entries.next_value_seed(FrameSeed {
                    forest: &mut entry.forest,
                    frames_left: &mut *self.frames_left,
                    parent: None,
                    depth: 0,
                    level: 0,
                })?,
                _ => {
                    entries.next_value::<Skipped>()?;
                }
            }
        }
        Ok(entry)
    }
}

/// One frame with all below it.
struct FrameSeed<'t, 'de> {
    forest: &'t mut Forest<'de>,
    frames_left: &'t mut usize,
    parent: Option<u32>,
    depth: u16,
    /// Levels of this pass above the frame.
    level: u16,
}

impl<'de> DeserializeSeed<'de> for FrameSeed<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FrameSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a call frame")
    }

    /// `"result": null` next to an error.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.parent.is_some() { Err(E::custom("a call frame is null")) } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { forest, frames_left, parent, depth, level } = self;
        *frames_left = frames_left
            .checked_sub(1)
            .ok_or_else(|| A::Error::custom(format_args!("more than {FRAMES_MAX} call frames")))?;
        let index = forest.frames.len();
        forest.frames.push(blank(parent, depth));
        let mut frame = blank(parent, depth);
        let (mut kind, mut from, mut value) = (None, None, U256::ZERO);
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            match &*key {
                "type" => kind = Some(kind_named(&entries.next_value::<Text>()?.0)?),
                "from" => from = Some(entries.next_value::<Fixed<20>>()?.0.into()),
                "to" => frame.to = entries.next_value::<Option<Fixed<20>>>()?.map(|to| to.0.into()),
                "value" => value = or_default::<_, Quantity<U256>>(&mut entries)?.0,
                "gasUsed" => frame.gas_used = or_default::<_, Quantity<u64>>(&mut entries)?.0,
                "input" => frame.input = or_default::<_, Data>(&mut entries)?.0,
                "output" => frame.output = or_default::<_, Data>(&mut entries)?.0,
                "error" => frame.error = entries.next_value::<Option<Text>>()?.map(|text| text.0),
                "calls" => {
                    // At most FRAMES_MAX frames, which fits.
                    let parent = index as u32;
                    let depth = depth + 1;
                    if level + 1 < LEVELS_PER_PASS {
                        let level = level + 1;
                        let forest = &mut *forest;
                        let frames_left = &mut *frames_left;
                        entries.next_value_seed(Calls {
                            forest,
                            frames_left,
                            parent,
                            depth,
                            level,
                        })?;
                    } else {
                        let calls = match entries.next_value::<LazyValue<'de>>()?.as_raw_cow() {
                            Cow::Borrowed(calls) => calls,
                            Cow::Owned(_) => return Err(A::Error::custom("calls are not JSON")),
                        };
                        forest.deferred.push(Deferred { calls, parent, depth });
                        forest.is_out_of_order = true;
                    }
                }
                _ => {
                    entries.next_value::<Skipped>()?;
                }
            }
        }
        frame.kind = kind.ok_or_else(|| A::Error::missing_field("type"))?;
        frame.from = from.ok_or_else(|| A::Error::missing_field("from"))?;
        frame.value = moved(frame.kind, value);
        // Some nodes say "error": "" on success.
        frame.error = frame.error.filter(|error| !error.is_empty());
        // Some name the address that a failed creation would have had; there is nothing.
        if frame.error.is_some() && matches!(frame.kind, FrameKind::Create | FrameKind::Create2) {
            frame.to = None;
        }
        forest.frames[index] = frame;
        Ok(())
    }
}

/// The next value, or its default for `null`.
fn or_default<'de, A: MapAccess<'de>, T: serde::Deserialize<'de> + Default>(
    entries: &mut A,
) -> Result<T, A::Error> {
    Ok(entries.next_value::<Option<T>>()?.unwrap_or_default())
}

fn kind_named<E: Error>(name: &str) -> Result<FrameKind, E> {
    Ok(match name {
        "CALL" => FrameKind::Call,
        "CALLCODE" => FrameKind::CallCode,
        "DELEGATECALL" => FrameKind::DelegateCall,
        "STATICCALL" => FrameKind::StaticCall,
        "CREATE" => FrameKind::Create,
        "CREATE2" => FrameKind::Create2,
        "SELFDESTRUCT" => FrameKind::SelfDestruct,
        other => return Err(E::custom(format_args!("unknown call frame type {other:?}"))),
    })
}

/// The frames called by one frame.
struct Calls<'t, 'de> {
    forest: &'t mut Forest<'de>,
    frames_left: &'t mut usize,
    parent: u32,
    depth: u16,
    level: u16,
}

impl<'de> DeserializeSeed<'de> for Calls<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Calls<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of call frames")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { forest, frames_left, parent, depth, level } = self;
        if usize::from(depth) > CALL_DEPTH_MAX {
            return Err(A::Error::custom(format_args!("calls nest deeper than {CALL_DEPTH_MAX}")));
        }
        let parent = Some(parent);
        while items
            .next_element_seed(FrameSeed {
                forest: &mut *forest,
                frames_left: &mut *frames_left,
                parent,
                depth,
                level,
            })?
            .is_some()
        {}
        Ok(())
    }
}
