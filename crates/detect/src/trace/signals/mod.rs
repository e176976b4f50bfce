//! Shapes in one transaction that attacks have more often than everyday use.
//!
//! Each is a fact about the calls and what they moved, never about who somebody is: no address, no
//! name and no incident is listed here. One alone proves little; [`super::weigh`] adds them up.

mod authority; // functions that give or use power
mod control; //   calls that come back, foreign code
mod entry; //     who came in, how often
pub(crate) mod loan; // borrowed and paid back
mod money; //     who gained, who lost

use super::scene::View;

/// A shape that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Which.
    pub signal: Signal,
    /// How often, or how many.
    pub count: usize,
    /// The frame that shows it first.
    pub frame: usize,
    /// What was seen, as the predicate of a sentence about the protected contract, or a sentence.
    pub what: String,
}

impl Found {
    pub(crate) fn new(signal: Signal, count: usize, frame: usize, what: String) -> Self {
        Self { signal, count, frame, what }
    }
}

macro_rules! signals {
    ($( $(#[doc = $doc:literal])+ $name:ident $word:literal ),+ $(,)?) => {
        /// A shape. The word is stable: reports and the table of weights use it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Signal { $( $(#[doc = $doc])+ $name ),+ }

        impl Signal {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),+ ];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word ),+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim_ascii() ),+ }
            }
        }
    };
}

signals! {
    /// A protected contract was called inside a flash loan.
    CalledOnBorrowedMoney "called_on_borrowed_money",
    /// The sender's side took a flash loan, but not around a call to a protected contract.
    FlashLoan "flash_loan",
    /// A protected contract was entered again through the sender's side while a call to it was open.
    Reentered "reentered",
    /// The function that was entered again is the one that was open.
    ReenteredSame "reentered_same_function",
    /// A protected contract was entered again, but not through the sender's side.
    ReenteredByOther "reentered_by_other",
    /// A third contract read a protected one in the middle of a call that changes it.
    ReadWhileOpen "read_while_open",
    /// A protected contract ran code of the sender's side in its own name.
    RanSendersCode "ran_senders_code",
    /// A protected contract ran code in its own name that its caller named.
    RanNamedCode "ran_named_code",
    /// A protected contract treated a contract of the sender's side as a token or pool.
    TrustsSendersToken "trusts_senders_token",
    /// A protected contract called the sender's side.
    CallsSender "calls_sender",
    /// A protected contract made a call to a token that its caller dictated word for word.
    SpokeForCaller "spoke_for_caller",
    /// A function was called that gives or uses power over a protected contract.
    PowerUsed "power_used",
    /// A contract created in this transaction called a protected one.
    CalledByNewborn "called_by_newborn",
    /// The sender's side created contracts that did not call a protected one.
    CreatedOnTheWay "created_on_the_way",
    /// The sender's side created several contracts.
    CreatedSeveral "created_several",
    /// A contract of the sender's side destroyed itself.
    DestroyedItself "destroyed_itself",
    /// One function of a protected contract was called many times.
    Repeated "repeated",
    /// One function of a protected contract was called very many times.
    RepeatedOften "repeated_often",
    /// Two functions of protected contracts were called in turns.
    Alternated "alternated",
    /// Somebody sent a protected token to itself.
    SentToItself "sent_to_itself",
    /// The sender's side gained something and gave nothing.
    ProfitForNothing "profit_for_nothing",
    /// Protected contracts lost something and got nothing.
    LossForNothing "loss_for_nothing",
    /// Protected contracts paid out more of an asset than they were paid.
    PaidOutMore "paid_out_more",
    /// A protected contract used the allowance of somebody who takes no part and gets nothing.
    AllowanceUsed "allowance_used",
    /// A protected token was taken from somebody who takes no part.
    HolderEmptied "holder_emptied",
    /// A protected pool was traded with in one direction and then back, or a protected token was.
    TradedBack "traded_back",
    /// A protected contract was called between a trade with a pool and the trade back.
    CalledBetweenTrades "called_between_trades",
    /// What a protected account had allowed another to take was taken, and it got nothing.
    OwnAllowanceUsed "own_allowance_used",
    /// A protected contract made tokens for the sender's side.
    MadeTokens "made_tokens",
    /// The sender's side made protected tokens for itself.
    MadeForItself "made_for_itself",
    /// A protected contract allowed the sender's side to take its tokens.
    AllowedSender "allowed_sender",
    /// A protected contract looked at a pool that was traded with just before.
    PriceReadAfterTrade "price_read_after_trade",
    /// The sender's side made a pool believe its balances.
    ReservesForced "reserves_forced",
    /// A protected contract was handed tokens without being called.
    Donated "donated",
}

/// Every shape in a transaction, in the order of [`Signal::ALL`].
pub fn observe(view: &View<'_, '_>) -> Vec<Found> {
    let mut found = Vec::new();
    loan::observe(view, &mut found);
    control::observe(view, &mut found);
    entry::observe(view, &mut found);
    money::observe(view, &mut found);
    found.sort_by_key(|found| found.signal);
    found
}
