//! Pure: chain events in, verdicts out. Windows, thresholds, detectors, match expressions.
