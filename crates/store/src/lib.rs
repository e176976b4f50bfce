//! The only code that owns durable state: event log, checkpoint, records, outbox, series.
