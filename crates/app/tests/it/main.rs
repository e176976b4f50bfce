//! The integration suite: the built program, seen from outside, on real chains, real servers, a real
//! browser.
//!
//! Tests that need an installed server look for it in `BELLWETHER_SERVICES` (`cargo xtask services
//! up` fills the folder) and say so when they are skipped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

mod world; // what tests are made of: a user's folder, the program, its chain, its people

mod anomaly; //  any series: scores without look-ahead, files with mistakes
mod answers; //  the link of a mail: once
mod anvil; //    a real node: live, reorganised, restarted, behind endpoints that fail
mod authority; // who holds power, held against a policy, and mended
mod backtest; // the past judged: the same whatever the threads, and side by side
mod browser; //  the page: complete without scripts, live with them
mod calls; //    telephones: a key, no answer, the next person
mod canary; //   whether the path to people works, tried without them
mod chaos; //    whatever fails, who must hear hears, the worst first
mod commands; // as a person types them
mod community; // what everybody hears: signed, in feeds, by mail, taken back
mod coverage; // the ledger: holes are exact, told, and closed
mod crash; //    killed many times, it ends like a run that was not
mod dependencies; // what ours rely on: found, declared, watched
mod deployments; // contracts that are planned, created, found
mod docs; //     the pages show commands that exist and files that are accepted
mod drills; //   the whole way, and nothing real touched
mod explain; // one transaction, by the shape of its calls
mod feedback; // what people say, and what follows for figures, stages, attacks, thresholds
mod gaps; //     the time before somebody watched
mod gate; //     where a contract will be, and whether somebody will watch it
mod guards; //   what must hold: mined, declared, worked out of a table
mod import; //   contracts of other tools become files that `check` accepts
mod importers; // each takes what it is for and leaves what is only near
mod labels; //   lists of addresses: imported, explained, looked back with
mod layout; //   whether an upgrade finds what is stored
mod lint; //     what is wrong before anything is deployed
mod lives; //    from planned to sunset, with what was before
mod mistakes; // one folder per mistake, and what `check` says to it
mod onboarding; // from one address to a folder that watches
mod outage; //   nodes and receivers away, odd logs, failed transactions, a stop in the middle
mod outside; // detectors that are not ours
mod paths; //   what was taught about paths through contracts
mod peers; //    what other monitors watch, taken over and compared
mod peers_running; // and what was taken finds what its rules mean
mod pulse; //    who notices when the watcher dies, and who goes on
mod receivers; // every kind against a counterpart of its provider
mod registry; // what is guarded: shown beside a running program, handed on signed
mod replay; //   past blocks: recorded, corrupted, judged again
mod reports; //  what Prometheus and Alertmanager report, and no loop
mod routing; //  who hears what, explained and expected; rotas in and out
mod smtp; //     mail through a real server
mod threats; //  the example leaves no gap, a plan needs no deployment, the exports compile
mod trace_forms; // geth and Parity say the same of one transaction
mod twins; //    two installations with no store in common, one message
mod words; //    what people tell the pager from a terminal
