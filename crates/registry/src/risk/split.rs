//! Arguments out of topics and data, for any choice of indexed ones.
//!
//! A log tells how many arguments are indexed (its topics less one) but not which. The split of the
//! standard is tried first, then the others in the order of the arguments, and the first is taken
//! whose words all fit their types (an address has twelve zero bytes in front, a bool is 0 or 1).

use alloy_dyn_abi::{DynSolType, DynSolValue};
use model::Log;

use crate::{
    EventAbi,
    decode::{body_values, is_clean, topic_value},
};

/// Arguments in the order of the event; `None` when no split fits.
pub(super) fn arguments(event: &EventAbi, log: &Log) -> Option<Vec<DynSolValue>> {
    let words = log.topics.get(1..)?;
    let declared: u32 =
        event.params.iter().enumerate().filter(|(_, p)| p.indexed).map(|(i, _)| 1 << i).sum();
    if declared.count_ones() as usize == words.len()
        && let Some(args) = read(event, log, declared)
    {
        return Some(args);
    }
    // At most seven parameters, so at most 128 masks, of which at most 35 have the right count.
    let masks = (0u32..1 << event.params.len()).filter(|mask| *mask != declared);
    let mut masks: Vec<u32> = masks.filter(|m| m.count_ones() as usize == words.len()).collect();
    masks.sort_by_key(|mask| std::cmp::Reverse(mask.reverse_bits()));
    masks.into_iter().find_map(|mask| read(event, log, mask))
}

fn read(event: &EventAbi, log: &Log, mask: u32) -> Option<Vec<DynSolValue>> {
    let is_indexed = |at: usize| mask >> at & 1 == 1;
    let body = event.params.iter().enumerate().filter(|(at, _)| !is_indexed(*at));
    let body: Vec<DynSolType> = body.map(|(_, param)| param.ty.clone()).collect();
    let are_clean = body.iter().zip(log.data.chunks_exact(32)).all(|(ty, word)| {
        // Words of types with a tail are offsets; the decoder checks those.
        ty.is_dynamic() || is_clean(ty, &word.try_into().unwrap_or_default())
    });
    if !are_clean {
        return None;
    }
    let mut body = body_values(&DynSolType::Tuple(body), &log.data).ok()?.into_iter();
    let mut words = log.topics.get(1..)?.iter();
    let mut args = Vec::with_capacity(event.params.len());
    for (at, param) in event.params.iter().enumerate() {
        args.push(if is_indexed(at) {
            let word = words.next()?;
            // Of a dynamic argument only the hash would be left, which says nothing.
            if param.ty.is_dynamic() || !is_clean(&param.ty, word) {
                return None;
            }
            topic_value(&param.ty, *word)
        } else {
            body.next()?
        });
    }
    Some(args)
}
