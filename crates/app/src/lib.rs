//! Bellwether, the program: configuration, pipeline, receivers, API, pages, commands.

pub mod api; //      the same facts as JSON, with stable shapes
pub mod chart; //    SVG for pages, mails and reports
pub mod metrics; //  what Prometheus scrapes
pub mod snapshot; // the state of everything at one moment, and whether it can be trusted
pub mod web; //      pages, server-sent events
mod words; //        numbers, moments and measurements as people say them
