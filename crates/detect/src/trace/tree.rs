//! The call tree of one transaction, with what a list of frames leaves to be worked out: in whose
//! name each frame ran, whether its effects were kept and where its subtree ends.

use alloy_primitives::Address;
use model::{Frame, FrameKind, TxTrace};

/// What is known of one frame beside what the node said.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// One past the last frame below it.
    end: u32,
    /// Whose storage it worked on: a delegate call runs foreign code in the caller's name.
    runs_as: Address,
    /// The outermost of the unbroken run of frames around it, itself included, in the same name.
    opened_by: u32,
    /// Neither it nor a frame around it failed.
    is_kept: bool,
    /// It could change nothing: a `STATICCALL`, or inside one.
    is_view: bool,
}

/// A transaction's frames in pre-order, each with its place.
#[derive(Debug, Clone)]
pub struct CallTree<'a> {
    frames: &'a [Frame],
    places: Vec<Place>,
}

impl<'a> CallTree<'a> {
    /// Works the tree out. A frame whose parent does not lie before it (no node sends one) counts
    /// as outermost.
    pub fn new(trace: &'a TxTrace) -> Self {
        let frames = trace.frames.as_slice();
        let mut places: Vec<Place> = Vec::with_capacity(frames.len());
        for (at, frame) in frames.iter().enumerate() {
            let around = frame.parent.and_then(|parent| places.get(parent as usize)).copied();
            let borrows = matches!(frame.kind, FrameKind::DelegateCall | FrameKind::CallCode);
            let runs_as = match around {
                Some(around) if borrows => around.runs_as,
                // Without a parent, who borrows is the sender itself.
                None if borrows => frame.from,
                _ => frame.to.unwrap_or(frame.from),
            };
            let opened_by = match around {
                Some(around) if around.runs_as == runs_as => around.opened_by,
                _ => at as u32,
            };
            places.push(Place {
                end: at as u32 + 1,
                runs_as,
                opened_by,
                is_kept: frame.error.is_none() && around.is_none_or(|around| around.is_kept),
                is_view: frame.kind == FrameKind::StaticCall
                    || around.is_some_and(|around| around.is_view),
            });
        }
        // From the last to the first, so that every child has handed its end on before its parent.
        for at in (0..frames.len()).rev() {
            let end = places[at].end;
            let parent = frames[at].parent.map(|parent| parent as usize);
            if let Some(parent) = parent.filter(|parent| *parent < at) {
                places[parent].end = places[parent].end.max(end);
            }
        }
        Self { frames, places }
    }

    /// All frames, a parent always before its children.
    pub fn frames(&self) -> &'a [Frame] {
        self.frames
    }

    /// A frame by index.
    pub fn frame(&self, at: usize) -> &'a Frame {
        &self.frames[at]
    }

    /// Whose storage the frame worked on.
    pub fn runs_as(&self, at: usize) -> Address {
        self.places[at].runs_as
    }

    /// The frame by which its name began to run: itself, unless it and those around it are one
    /// contract with borrowed code or calling itself.
    pub fn opened_by(&self, at: usize) -> usize {
        self.places[at].opened_by as usize
    }

    /// Index of the frame directly around.
    pub fn parent(&self, at: usize) -> Option<usize> {
        self.frames[at].parent.map(|parent| parent as usize).filter(|parent| *parent < at)
    }

    /// Whether what the frame did remained.
    pub fn is_kept(&self, at: usize) -> bool {
        self.places[at].is_kept
    }

    /// Whether the frame could change nothing.
    pub fn is_view(&self, at: usize) -> bool {
        self.places[at].is_view
    }

    /// Indexes of the frame and all below it.
    pub fn subtree(&self, at: usize) -> std::ops::Range<usize> {
        at..self.places[at].end as usize
    }

    /// Indexes of the frames directly below.
    pub fn children(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.places[at].end as usize;
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.places[child].end as usize;
            Some(child)
        })
    }

    /// Indexes of the frames around it, innermost first.
    pub fn around(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.parent(at), move |at| self.parent(*at))
    }

    /// In whose name the frame was called: the `msg.sender` of a call.
    pub fn caller(&self, at: usize) -> Address {
        match self.parent(at) {
            Some(parent) => self.places[parent].runs_as,
            None => self.frames[at].from,
        }
    }

    /// Whether the frame is an ordinary call that may change something.
    pub fn is_call(&self, at: usize) -> bool {
        self.frames[at].kind == FrameKind::Call && !self.is_view(at)
    }

    /// Whether the frame made a contract, and it remained.
    pub fn is_creation(&self, at: usize) -> bool {
        let frame = &self.frames[at];
        matches!(frame.kind, FrameKind::Create | FrameKind::Create2)
            && self.is_kept(at)
            && frame.to.is_some()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alloy_primitives::{Bytes, U256};

    use super::*;

    /// A frame for tests; the parent's depth is looked up in what is there already.
    pub(crate) fn push(
        trace: &mut TxTrace,
        parent: Option<u32>,
        kind: FrameKind,
        (from, to): (u8, u8),
        input: Vec<u8>,
    ) -> u32 {
        let depth = parent.map_or(0, |parent| trace.frames[parent as usize].depth + 1);
        trace.frames.push(Frame {
            parent,
            depth,
            kind,
            from: Address::repeat_byte(from),
            to: Some(Address::repeat_byte(to)),
            value: U256::ZERO,
            gas_used: 0,
            input: Bytes::from(input),
            output: Bytes::new(),
            error: None,
        });
        trace.frames.len() as u32 - 1
    }

    #[test]
    fn borrowed_code_runs_as_its_borrower_and_failures_reach_down() {
        let mut trace = TxTrace::default();
        let root = push(&mut trace, None, FrameKind::Call, (1, 2), vec![]);
        let code = push(&mut trace, Some(root), FrameKind::DelegateCall, (2, 3), vec![]);
        let lent = push(&mut trace, Some(code), FrameKind::DelegateCall, (2, 4), vec![]);
        let view = push(&mut trace, Some(lent), FrameKind::StaticCall, (2, 5), vec![]);
        push(&mut trace, Some(view), FrameKind::StaticCall, (5, 6), vec![]);
        let last = push(&mut trace, Some(root), FrameKind::Call, (2, 7), vec![]);
        trace.frames[code as usize].error = Some("execution reverted".to_owned());
        let tree = CallTree::new(&trace);
        let runs_as: Vec<u8> = (0..6).map(|at| tree.runs_as(at)[0]).collect();
        assert_eq!(runs_as, [2, 2, 2, 5, 6, 7]);
        let kept: Vec<bool> = (0..6).map(|at| tree.is_kept(at)).collect();
        assert_eq!(kept, [true, false, false, false, false, true]);
        let views: Vec<bool> = (0..6).map(|at| tree.is_view(at)).collect();
        assert_eq!(views, [false, false, false, true, true, false]);
        assert_eq!(tree.children(0).collect::<Vec<_>>(), [code as usize, last as usize]);
        assert_eq!(tree.subtree(1), 1..5);
        assert_eq!(tree.around(4).collect::<Vec<_>>(), [3, 2, 1, 0]);
        assert_eq!(tree.caller(3)[0], 2);
        let opened_by: Vec<usize> = (0..6).map(|at| tree.opened_by(at)).collect();
        assert_eq!(opened_by, [0, 0, 0, 3, 4, 5]);
    }

    #[test]
    fn a_tree_agrees_with_the_trace_about_what_took_effect() {
        let mut trace = TxTrace::default();
        for parent in [None, Some(0), Some(1), Some(0), Some(3)] {
            push(&mut trace, parent, FrameKind::Call, (1, 2), vec![]);
        }
        trace.frames[1].error = Some("out of gas".to_owned());
        let tree = CallTree::new(&trace);
        for at in 0..trace.frames.len() {
            assert_eq!(tree.is_kept(at), trace.took_effect(at));
        }
    }
}
