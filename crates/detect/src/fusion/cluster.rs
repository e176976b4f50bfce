//! Union-find: which of many belong together.

/// Sets of `0..n` that grow together.
#[derive(Debug, Clone)]
pub(super) struct Sets {
    parent: Vec<u32>,
    size: Vec<u32>,
}

impl Sets {
    /// Everybody alone.
    pub(super) fn new(n: usize) -> Self {
        Self { parent: (0..n as u32).collect(), size: vec![1; n] }
    }

    /// The one that speaks for the set of `of`.
    pub(super) fn find(&mut self, of: u32) -> u32 {
        let mut at = of;
        while self.parent[at as usize] != at {
            // Every other step is cut short: the paths stay almost flat.
            self.parent[at as usize] = self.parent[self.parent[at as usize] as usize];
            at = self.parent[at as usize];
        }
        at
    }

    /// Makes one set of two.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        let (small, large) =
            if self.size[a as usize] < self.size[b as usize] { (a, b) } else { (b, a) };
        self.parent[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
    }
}
