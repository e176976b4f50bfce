//! The only code that owns durable state: event log, checkpoint, records, outbox, series.
//!
//! One file, one handle. [`Store`] is cheap to clone and may be used from any thread; its methods
//! block, so an async caller runs them where blocking is allowed.
//!
//! Three promises hold across crashes, because everything they speak of is one SQLite database:
//!
//! - **A step is atomic.** [`Store::commit`] writes the checkpoint and everything that follows from
//!   the events before it in one transaction. A step that does not begin exactly at the stored
//!   checkpoint is refused, so an event cannot be judged twice.
//! - **A reversal is exact.** Findings, samples, coverage and state of a reverted block are undone,
//!   and of no other.
//! - **A message is not lost.** Notifications are written with the step that decided them and leave
//!   through the [`Outbox`], at least once, under an identity that receivers can recognise.
//!
//! There is deliberately no clock here: times are arguments. There is no judging either: the store
//! keeps what others decided.

mod afterwards; //      blocks judged afterwards, and holes
mod backup; //          a copy of the live database, and the check that it is sound
mod checkpoint; //      how far each network was judged
mod codec; //           versioned encodings of what is stored whole
mod database; //        the file: one writer, several readers
mod error; //           what can go wrong, with its object
mod event_log; //       what happened to each chain, in order
mod migrate; //         the schema and its history
mod outbox; //          messages on their way
mod paging; //          the pager's inbox, its memory, what it decided
mod public; //          what everybody hears
mod records; //         findings, alerts, decisions, coverage, detector state
mod retention; //       what is kept for how long, and what is told of the rest
mod series; //          points of time series
mod step; //            one atomic step
mod twins; //           another installation that tells the same people
mod verify; //          invariants of a database at rest

pub use afterwards::{Audit, Backfill};
pub use checkpoint::Checkpoint;
pub use database::Store;
pub use error::StoreError;
pub use event_log::{
    CANONICAL_BLOCKS_MAX, CanonicalTail, EmbeddedLog, EventLog, EventSummary, MemoryLog,
    QuarantinedBlock, READ_BYTES_MAX, TailBlock,
};
pub use outbox::{
    Attempt, DETAIL_CHARS_MAX, LEASE_MS, Outbox, OutboxCounts, REST_CUT_SHORT_MS, Settled,
};
pub use paging::{
    AlarmRow, HEARD_MAX, HeardAlert, HeardOf, HeardRow, Inbox, Input, OutboxMessage, PagingStep,
    ReportStep, Reports, RulingRow, StageRow, TakenInput,
};
pub use public::{
    PublicDelivered, PublicDue, PublicEntry, PublicMessage, PublicMessageCounts, PublicSaid,
    PublicStep, PublicTelling, PublicWaiting, SUBSCRIBERS_MAX, Subscribed, Subscriber,
};
pub use records::{
    AlertCount, AlertDetails, AlertFilter, AlertStage, AnswerKey, AnswerRecord, BlindCount,
    CANARIES_KEPT, COVERAGE_LISTED_MAX, CoverageSummary, Cursor, DetectorState, Drills,
    FindingCount, FindingFilter, FindingRecord, HoleRecord, JudgedSpan, LEDGER_RUNS_MAX, PAGE_MAX,
    Page, ParseCursorError, ReceiverTest,
};
pub use retention::{Forgotten, Pass, Record, Retention};
pub use series::{
    Bucket, LabelMatcher, MatchOp, PRUNE_ROWS_MAX, Pruned, RAW_RETENTION_S, RangeQuery,
    SERIES_PER_QUERY_MAX, SERIES_PER_TOTAL_MAX, Series, SeriesPoints, SeriesTotal,
};
pub use step::{BlockSamples, CommitReport, Step};
pub use twins::{Release, ReleaseStep, TwinCursor, TwinHeard, TwinSaid, TwinWord, WaitingMessage};
pub use verify::VerifyReport;
