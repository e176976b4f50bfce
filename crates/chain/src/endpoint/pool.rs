//! All endpoints of a network as one source: whom to ask, and whom next.

use std::sync::Arc;

use futures_util::future::join_all;
use model::{BlockBundle, BlockNumber, BlockRef, Header, Name, ReadRequest, StateRead};
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use super::{
    call::Endpoint,
    execution::OwnExecution,
    fetch::{Bodies, Traces},
    health::EndpointState,
    look::look_after,
    status::EndpointStatus,
};
use crate::{
    At, Fault, Head, Missing, Part, Source, Tag, View, Want,
    config::{NetworkConfig, TraceMode},
    execute::ExecutionStatus,
    rpc::{Request, SetupError},
    verify,
};

/// The endpoints of one network, each looked after by a task of its own. Dropping the pool ends
/// the tasks.
#[derive(Debug)]
pub struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    traces: TraceMode,
    pub(super) execution: Option<OwnExecution>,
    changed: Arc<Notify>,
    /// Ends the looks when the pool goes.
    _looks: JoinSet<()>,
}

impl Pool {
    /// Starts looking after the endpoints of a network. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When an HTTP client cannot be built.
    pub fn start(config: &NetworkConfig) -> Result<Self, SetupError> {
        let epoch = Instant::now();
        let changed = Arc::new(Notify::new());
        let mut endpoints = Vec::with_capacity(config.endpoints.len());
        let mut looks = JoinSet::new();
        for endpoint_config in &config.endpoints {
            endpoints.push(Arc::new(Endpoint::new(endpoint_config, config, epoch)?));
        }
        for (endpoint, endpoint_config) in endpoints.iter().zip(&config.endpoints) {
            looks.spawn(look_after(
                endpoint.clone(),
                endpoint_config.clone(),
                config.timing.clone(),
                changed.clone(),
            ));
        }
        let (traces, execution) = (config.traces, OwnExecution::new(config));
        Ok(Self { endpoints, traces, execution, changed, _looks: looks })
    }

    /// Whoever is up and has shown a head at this height or above, preferred first.
    fn candidates(&self, number: BlockNumber) -> Vec<&Arc<Endpoint>> {
        let may_have = |endpoint: &&Arc<Endpoint>| {
            let health = endpoint.health();
            health.state(endpoint.now()) == EndpointState::Up
                && health.head.is_some_and(|head| head.link.block.number >= number)
        };
        self.endpoints.iter().filter(may_have).collect()
    }

    async fn bundle_from(
        &self,
        endpoint: &Endpoint,
        at: At,
        want: &Want,
    ) -> Result<BlockBundle, Fault> {
        let bodied = endpoint.bodied(at).await?;
        let traces = self.traces_for(endpoint, &bodied.header, want).await?;
        let has_traces = traces.is_some();
        let mut assembled = endpoint.assemble(bodied.clone(), traces).await;
        if let Err(Fault::Refused(refusal)) = &assembled
            && has_traces
            && want.give_up_traces
            && refusal.part() == Part::Traces
        {
            assembled = endpoint.assemble(bodied.clone(), None).await;
        }
        let mut bundle = assembled?;
        if bundle.traces.is_none() && self.traces != TraceMode::Off {
            let is_required = self.traces == TraceMode::Required;
            let give_up = want.give_up_traces;
            bundle = self.executed(endpoint, bodied.block, bundle, give_up, is_required).await?;
        }
        if !want.reads.is_empty() {
            let block = bundle.block_ref();
            bundle.reads = self.reads_for(endpoint, block, &want.reads.due(block.number)).await;
        }
        Ok(bundle)
    }

    /// Traces from the endpoint that has the block, or from another one: verification compares
    /// them with the receipts in any case.
    async fn traces_for(
        &self,
        first: &Endpoint,
        header: &Header,
        want: &Want,
    ) -> Result<Option<Traces>, Fault> {
        if self.traces == TraceMode::Off {
            return Ok(None);
        }
        let mut fault = None;
        for endpoint in self.first_then_others(first, header.number) {
            match endpoint.traces(header).await {
                Ok(Some(traces)) => return Ok(Some(traces)),
                Ok(None) => {}
                Err(new) => fault = fault.or(Some(new)),
            }
        }
        // Without a node's traces the block may still be executed here.
        let may_go_without = self.traces == TraceMode::Auto || self.execution.is_some();
        match fault {
            Some(_) if want.give_up_traces && may_go_without => Ok(None),
            Some(fault) => Err(fault),
            None if may_go_without => Ok(None),
            None => Err(Fault::NoTraces),
        }
    }

    /// The reads that anybody could make; the others are left out, so that whoever needs one is
    /// blind rather than misled.
    async fn reads_for(
        &self,
        first: &Endpoint,
        block: BlockRef,
        wanted: &[ReadRequest],
    ) -> Vec<StateRead> {
        let mut answers: Vec<Option<StateRead>> = vec![None; wanted.len()];
        for endpoint in self.first_then_others(first, block.number) {
            let open: Vec<usize> =
                (0..answers.len()).filter(|&place| answers[place].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let requests: Vec<_> = open.iter().map(|&place| wanted[place].clone()).collect();
            let new = endpoint.reads(block, &requests).await;
            for (place, answer) in open.into_iter().zip(new) {
                answers[place] = answer;
            }
        }
        answers.into_iter().flatten().collect()
    }

    pub(super) fn first_then_others<'a>(
        &'a self,
        first: &'a Endpoint,
        number: BlockNumber,
    ) -> impl Iterator<Item = &'a Endpoint> + Send {
        let others = self.candidates(number).into_iter().map(Arc::as_ref);
        let others = others.filter(move |endpoint| endpoint.name != first.name);
        std::iter::once(first).chain(others)
    }
}

impl Source for Pool {
    fn heads(&self) -> Vec<Head> {
        let head = |endpoint: &Arc<Endpoint>| {
            let health = endpoint.health();
            let is_up = health.state(endpoint.now()) == EndpointState::Up;
            let seen = health.head.filter(|_| is_up)?;
            Some(Head { endpoint: endpoint.name.clone(), seen })
        };
        self.endpoints.iter().filter_map(head).collect()
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }

    async fn header(&self, at: At) -> Result<Header, Missing> {
        let mut missing = Missing::default();
        for endpoint in self.candidates(at.number()) {
            match endpoint.block(at, Bodies::HashesOnly).await {
                Ok((header, _)) => return Ok(header),
                Err(fault) => missing.add(endpoint, fault),
            }
        }
        Err(missing)
    }

    async fn bundle(&self, at: At, want: &Want) -> Result<BlockBundle, Missing> {
        let mut missing = Missing::default();
        for endpoint in self.candidates(at.number()) {
            match self.bundle_from(endpoint, at, want).await {
                Ok(bundle) => return Ok(bundle),
                Err(fault) => missing.add(endpoint, fault),
            }
        }
        Err(missing)
    }

    async fn views(&self, number: BlockNumber) -> Vec<View> {
        let view = |endpoint: &Arc<Endpoint>| {
            let endpoint = endpoint.clone();
            async move {
                let (header, _) =
                    endpoint.block(At::Number(number), Bodies::HashesOnly).await.ok()?;
                Some(View { endpoint: endpoint.name.clone(), hash: header.hash })
            }
        };
        let views = join_all(self.candidates(number).into_iter().map(view)).await;
        views.into_iter().flatten().collect()
    }

    async fn tagged(&self, tag: Tag) -> Result<BlockRef, Missing> {
        let request =
            Request::new("eth_getBlockByNumber", format!(r#"["{}",false]"#, tag.as_str()));
        let mut missing = Missing::default();
        for endpoint in self.candidates(0) {
            let answer = match endpoint.call(&request).await {
                Ok(Some(body)) => verify::head(&body, &endpoint.prove).map_err(Fault::from),
                Ok(None) => Err(Fault::Absent(Part::Block)),
                Err(error) => Err(error.into()),
            };
            match answer {
                Ok((header, _)) => return Ok(header.block_ref()),
                Err(fault) => missing.add(endpoint, fault),
            }
        }
        Err(missing)
    }

    fn distrust(&self, endpoint: &Name, why: &str) {
        if let Some(endpoint) = self.endpoints.iter().find(|other| other.name == *endpoint) {
            endpoint.health().distrust(why.to_owned(), endpoint.now());
        }
    }

    fn status(&self) -> Vec<EndpointStatus> {
        self.endpoints.iter().map(|endpoint| endpoint.status()).collect()
    }

    fn execution(&self) -> Option<ExecutionStatus> {
        self.execution.as_ref().map(OwnExecution::status)
    }
}

impl Missing {
    fn add(&mut self, endpoint: &Endpoint, fault: Fault) {
        // Failed requests were counted as such; absence is no fault of the endpoint.
        if !matches!(fault, Fault::Rpc(_) | Fault::Absent(_)) {
            endpoint.health().refused(fault.to_string());
        }
        tracing::debug!(
            network = %endpoint.network, endpoint = %endpoint.name, %fault, "endpoint did not deliver"
        );
        self.faults.push((endpoint.name.clone(), fault));
    }
}
