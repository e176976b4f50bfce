//! The variables that surround a subject, `tx.*`, `block.*`, `log.*` and `call.*`: their names and
//! types.

use super::types::Type;

/// What kind of thing a monitor looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A decoded log.
    Event,
    /// A decoded call frame.
    Call,
    /// A transaction.
    Transaction,
}

impl Subject {
    /// The word used in messages, with its article.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "an event",
            Self::Call => "a call",
            Self::Transaction => "a transaction",
        }
    }
}

/// The words of `tx.status`.
pub const STATUS_WORDS: &[&str] = &["success", "failed"];

/// The words of `call.kind`.
pub const CALL_KIND_WORDS: &[&str] =
    &["call", "callcode", "delegatecall", "staticcall", "create", "create2", "selfdestruct"];

/// A variable of the surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Builtin {
    /// Height.
    BlockNumber,
    /// Seconds since 1970.
    BlockTimestamp,
    /// Hash of the header.
    BlockHash,
    /// Wei per gas; none before London.
    BlockBaseFee,
    /// Gas of all transactions.
    BlockGasUsed,
    /// Upper bound of it.
    BlockGasLimit,
    /// Fee recipient.
    BlockBeneficiary,
    /// Hash of the signed transaction.
    TxHash,
    /// Position in the block.
    TxIndex,
    /// EIP-2718 type.
    TxType,
    /// Sender.
    TxFrom,
    /// Called address; none for a creation.
    TxTo,
    /// The sender's transactions before.
    TxNonce,
    /// Wei sent along.
    TxValue,
    /// Calldata or initcode.
    TxInput,
    /// First four bytes of calldata; none for a creation or a shorter input.
    TxSelector,
    /// The most gas allowed.
    TxGasLimit,
    /// Gas used.
    TxGasUsed,
    /// Wei paid per gas.
    TxGasPrice,
    /// What became of it; unknown before Byzantium.
    TxStatus,
    /// The contract it created; none otherwise.
    TxCreated,
    /// How many logs it emitted.
    TxLogCount,
    /// Emitting contract.
    LogAddress,
    /// Position in the block.
    LogIndex,
    /// The event's signature hash; none for an anonymous event.
    LogTopic0,
    /// The arguments that are not indexed, encoded.
    LogData,
    /// Caller.
    CallFrom,
    /// Called address.
    CallTo,
    /// Wei moved.
    CallValue,
    /// 0 for the transaction itself.
    CallDepth,
    /// How it was entered.
    CallKind,
    /// Whether its effects were kept.
    CallSuccess,
    /// Gas used, with what it called.
    CallGasUsed,
    /// Calldata.
    CallInput,
    /// First four bytes of calldata; none when there are fewer.
    CallSelector,
}

impl Builtin {
    /// All of them, in the order of their slots.
    pub const ALL: [Self; 35] = [
        Self::BlockNumber,
        Self::BlockTimestamp,
        Self::BlockHash,
        Self::BlockBaseFee,
        Self::BlockGasUsed,
        Self::BlockGasLimit,
        Self::BlockBeneficiary,
        Self::TxHash,
        Self::TxIndex,
        Self::TxType,
        Self::TxFrom,
        Self::TxTo,
        Self::TxNonce,
        Self::TxValue,
        Self::TxInput,
        Self::TxSelector,
        Self::TxGasLimit,
        Self::TxGasUsed,
        Self::TxGasPrice,
        Self::TxStatus,
        Self::TxCreated,
        Self::TxLogCount,
        Self::LogAddress,
        Self::LogIndex,
        Self::LogTopic0,
        Self::LogData,
        Self::CallFrom,
        Self::CallTo,
        Self::CallValue,
        Self::CallDepth,
        Self::CallKind,
        Self::CallSuccess,
        Self::CallGasUsed,
        Self::CallInput,
        Self::CallSelector,
    ];

    /// Those that a subject has.
    pub fn of(subject: Subject) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |builtin| {
            match builtin.name().split_once('.').map_or("", |(namespace, _)| namespace) {
                "log" => subject == Subject::Event,
                "call" => subject == Subject::Call,
                _ => true,
            }
        })
    }

    /// Namespace and field, as written in an expression.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlockNumber => "block.number",
            Self::BlockTimestamp => "block.timestamp",
            Self::BlockHash => "block.hash",
            Self::BlockBaseFee => "block.base_fee",
            Self::BlockGasUsed => "block.gas_used",
            Self::BlockGasLimit => "block.gas_limit",
            Self::BlockBeneficiary => "block.beneficiary",
            Self::TxHash => "tx.hash",
            Self::TxIndex => "tx.index",
            Self::TxType => "tx.type",
            Self::TxFrom => "tx.from",
            Self::TxTo => "tx.to",
            Self::TxNonce => "tx.nonce",
            Self::TxValue => "tx.value",
            Self::TxInput => "tx.input",
            Self::TxSelector => "tx.selector",
            Self::TxGasLimit => "tx.gas_limit",
            Self::TxGasUsed => "tx.gas_used",
            Self::TxGasPrice => "tx.gas_price",
            Self::TxStatus => "tx.status",
            Self::TxCreated => "tx.created",
            Self::TxLogCount => "tx.log_count",
            Self::LogAddress => "log.address",
            Self::LogIndex => "log.index",
            Self::LogTopic0 => "log.topic0",
            Self::LogData => "log.data",
            Self::CallFrom => "call.from",
            Self::CallTo => "call.to",
            Self::CallValue => "call.value",
            Self::CallDepth => "call.depth",
            Self::CallKind => "call.kind",
            Self::CallSuccess => "call.success",
            Self::CallGasUsed => "call.gas_used",
            Self::CallInput => "call.input",
            Self::CallSelector => "call.selector",
        }
    }

    /// The type of its values.
    pub fn value_type(self) -> Type {
        let optional = |ty| Type::Optional(Box::new(ty));
        match self {
            Self::BlockNumber
            | Self::BlockTimestamp
            | Self::BlockGasUsed
            | Self::BlockGasLimit
            | Self::TxNonce
            | Self::TxGasLimit
            | Self::TxGasUsed
            | Self::CallGasUsed => Type::Uint(64),
            Self::TxIndex | Self::TxLogCount | Self::LogIndex => Type::Uint(32),
            Self::CallDepth => Type::Uint(16),
            Self::TxType => Type::Uint(8),
            Self::TxValue | Self::TxGasPrice | Self::CallValue => Type::Uint(256),
            Self::BlockBaseFee => optional(Type::Uint(256)),
            Self::BlockHash | Self::TxHash => Type::FixedBytes(32),
            Self::LogTopic0 => optional(Type::FixedBytes(32)),
            Self::BlockBeneficiary
            | Self::TxFrom
            | Self::LogAddress
            | Self::CallFrom
            | Self::CallTo => Type::Address,
            Self::TxTo | Self::TxCreated => optional(Type::Address),
            Self::TxInput | Self::LogData | Self::CallInput => Type::Bytes,
            Self::TxSelector | Self::CallSelector => optional(Type::FixedBytes(4)),
            Self::TxStatus => Type::Choice(STATUS_WORDS),
            Self::CallKind => Type::Choice(CALL_KIND_WORDS),
            Self::CallSuccess => Type::Bool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_slots() {
        for (i, builtin) in Builtin::ALL.into_iter().enumerate() {
            assert_eq!(builtin as usize, i, "{}", builtin.name());
        }
    }

    #[test]
    fn logs_and_calls_are_visible_only_to_their_subjects() {
        let has = |subject, name: &str| Builtin::of(subject).any(|b| b.name() == name);
        assert!(has(Subject::Event, "log.address") && !has(Subject::Event, "call.to"));
        assert!(has(Subject::Call, "call.to") && !has(Subject::Call, "log.address"));
        assert!(has(Subject::Transaction, "tx.to") && !has(Subject::Transaction, "log.data"));
    }
}
