//! What a monitor looks at: one decoded event, call or transaction, and what surrounds it. The
//! values of the variables `tx.*`, `block.*`, `log.*` and `call.*`.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256};
use model::{Frame, FrameKind, Header, Log, Transaction, TxStatus};

use super::{
    builtin::Builtin,
    scope::Slot,
    value::{Value, Values},
};

/// A call as expressions see it, whether it came from a trace or is the transaction itself.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Caller.
    pub from: Address,
    /// Called address.
    pub to: Address,
    /// Wei moved.
    pub value: U256,
    /// 0 for the transaction itself.
    pub depth: u16,
    /// How it was entered.
    pub kind: FrameKind,
    /// Whether its effects were kept; `None` when nobody can say.
    pub success: Option<bool>,
    /// Gas used, with what it called.
    pub gas_used: u64,
    /// Calldata.
    pub input: &'a [u8],
}

impl<'a> Call<'a> {
    /// A frame of a trace; `took_effect` is [`model::TxTrace::took_effect`]. `None` for a frame
    /// that has no called address.
    pub fn of_frame(frame: &'a Frame, took_effect: bool) -> Option<Self> {
        Some(Self {
            from: frame.from,
            to: frame.to?,
            value: frame.value,
            depth: frame.depth,
            kind: frame.kind,
            success: Some(took_effect),
            gas_used: frame.gas_used,
            input: &frame.input,
        })
    }

    /// The outermost call of a transaction, for networks without traces; `None` for a creation.
    pub fn of_transaction(tx: &'a Transaction) -> Option<Self> {
        Some(Self {
            from: tx.from,
            to: tx.to?,
            value: tx.value,
            depth: 0,
            kind: FrameKind::Call,
            success: status(tx).map(|word| word == 0),
            gas_used: tx.gas_used,
            input: &tx.input,
        })
    }
}

/// One decoded event, call or transaction with its surroundings: the values of one evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// Decoded arguments, in the order of the parameters; empty for a transaction.
    pub args: &'a [DynSolValue],
    /// The block.
    pub block: &'a Header,
    /// The transaction.
    pub tx: &'a Transaction,
    /// The log, when the subject is an event.
    pub log: Option<&'a Log>,
    /// The call, when the subject is a call.
    pub call: Option<Call<'a>>,
}

impl Values for Occurrence<'_> {
    fn value(&self, slot: Slot) -> Option<Value<'_>> {
        if let Some(position) = slot.as_parameter() {
            return self.args.get(position).map(Value::from);
        }
        let uint = |value: u64| Value::Uint(U256::from(value));
        let optional = |address: Option<Address>| address.map_or(Value::None, Value::Address);
        let (block, tx) = (self.block, self.tx);
        Some(match slot.as_builtin()? {
            Builtin::BlockNumber => uint(block.number),
            Builtin::BlockTimestamp => uint(block.timestamp.0),
            Builtin::BlockHash => Value::Bytes(block.hash.as_slice()),
            Builtin::BlockBaseFee => block.base_fee_per_gas.map_or(Value::None, Value::Uint),
            Builtin::BlockGasUsed => uint(block.gas_used),
            Builtin::BlockGasLimit => uint(block.gas_limit),
            Builtin::BlockBeneficiary => Value::Address(block.beneficiary),
            Builtin::TxHash => Value::Bytes(tx.hash.as_slice()),
            Builtin::TxIndex => uint(tx.index.into()),
            Builtin::TxType => uint(tx.kind.into()),
            Builtin::TxFrom => Value::Address(tx.from),
            Builtin::TxTo => optional(tx.to),
            Builtin::TxNonce => uint(tx.nonce),
            Builtin::TxValue => Value::Uint(tx.value),
            Builtin::TxInput => Value::Bytes(&tx.input),
            Builtin::TxSelector if tx.to.is_some() => selector(&tx.input),
            Builtin::TxSelector => Value::None,
            Builtin::TxGasLimit => uint(tx.gas_limit),
            Builtin::TxGasUsed => uint(tx.gas_used),
            Builtin::TxGasPrice => Value::Uint(tx.effective_gas_price),
            Builtin::TxStatus => Value::Choice(status(tx)?),
            Builtin::TxCreated => optional(tx.created),
            Builtin::TxLogCount => Value::Uint(U256::from(tx.logs.len())),
            Builtin::LogAddress => Value::Address(self.log?.address),
            Builtin::LogIndex => uint(self.log?.index.into()),
            Builtin::LogTopic0 => {
                self.log?.topics.first().map_or(Value::None, |topic| Value::Bytes(topic.as_slice()))
            }
            Builtin::LogData => Value::Bytes(&self.log?.data),
            Builtin::CallFrom => Value::Address(self.call?.from),
            Builtin::CallTo => Value::Address(self.call?.to),
            Builtin::CallValue => Value::Uint(self.call?.value),
            Builtin::CallDepth => uint(self.call?.depth.into()),
            Builtin::CallKind => Value::Choice(kind(self.call?.kind)),
            Builtin::CallSuccess => Value::Bool(self.call?.success?),
            Builtin::CallGasUsed => uint(self.call?.gas_used),
            Builtin::CallInput => Value::Bytes(self.call?.input),
            Builtin::CallSelector => selector(self.call?.input),
        })
    }
}

fn selector(input: &[u8]) -> Value<'_> {
    input.get(..4).map_or(Value::None, Value::Bytes)
}

/// Index into [`STATUS_WORDS`](super::STATUS_WORDS); `None` when the receipt does not say.
fn status(tx: &Transaction) -> Option<u8> {
    match tx.status {
        TxStatus::Success => Some(0),
        TxStatus::Failed => Some(1),
        TxStatus::Unknown => None,
    }
}

/// Index into [`CALL_KIND_WORDS`](super::CALL_KIND_WORDS).
fn kind(kind: FrameKind) -> u8 {
    match kind {
        FrameKind::Call => 0,
        FrameKind::CallCode => 1,
        FrameKind::DelegateCall => 2,
        FrameKind::StaticCall => 3,
        FrameKind::Create => 4,
        FrameKind::Create2 => 5,
        FrameKind::SelfDestruct => 6,
    }
}
