//! Following a chain over nodes that misbehave: one test per class of fault that the field's
//! records show, each with the outcome we promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers; //      wrong, empty, foreign, broken answers
mod catch_up; //     history, resuming, ranges
mod endpoints; //    what endpoints can do, allow and are
mod execution; //    blocks that no node traces
mod faulty; //       a node that misbehaves on command
mod heads; //        nodes that lag
mod outages; //      silence and refusal
mod reads; //        contract reads
mod reorgs; //       chains that change their mind
mod rig; //          runs the follower and checks each event
mod simulated; //    random forks against the whole follower
mod subscription; // WebSocket
mod synthetic; //    made-up chains whose hashes hold
