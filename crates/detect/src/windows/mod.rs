//! Rolling windows: what happened to a contract's functions and events over the last hour of chain
//! time and the last calls.
//!
//! Sums are exact integers, so a bucket that leaves the window takes out precisely what it brought
//! in, however long the process has been running. Windows live in the state table and are undone
//! with their block.

mod activity; //  what one block did to the guarded contracts
mod calls; //     one function
mod events; //    one event
mod series; //    names of the series that windows feed
mod space_saving; // the busiest of many, in bounded room

pub use activity::{Activity, CallTally, Function, FunctionCalls};
pub use calls::{CallWindow, GasMoments, LAST_CALLS_MAX, WINDOW_MINUTES};
pub use events::EventWindow;
pub use series::SeriesCache;
pub(crate) use series::function_label;
pub use space_saving::{COUNTED_MAX, Counted, SpaceSaving};
