//! From what the followers and judges say to what pages show.

use chain::{
    endpoint::{EndpointState, EndpointStatus},
    rpc::SocketState,
};

use crate::{
    pipeline::{NetworkView, backfill::Progress},
    snapshot::{EndpointHealth, Filling, NetworkHealth},
};

/// How a network is doing now.
pub fn of(view: &NetworkView) -> NetworkHealth {
    let status = view.following.borrow().clone();
    let judging = view.judging.borrow().clone();
    let critical = status.conditions.iter().find(|condition| condition.is_critical());
    let mut sockets = status.endpoints.iter().map(|endpoint| &endpoint.socket);
    let has_socket = sockets.clone().any(|socket| *socket != SocketState::NotConfigured);
    NetworkHealth {
        name: view.name.clone(),
        chain_id: view.chain_id,
        head_seen: status.seen.map(|seen| seen.block.number),
        head_time: status.seen.and_then(|seen| seen.timestamp),
        endpoints: status.endpoints.iter().map(endpoint).collect(),
        websocket: has_socket.then(|| sockets.any(|socket| *socket == SocketState::Up)),
        catching_up: status.catching_up.is_some(),
        stopped_reason: judging.or_else(|| critical.map(ToString::to_string)),
        filling: filling(&view.filling.borrow()),
        execution: status.execution.filter(|told| told.blocks + told.blind > 0),
    }
}

fn filling(progress: &Progress) -> Filling {
    Filling {
        range: progress.job.map(|(range, _)| range),
        monitors: progress.job.map_or(0, |(_, monitors)| monitors),
        done_up_to: progress.done_up_to,
        failure: progress.failure.clone(),
    }
}

fn endpoint(status: &EndpointStatus) -> EndpointHealth {
    let (state, is_healthy) = match status.state {
        EndpointState::Unchecked => ("not asked yet", false),
        EndpointState::Up => ("up", true),
        EndpointState::Resting => ("resting", true),
        EndpointState::Down => ("down", false),
        EndpointState::Distrusted => ("contradicted by others", false),
        EndpointState::WrongChain => ("wrong chain", false),
    };
    EndpointHealth {
        name: status.name.clone(),
        state: state.to_owned(),
        healthy: is_healthy,
        last_error: status.last_error.clone(),
        latency_ms: status.latency_ms,
        head: status.head,
    }
}
