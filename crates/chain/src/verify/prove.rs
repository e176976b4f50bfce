//! What to recompute before a block is believed.

use model::BlockNumber;

/// What to recompute before a block is believed. Consistency (counts, positions, hashes that the
/// parts state about each other, gas sums, traces against receipts) is always checked; this
/// is about the cryptographic part, which costs CPU time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prove {
    /// Recompute the hash of the header.
    pub header: bool,
    /// Recompute the hash of each transaction and the root over all.
    pub transactions: bool,
    /// Recover each sender from its signature, some 0.04 ms of CPU per transaction, shared by
    /// the cores. Implies `transactions`,
    /// because a signature proves nothing about a transaction that was not hashed.
    pub senders: bool,
    /// Recompute the union of the blooms of all logs.
    pub bloom: bool,
    /// Recompute the root of the receipts, which proves status, gas and every byte of every log.
    pub receipts: bool,
    /// First block whose receipts say whether a transaction took effect (EIP-658). Before it,
    /// receipts commit to intermediate state roots, which most nodes no longer serve.
    pub byzantium: BlockNumber,
    /// Refuse a block that has a part of unknown shape: a header field or transaction type of a
    /// future fork or of another kind of chain. Otherwise such a part is believed as stated and
    /// recorded as not provable, which also lets an endpoint that lies talk its way out of proof.
    pub refuse_unknown: bool,
}

impl Prove {
    /// Everything that can be proven, on a chain with EIP-658 receipts from its first block.
    pub const fn everything() -> Self {
        Self {
            header: true,
            transactions: true,
            senders: true,
            bloom: true,
            receipts: true,
            byzantium: 0,
            refuse_unknown: false,
        }
    }

    /// No recomputation: consistency only.
    pub const fn nothing() -> Self {
        Self {
            header: false,
            transactions: false,
            senders: false,
            bloom: false,
            receipts: false,
            byzantium: 0,
            refuse_unknown: false,
        }
    }

    /// The same, with what is known about a chain by its EIP-155 id: since when receipts carry a
    /// status, and whether it is Ethereum itself or one of its public test networks, where every
    /// shape is known until the next fork and anything else is refused.
    #[must_use]
    pub const fn on_chain(mut self, chain_id: u64) -> Self {
        self.byzantium = match chain_id {
            1 => 4_370_000,
            61 => 8_772_000,
            _ => 0,
        };
        self.refuse_unknown = matches!(chain_id, 1 | 17_000 | 560_048 | 11_155_111);
        self
    }
}

impl Default for Prove {
    /// [`Prove::everything`].
    fn default() -> Self {
        Self::everything()
    }
}
