//! What the node answered to the questions of a block, found quickly: there may be a question for
//! every contract, and whoever asks about one of them asks about its neighbours next.

use std::cell::{Cell, OnceCell};

use alloy_primitives::{Address, B256};
use model::{Bytes, ReadRequest, StateRead};
use rustc_hash::FxHashMap;

/// Who was asked, and with which calldata; without any for the native balance. In the order of
/// [`ReadRequest`], which is that of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Asked<'a> {
    Call(Address, &'a [u8]),
    Balance(Address),
    Storage(Address, B256),
    CodeHash(Address),
    Writes(Address),
}

impl<'a> Asked<'a> {
    pub(super) fn of(request: &'a ReadRequest) -> Self {
        match request {
            ReadRequest::Call { to, input } => Self::Call(*to, input.as_ref()),
            ReadRequest::Balance(of) => Self::Balance(*of),
            ReadRequest::Storage { of, slot } => Self::Storage(*of, *slot),
            ReadRequest::CodeHash(of) => Self::CodeHash(*of),
            ReadRequest::Writes(of) => Self::Writes(*of),
        }
    }

    fn kind(&self) -> usize {
        match self {
            Self::Call(..) => 0,
            Self::Balance(_) => 1,
            Self::Storage(..) => 2,
            Self::CodeHash(_) => 3,
            Self::Writes(_) => 4,
        }
    }
}

/// The answers of one block.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    reads: &'a [StateRead],
    /// Where each is, when they are in no order; found out by the first who asks.
    places: OnceCell<Option<FxHashMap<Asked<'a>, usize>>>,
    /// By kind of question, the place behind the last answer.
    next: [Cell<usize>; 5],
}

impl<'a> Answers<'a> {
    pub(super) fn new(reads: &'a [StateRead]) -> Self {
        Self { reads, places: OnceCell::new(), next: Default::default() }
    }

    /// The answer to a question, if it was asked. Of two to one question the first counts.
    pub(super) fn get(&self, asked: Asked<'_>) -> Option<&'a Result<Bytes, String>> {
        let of = |read: &'a StateRead| Asked::of(&read.request);
        let places = self.places.get_or_init(|| {
            // As they were planned, they are in order, and nothing has to be built.
            let is_sorted = self.reads.windows(2).all(|two| of(&two[0]) < of(&two[1]));
            let all = self.reads.iter().enumerate().rev();
            (!is_sorted).then(|| all.map(|(at, read)| (of(read), at)).collect())
        });
        let at = match places {
            Some(places) => *places.get(&asked)?,
            None => {
                let next = &self.next[asked.kind()];
                let is_next = self.reads.get(next.get()).is_some_and(|read| of(read) == asked);
                let at = match is_next {
                    true => next.get(),
                    false => self.reads.binary_search_by(|read| of(read).cmp(&asked)).ok()?,
                };
                next.set(at + 1);
                at
            }
        };
        Some(&self.reads[at].result)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request((kind, of, rest): (u8, u8, u8)) -> ReadRequest {
        let of = Address::repeat_byte(of);
        match kind {
            0 => ReadRequest::Call { to: of, input: vec![rest; usize::from(rest)].into() },
            1 => ReadRequest::Balance(of),
            2 => ReadRequest::Storage { of, slot: B256::repeat_byte(rest) },
            3 => ReadRequest::CodeHash(of),
            _ => ReadRequest::Writes(of),
        }
    }

    proptest! {
        #[test]
        fn whatever_the_order_the_first_answer_is_found(
            mut asked in proptest::collection::vec((0u8..5, 0u8..4, 0u8..4), 0..40),
            questions in proptest::collection::vec((0u8..5, 0u8..5, 0u8..5), 0..60),
            is_planned: bool,
        ) {
            let mut requests: Vec<ReadRequest> = asked.drain(..).map(request).collect();
            if is_planned {
                requests.sort_unstable();
                requests.dedup();
            }
            let read = |(at, request): (usize, &ReadRequest)| StateRead {
                request: request.clone(),
                result: Ok(vec![at as u8].into()),
            };
            let reads: Vec<StateRead> = requests.iter().enumerate().map(read).collect();
            let answers = Answers::new(&reads);
            for question in questions.into_iter().map(request).chain(requests.iter().cloned()) {
                let first = reads.iter().find(|read| read.request == question);
                prop_assert_eq!(answers.get(Asked::of(&question)), first.map(|read| &read.result));
            }
        }
    }
}
