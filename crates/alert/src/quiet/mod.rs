//! What is kept from people for a while: silences, maintenance windows, inhibition.

mod inhibit; // one alert makes another one needless
mod silence; // people asked for it, until a time

pub(crate) use inhibit::Sources;
pub use inhibit::{Inhibition, LOOKED_AT_MAX};
pub use silence::is_attack;
pub use silence::{SIGNATURES, SILENCE_DAYS_MAX, Silence, SilenceFault, SilenceKind, Veil};
