//! A transaction's frames while they are read in passes.

use model::Frame;

/// The frames of one transaction as far as they are read.
#[derive(Default)]
pub(super) struct Forest<'de> {
    pub(super) frames: Vec<Frame>,
    /// Subtrees for a later pass.
    pub(super) deferred: Vec<Deferred<'de>>,
    /// Whether a later pass appended frames, so that they are no longer in pre-order.
    pub(super) is_out_of_order: bool,
}

/// The `calls` of a frame, not read yet.
pub(super) struct Deferred<'de> {
    pub(super) calls: &'de str,
    pub(super) parent: u32,
    pub(super) depth: u16,
}

impl Forest<'_> {
    /// The frames with every parent before its children and siblings in order.
    pub(super) fn into_pre_order(self) -> Vec<Frame> {
        if !self.is_out_of_order {
            return self.frames;
        }
        let mut children = vec![Vec::new(); self.frames.len()];
        for (at, frame) in self.frames.iter().enumerate() {
            if let Some(parent) = frame.parent {
                children[parent as usize].push(at);
            }
        }
        let mut frames: Vec<Option<Frame>> = self.frames.into_iter().map(Some).collect();
        let mut ordered: Vec<Frame> = Vec::with_capacity(frames.len());
        let mut next: Vec<(usize, Option<u32>)> = vec![(0, None)];
        while let Some((at, parent)) = next.pop() {
            let Some(frame) = frames[at].take() else { continue };
            let new_index = ordered.len() as u32;
            next.extend(children[at].iter().rev().map(|child| (*child, Some(new_index))));
            ordered.push(Frame { parent, ..frame });
        }
        ordered
    }
}
