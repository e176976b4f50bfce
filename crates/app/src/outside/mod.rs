//! Detectors that are not ours: a process or an address that takes a block as JSON and answers with
//! findings.
//!
//! ```text
//!  block ──► JSON, one line ──► stdin of a process   ──► one line of findings ─┐
//!                          └──► POST to an address   ──► a body of findings   ─┤
//!                                                                              ▼
//!            limits on time, memory, bytes and count; the words are a stranger's ──► findings
//!            whatever goes wrong ──► blind, with the reason, on that block
//! ```
//!
//! A process gets an empty environment and the folder as its place, is limited before it is given the
//! first byte, is killed when it takes too long, and is started anew for a later block. What it says
//! is never trusted as ours: its texts are shown as a stranger's, and its severity has a ceiling.

mod answer; //  what it says, as findings
mod block; //   a block as JSON
mod process; // a process that reads and answers lines
mod web; //     an address that takes a POST

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use model::{BlindMonitor, BlindReason, BlockBundle, Finding, Name, Severity};
use registry::Registry;

pub use answer::Format;
pub use block::line_of;

/// Longest answer to one block, in bytes: far more than findings need, and little to hold.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most findings that one block may bring from one detector, whatever is configured.
pub const FINDINGS_MAX: u64 = 1_000;

/// Rest after a detector failed before it is asked again, doubled with each failure.
const REST_MIN: Duration = Duration::from_secs(1);
/// Longest rest: a detector that was repaired judges again within five minutes.
const REST_MAX: Duration = Duration::from_secs(300);

/// How a detector is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A program with its arguments; stands in the folder.
    Command {
        /// Program and arguments, never through a shell.
        command: Vec<String>,
        /// Where it runs.
        folder: PathBuf,
        /// Most memory that it may ask for, in bytes.
        memory_bytes: u64,
    },
    /// An address on this machine, or one with TLS.
    Url(String),
}

/// An outside detector as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its name: the monitor of its findings.
    pub name: Name,
    /// Raised when its findings mean something else.
    pub version: u32,
    /// Networks it judges; empty: all.
    pub networks: Vec<Name>,
    /// How it is reached.
    pub way: Way,
    /// How it speaks.
    pub format: Format,
    /// Its findings are no worse than this, whatever it says.
    pub severity_max: Severity,
    /// Longest that one block may take.
    pub timeout: Duration,
    /// Most findings of one block.
    pub findings_max: u64,
}

/// Why a detector did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It cannot be started or reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It went away, perhaps because it met a limit.
    #[error("ended: {0}")]
    Ended(String),
    /// It took too long.
    #[error("took longer than {0:?}")]
    TooSlow(Duration),
    /// It says more than may be said.
    #[error("answered with more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// It says something that is no answer.
    #[error("answered with what is no list of findings: {0}")]
    NoAnswer(String),
    /// It failed a short while ago and is left in peace.
    #[error("failed and is asked again in {0:?}; it {1}")]
    Resting(Duration, String),
}

/// Something that answers one line with one line.
trait Answers: Send {
    /// The answer to a line; after a failure it may be asked again, and begins anew.
    fn answer(&mut self, line: &str, timeout: Duration) -> Result<String, Failure>;
}

/// A detector at work, on a thread of its own.
struct Bot {
    spec: Spec,
    asking: SyncSender<std::sync::Arc<str>>,
    answers: Receiver<Result<String, Failure>>,
    failed: Option<Failed>,
}

struct Failed {
    times: u32,
    at: Instant,
    why: Failure,
}

impl Failed {
    fn rest(&self) -> Duration {
        let doubled = REST_MIN.saturating_mul(1 << (self.times - 1).min(16));
        doubled.min(REST_MAX)
    }
}

/// The outside detectors of one network.
#[derive(Default)]
pub struct Bots {
    bots: Vec<Bot>,
}

impl std::fmt::Debug for Bots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.bots.iter().map(|bot| &bot.spec.name)).finish()
    }
}

impl Bots {
    /// Those that judge this network. Nothing is started before the first block.
    pub fn of(specs: &[Spec], network: &Name) -> Self {
        let here = |spec: &&Spec| spec.networks.is_empty() || spec.networks.contains(network);
        Self { bots: specs.iter().filter(here).map(|spec| Bot::new(spec.clone())).collect() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bots.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bots.len()
    }

    /// What they say of a block, asked all at once; who did not answer is blind on it.
    pub fn judge(
        &mut self,
        bundle: &BlockBundle,
        registry: &Registry,
    ) -> (Vec<Finding>, Vec<BlindMonitor>) {
        if self.bots.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let line: std::sync::Arc<str> = line_of(bundle, registry).into();
        let asked: Vec<Result<Instant, Failure>> =
            self.bots.iter_mut().map(|bot| bot.ask(line.clone())).collect();
        let (mut findings, mut blind) = (Vec::new(), Vec::new());
        for (bot, asked) in self.bots.iter_mut().zip(asked) {
            let said = asked.and_then(|since| bot.hear(since));
            let read = said.and_then(|text| {
                answer::findings(&text, &bot.spec, bundle).map_err(Failure::NoAnswer)
            });
            match read {
                Ok(found) => {
                    bot.failed = None;
                    findings.extend(found);
                }
                Err(why) => {
                    let reason = BlindReason::Evaluation(format!("outside detector {why}"));
                    blind.push(BlindMonitor { monitor: bot.spec.name.clone(), reason });
                    bot.fail(why);
                }
            }
        }
        (findings, blind)
    }
}

impl Bot {
    fn new(spec: Spec) -> Self {
        // One line waits for the answer to the one before: never more.
        let (asking, asked) = sync_channel::<std::sync::Arc<str>>(1);
        let (answering, answers) = sync_channel(1);
        let (way, timeout) = (spec.way.clone(), spec.timeout);
        std::thread::spawn(move || {
            let mut way: Box<dyn Answers> = match way {
                Way::Command { command, folder, memory_bytes } => {
                    Box::new(process::Process::new(command, folder, memory_bytes))
                }
                Way::Url(url) => Box::new(web::Address::new(url)),
            };
            for line in asked {
                if answering.send(way.answer(&line, timeout)).is_err() {
                    return;
                }
            }
        });
        Self { spec, asking, answers, failed: None }
    }

    fn ask(&mut self, line: std::sync::Arc<str>) -> Result<Instant, Failure> {
        if let Some(failed) = &self.failed
            && let Some(left) = failed.rest().checked_sub(failed.at.elapsed())
        {
            return Err(Failure::Resting(left, failed.why.to_string()));
        }
        // An answer that came too late belongs to an older block.
        while self.answers.try_recv().is_ok() {}
        match self.asking.try_send(line) {
            Ok(()) => Ok(Instant::now()),
            Err(_) => Err(Failure::TooSlow(self.spec.timeout)),
        }
    }

    fn hear(&mut self, since: Instant) -> Result<String, Failure> {
        // The way keeps the limit itself; a little more lets it say what happened.
        let limit = self.spec.timeout + Duration::from_millis(500);
        match self.answers.recv_timeout(limit.saturating_sub(since.elapsed())) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(Failure::TooSlow(self.spec.timeout)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::Ended("its thread panicked".to_owned()))
            }
        }
    }

    fn fail(&mut self, why: Failure) {
        if matches!(why, Failure::Resting(..)) {
            return;
        }
        tracing::warn!(detector = %self.spec.name, %why, "an outside detector did not answer");
        // One that says too much, or nonsense, of one block may well answer the next.
        if matches!(why, Failure::NoAnswer(_)) {
            return;
        }
        let times = self.failed.as_ref().map_or(0, |failed| failed.times).saturating_add(1);
        self.failed = Some(Failed { times, at: Instant::now(), why });
    }
}

#[cfg(test)]
mod tests;
