//! Pages, API, metrics and events, over HTTP, from a store full of made-up data.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod addresses;
mod api; //     bodies are a promise
mod coverage; //  what was judged, what is missing, what was removed
mod events; //  server-sent events
mod fatigue; // what people bear
mod feedback; // what people say afterwards, and the figures that follow
mod http; //    just enough of a client
mod pages; //   what a person must find
mod rota; //    who is on call, where alerts go
mod sample; //  the data
mod threats; // the threat map
