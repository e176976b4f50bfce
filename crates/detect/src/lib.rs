//! Pure: chain events in, verdicts out. Windows, thresholds, detectors, match expressions.

pub mod expression; // the typed language of monitors
