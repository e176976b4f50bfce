//! Chain events as the log keeps them.
//!
//! ```text
//! ┌──────┬────────────────────────────────────────────────────────────┐
//! │ 0x02 │ postcard of the model's event                              │
//! │ 0x01 │ the same from before a block said who gave its call frames │
//! └──────┴────────────────────────────────────────────────────────────┘
//! ```
//!
//! A log is read from its beginning after an upgrade, so both are read for as long as either is kept.

use std::sync::Arc;

use model::{
    B256, BlindReason, BlockBundle, BlockRef, ChainEvent, Header, Name, Proof, StateRead,
    TraceSource, Transaction, TxTrace,
};
use serde::Deserialize;

use crate::{StoreError, codec};

/// The format that is written.
const FORMAT: u8 = 2;

/// Those that are read.
pub(crate) const FORMATS: [u8; 2] = [codec::FORMAT, FORMAT];

/// Encodes an event.
pub(super) fn encode(table: &'static str, event: &ChainEvent) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(event, vec![FORMAT]).map_err(|source| StoreError::Encode { table, source })
}

/// Decodes an event; `key` names the row in errors.
pub(super) fn decode(
    bytes: &[u8],
    table: &'static str,
    key: impl ToString,
) -> Result<ChainEvent, StoreError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => codec::value(body, table, key),
        Some((&found, _)) if found > FORMAT => {
            Err(codec::unknown_format(table, key, found, FORMAT))
        }
        _ => codec::decode::<Earlier>(bytes, table, key).map(Earlier::event),
    }
}

/// [`ChainEvent`] in format 1.
#[derive(Deserialize)]
enum Earlier {
    Committed(EarlierBundle),
    Reverted { network: Name, undone: Vec<BlockRef>, ancestor: BlockRef },
    Finalized { network: Name, block: BlockRef },
    Quarantined { network: Name, block: BlockRef, parent_hash: B256, reason: BlindReason },
    Recovered(EarlierBundle),
}

/// [`BlockBundle`] in format 1.
#[derive(Deserialize)]
struct EarlierBundle {
    network: Name,
    endpoint: Name,
    header: Header,
    transactions: Vec<Transaction>,
    traces: Option<Vec<TxTrace>>,
    reads: Vec<StateRead>,
    proof: Proof,
}

impl Earlier {
    fn event(self) -> ChainEvent {
        match self {
            Self::Committed(bundle) => ChainEvent::Committed(Arc::new(bundle.bundle())),
            Self::Reverted { network, undone, ancestor } => {
                ChainEvent::Reverted { network, undone, ancestor }
            }
            Self::Finalized { network, block } => ChainEvent::Finalized { network, block },
            Self::Quarantined { network, block, parent_hash, reason } => {
                ChainEvent::Quarantined { network, block, parent_hash, reason }
            }
            Self::Recovered(bundle) => ChainEvent::Recovered(Arc::new(bundle.bundle())),
        }
    }
}

impl EarlierBundle {
    fn bundle(self) -> BlockBundle {
        BlockBundle {
            network: self.network,
            endpoint: self.endpoint,
            header: self.header,
            transactions: self.transactions,
            traces: self.traces,
            reads: self.reads,
            proof: self.proof,
            traced_by: TraceSource::Node,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::{
        Address, Bloom, Bytes, ExecutionCost, Frame, FrameKind, Level, Log, Proven, ReadRequest,
        TxStatus, U256, UnixSeconds,
    };

    use super::*;
    use crate::codec::{printed, tests::digest};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// A bundle in which no field is empty.
    fn bundle() -> BlockBundle {
        let header = Header {
            number: 24_000_000,
            hash: B256::repeat_byte(1),
            parent_hash: B256::repeat_byte(2),
            timestamp: UnixSeconds(1_700_000_000),
            beneficiary: Address::repeat_byte(3),
            base_fee_per_gas: Some(U256::from(1_000_000_007_u64)),
            gas_used: 21_000,
            gas_limit: 30_000_000,
            logs_bloom: Bloom::repeat_byte(4),
            receipts_root: B256::repeat_byte(5),
            transactions_root: B256::repeat_byte(6),
            state_root: B256::repeat_byte(7),
        };
        let log = Log {
            index: 9,
            address: Address::repeat_byte(8),
            topics: vec![B256::repeat_byte(9), B256::repeat_byte(10)],
            data: Bytes::from_static(b"data"),
        };
        let transaction = Transaction {
            hash: B256::repeat_byte(11),
            index: 0,
            kind: 2,
            from: Address::repeat_byte(12),
            to: Some(Address::repeat_byte(13)),
            nonce: 300,
            value: U256::MAX,
            input: Bytes::from_static(b"input"),
            gas_limit: 50_000,
            gas_used: 40_000,
            effective_gas_price: U256::from(2),
            status: TxStatus::Failed,
            created: Some(Address::repeat_byte(14)),
            logs: vec![log],
        };
        let frame = Frame {
            parent: Some(0),
            depth: 1,
            kind: FrameKind::DelegateCall,
            from: Address::repeat_byte(15),
            to: Some(Address::repeat_byte(16)),
            value: U256::from(3),
            gas_used: 4,
            input: Bytes::from_static(b"in"),
            output: Bytes::from_static(b"out"),
            error: Some("out of gas".into()),
        };
        let read = |request, result| StateRead { request, result };
        let call = || ReadRequest::Call {
            to: Address::repeat_byte(17),
            input: Bytes::from_static(b"call"),
        };
        let balance = ReadRequest::Balance(Address::repeat_byte(18));
        BlockBundle {
            network: name("mainnet"),
            endpoint: name("node-a"),
            header,
            transactions: vec![transaction],
            traces: Some(vec![TxTrace { frames: vec![frame] }]),
            reads: vec![
                read(call(), Ok(Bytes::from_static(b"answer"))),
                read(call(), Err("reverted".into())),
                read(balance, Ok(Bytes::from_static(&[7; 32]))),
            ],
            proof: Proof {
                header: Proven::Yes,
                transactions: Proven::NotAsked,
                senders: Proven::NotProvable("because".into()),
                bloom: Proven::Yes,
                receipts: Proven::Yes,
            },
            traced_by: TraceSource::Node,
        }
    }

    fn events() -> Vec<ChainEvent> {
        let block = BlockRef { number: 24_000_000, hash: B256::repeat_byte(1) };
        let network = name("mainnet");
        let level = BlindReason::LevelTooLow { needs: Level::StateDiffs, has: Level::Logs };
        vec![
            ChainEvent::Committed(Arc::new(bundle())),
            ChainEvent::Reverted { network: network.clone(), undone: vec![block], ancestor: block },
            ChainEvent::Finalized { network: network.clone(), block },
            ChainEvent::Quarantined {
                network,
                block,
                parent_hash: B256::repeat_byte(2),
                reason: level,
            },
            ChainEvent::Recovered(Arc::new(bundle())),
        ]
    }

    #[test]
    fn every_kind_of_event_survives() {
        let mut executed = bundle();
        let cost = ExecutionCost { reads: 300, kept: 7, rounds: 9 };
        executed.traced_by = TraceSource::OwnExecution(cost);
        let mut blind = bundle();
        blind.traced_by = TraceSource::Nobody("no state".into());
        let more = [executed, blind].map(|bundle| ChainEvent::Committed(Arc::new(bundle)));
        for event in events().into_iter().chain(more) {
            let bytes = encode("t", &event).unwrap();
            assert_eq!(decode(&bytes, "t", 0).unwrap(), event);
        }
    }

    /// If this fails, a stored type has changed: databases written so far cannot be read by it.
    /// Give the new shape a new format number and keep a decoder for the old one.
    #[test]
    fn format_2_is_held_to_the_byte() {
        let shown: Vec<String> =
            events().iter().map(|event| digest(&encode("t", event).unwrap())).collect();
        expect![[r#"
            1034 bytes ce99f8c9690edb08
            85 bytes ad3ba2cb567aff5c
            47 bytes 5799f99ee32b9721
            83 bytes 80d3ee2ebf739eb6
            1034 bytes 583f3f37ec39bf2c"#]]
        .assert_eq(&shown.join("\n"));
        let block = ChainEvent::Finalized {
            network: name("dev"),
            block: BlockRef { number: 300, hash: B256::repeat_byte(0xcd) },
        };
        expect![
            "020203646576ac0220cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
        ]
        .assert_eq(&printed(&encode("t", &block).unwrap()));
    }

    #[test]
    fn what_was_written_in_format_1_is_read_as_it_was_meant() {
        let bytes_of = |event: &ChainEvent| {
            let mut bytes = encode("t", event).unwrap();
            bytes[0] = 1;
            if matches!(event, ChainEvent::Committed(_) | ChainEvent::Recovered(_)) {
                assert_eq!(bytes.pop(), Some(0), "who gave the frames comes last");
            }
            bytes
        };
        let written: Vec<Vec<u8>> = events().iter().map(bytes_of).collect();
        let shown: Vec<String> = written.iter().map(|bytes| digest(bytes)).collect();
        // As releases before format 2 wrote them.
        expect![[r#"
            1033 bytes df64d21afce39ae9
            85 bytes 2a894ca3ce33addd
            47 bytes 5decb25c1bc937bc
            83 bytes 72cd2cb545fb635b
            1033 bytes cad1192b9c104d35"#]]
        .assert_eq(&shown.join("\n"));
        for (bytes, event) in written.iter().zip(events()) {
            assert_eq!(decode(bytes, "t", 0).unwrap(), event);
        }
    }

    #[test]
    fn a_format_of_the_future_is_named_and_what_was_cut_is_corrupt() {
        let bytes = encode("t", &events()[0]).unwrap();
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end], "events", "net 5").unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{end}: {error}");
        }
        let error = decode(&[9, 0], "events", "net 5").unwrap_err();
        assert!(
            matches!(error, StoreError::UnknownFormat { found: 9, known: FORMAT, .. }),
            "{error}"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_event_or_an_error(bytes: Vec<u8>, format in 0_u8..4) {
            let mut stored = vec![format];
            stored.extend(bytes);
            drop(decode(&stored, "t", 0));
        }
    }
}
