//! What the pages, the API and the metrics are made from.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use alert::pager::Input;
use detect::{MonitorSpec, quality::Budget};
use model::{Address, AlertId, AlertVerdict, Incident, Name, Secret, Stage, UnixMillis};
use registry::{Explorer, Registry, gap::Clearance, threats::ThreatMap};
use store::{Store, StoreError};
use tokio::sync::{Mutex, Semaphore, broadcast, watch};

use crate::{
    answers::{Answers, Chats},
    attacks::{self, Attacks},
    canary::Canaries,
    community::Community,
    coverage::{Account, Plan},
    dossier::{Declared, Dossier, Seen, Standings},
    drills::{Order, OrderFault, Scene},
    fatigue::{self, Report},
    feedback::{self, Quality, Said, SayError, Scope, gather},
    paging::{self, Inbox},
    paths::{Paths, TaughtFolder},
    pulse::{self, Turns, Vitals},
    reports,
    snapshot::{NetworkHealth, Own, Snapshot, TrustLimits},
    twin::Twins,
    words,
};

/// How long a snapshot serves everybody who asks: a burst of readers costs the store one reading.
const SNAPSHOT_SHARED: Duration = Duration::from_millis(250);

/// How long one reading of the ledgers serves everybody who asks: it goes through all monitors.
const ACCOUNT_SHARED: Duration = Duration::from_secs(1);

/// How long one look at what people bear serves everybody who asks: it goes through a month.
const FATIGUE_SHARED: Duration = Duration::from_secs(30);

/// Readers of `/events` at one time: a team's browsers, many times over.
pub const EVENT_READERS_MAX: usize = 256;

/// What people decided in their files, as far as a page shows it. Replaced as a whole when the
/// files change.
#[derive(Debug, Clone, Default)]
pub struct SiteInfo {
    /// What the user calls this installation.
    pub name: String,
    /// Address under which people reach the pages, without a slash at its end.
    pub public_url: Option<String>,
    /// Networks, in the order of the files.
    pub networks: Vec<NetworkInfo>,
    /// What is guarded, and labels.
    pub registry: Arc<Registry>,
    /// What must be watched, and how the past is judged.
    pub coverage: Arc<Plan>,
    /// What is watched.
    pub monitors: Vec<MonitorSpec>,
    /// Texts of the runbooks that are files, by the name that monitors give them.
    pub runbooks: BTreeMap<String, String>,
    /// What could go wrong, and what each of it is met with.
    pub threats: Arc<ThreatMap>,
    /// What people said about the time before contracts were watched.
    pub clearances: Vec<Clearance>,
    /// Who shows it may write; without one, everything is only read.
    pub write_key: Option<Arc<Secret<String>>>,
    /// Who hears what.
    pub plan: Arc<alert::plan::Plan>,
    /// How far monitors may go; those not named page.
    pub stages: BTreeMap<Name, Stage>,
    /// False alarms that people are ready to bear.
    pub budget: Budget,
    /// What people and tests taught about paths through contracts.
    pub paths: Arc<Paths>,
    /// Takes people's answers; without it, none are taken.
    pub answers: Option<Answers>,
    /// The chats and pagers that tell what was answered there.
    pub chats: Option<Arc<Chats>>,
    /// Those who may be believed by name; none: everybody who shows the write key.
    pub people: Vec<Name>,
    /// Who notices when this program dies.
    pub pulse: Arc<pulse::Settings>,
    /// Other systems that report alerts.
    pub sources: reports::Sources,
    /// What everybody may hear; `None`: nothing.
    pub community: Option<Arc<Community>>,
}

/// A network as configured.
#[derive(Debug, Clone)]
pub struct NetworkInfo {
    /// Name.
    pub name: Name,
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Where its addresses and transactions can be looked up.
    pub explorer: Option<Explorer>,
    /// Monitors that judge it.
    pub monitors: usize,
}

impl SiteInfo {
    /// As far as a dossier needs it.
    pub fn declared(&self) -> Declared<'_> {
        Declared {
            registry: &self.registry,
            monitors: &self.monitors,
            threats: &self.threats,
            clearances: &self.clearances,
            networks: &self.networks,
        }
    }

    /// The explorer of a network.
    pub fn explorer(&self, network: &Name) -> Option<&Explorer> {
        self.networks.iter().find(|n| n.name == *network)?.explorer.as_ref()
    }
}

/// A mailbox that pages can show: the demo's built-in sink.
pub trait Mailbox: Send + Sync {
    /// All mails, newest first.
    fn list(&self) -> Vec<MailSummary>;
    /// One mail.
    fn get(&self, number: u64) -> Option<Mail>;
}

/// A mail in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSummary {
    /// Counts the mails, from 1.
    pub number: u64,
    /// Recipients.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// When it arrived.
    pub at: UnixMillis,
}

/// A whole mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Number, recipients, subject, time.
    pub summary: MailSummary,
    /// Sender.
    pub from: String,
    /// Plain text.
    pub text: String,
    /// HTML, when it has any.
    pub html: Option<String>,
}

/// Where a site's facts come from.
#[derive(Clone)]
pub struct Sources {
    /// What happened.
    pub store: Store,
    /// What people decided.
    pub info: watch::Receiver<Arc<SiteInfo>>,
    /// What the followers say, one entry for each network.
    pub health: Arc<dyn Fn() -> Vec<NetworkHealth> + Send + Sync>,
    /// Told when something changed that a page shows. Only a weak hold on it is kept: `/events`
    /// ends when whoever tells is gone.
    pub changes: broadcast::Sender<()>,
    /// Mails, when there is a built-in sink.
    pub mailbox: Option<Arc<dyn Mailbox>>,
    /// Where the pager is told what people say.
    pub pager: Inbox,
    /// Where judgements about paths are written, when there is a folder for them.
    pub teacher: Option<Arc<TaughtFolder>>,
    /// The program's own health.
    pub vitals: watch::Receiver<Vitals>,
    /// Other installations that tell the same people.
    pub twins: Twins,
    /// Whether each stage comes round.
    pub turns: Turns,
    /// Whether canaries come through all of them.
    pub canaries: Canaries,
    /// When lag and silence are too much.
    pub limits: TrustLimits,
    /// The machine's clock.
    pub clock: fn() -> UnixMillis,
}

/// What the pages, the API and the metrics are made from. Clones share everything.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Inner>,
}

/// How often, and how many times, the pager is asked what became of a word: two seconds.
const PAGER_LOOK_EVERY: Duration = Duration::from_millis(50);
const PAGER_LOOKS: usize = 40;

struct Inner {
    store: Store,
    info: watch::Receiver<Arc<SiteInfo>>,
    health: Arc<dyn Fn() -> Vec<NetworkHealth> + Send + Sync>,
    changes: broadcast::WeakSender<()>,
    mailbox: Option<Arc<dyn Mailbox>>,
    pager: Inbox,
    teacher: Option<Arc<TaughtFolder>>,
    vitals: watch::Receiver<Vitals>,
    twins: Twins,
    turns: Turns,
    canaries: Canaries,
    limits: TrustLimits,
    clock: fn() -> UnixMillis,
    started_at: UnixMillis,
    /// Places for readers of `/events`.
    event_readers: Arc<Semaphore>,
    snapshot: Shared<Snapshot>,
    account: Shared<Account>,
    quality: Shared<Quality>,
    attacks: Shared<Attacks>,
    fatigue: Shared<Report>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("store", &self.inner.store).finish_non_exhaustive()
    }
}

impl Site {
    /// A site over these sources.
    pub fn new(sources: Sources) -> Self {
        let Sources {
            store,
            info,
            health,
            changes,
            mailbox,
            pager,
            teacher,
            vitals,
            twins,
            turns,
            canaries,
            limits,
            clock,
        } = sources;
        let inner = Inner {
            store,
            info,
            health,
            changes: changes.downgrade(),
            mailbox,
            pager,
            teacher,
            vitals,
            twins,
            turns,
            canaries,
            limits,
            started_at: clock(),
            clock,
            event_readers: Arc::new(Semaphore::new(EVENT_READERS_MAX)),
            snapshot: Shared::default(),
            account: Shared::default(),
            quality: Shared::default(),
            attacks: Shared::default(),
            fatigue: Shared::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What people decided, as of now.
    pub(crate) fn info(&self) -> Arc<SiteInfo> {
        self.inner.info.borrow().clone()
    }

    pub(crate) fn now(&self) -> UnixMillis {
        (self.inner.clock)()
    }

    pub(crate) fn started_at(&self) -> UnixMillis {
        self.inner.started_at
    }

    /// Where everything is kept; asked only where blocking is allowed.
    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn teacher(&self) -> Option<&Arc<TaughtFolder>> {
        self.inner.teacher.as_ref()
    }

    /// Takes people's answers.
    pub(crate) fn answers(&self) -> Option<Answers> {
        self.info().answers.clone()
    }

    /// The chats and pagers that tell what was answered there.
    pub(crate) fn chats(&self) -> Option<Arc<Chats>> {
        self.info().chats.clone()
    }

    /// Other installations that tell the same people.
    pub(crate) fn twins(&self) -> &Twins {
        &self.inner.twins
    }

    pub(crate) fn pager(&self) -> &Inbox {
        &self.inner.pager
    }

    pub(crate) fn mailbox(&self) -> Option<&Arc<dyn Mailbox>> {
        self.inner.mailbox.as_ref()
    }

    pub(crate) fn event_readers(&self) -> &Arc<Semaphore> {
        &self.inner.event_readers
    }

    /// Changes from now on; `None` when nobody tells any more.
    pub(crate) fn changes(&self) -> Option<broadcast::Receiver<()>> {
        self.inner.changes.upgrade().map(|sender| sender.subscribe())
    }

    /// The state of everything, at most [`SNAPSHOT_SHARED`] old.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, ReadError> {
        self.inner
            .snapshot
            .get(SNAPSHOT_SHARED, || {
                let health = (self.inner.health)();
                let (limits, now) = (self.inner.limits, self.now());
                let mut reasons = self.inner.vitals.borrow().reasons(&self.info().pulse, now);
                reasons.extend(self.inner.twins.reasons(now));
                let own = Own {
                    reasons,
                    stages: self.inner.turns.states(now),
                    canaries: self.inner.canaries.states(now),
                };
                self.read(move |store| Snapshot::take(store, &health, own, &limits, now))
            })
            .await
    }

    /// What the followers say now.
    pub(crate) fn health(&self) -> Vec<NetworkHealth> {
        (self.inner.health)()
    }

    /// Coverage, at most [`ACCOUNT_SHARED`] old.
    pub(crate) async fn account(&self) -> Result<Arc<Account>, ReadError> {
        self.inner
            .account
            .get(ACCOUNT_SHARED, || {
                let (plan, now) = (self.info().coverage.clone(), self.now());
                self.read(move |store| Account::read(store, &plan, now))
            })
            .await
    }

    /// How good detection is, at most [`ACCOUNT_SHARED`] old.
    pub(crate) async fn quality(&self) -> Result<Arc<Quality>, ReadError> {
        self.inner
            .quality
            .get(ACCOUNT_SHARED, || {
                let (info, now) = (self.info(), words::seconds(self.now()));
                self.read(move |store| {
                    let (plan, stages) = (&info.coverage, &info.stages);
                    gather(store, Scope { plan, stages, budget: info.budget, now })
                })
            })
            .await
    }

    /// How much people bore in the weeks before now; over the usual time at most [`FATIGUE_SHARED`]
    /// old.
    pub(crate) async fn fatigue(&self, weeks: u64) -> Result<Arc<Report>, ReadError> {
        let read = || {
            let (info, now) = (self.info(), self.now());
            self.read(move |store| fatigue::look(store, &info.plan, weeks, now))
        };
        match weeks {
            fatigue::WEEKS_DEFAULT => self.inner.fatigue.get(FATIGUE_SHARED, read).await,
            _ => read().await.map(Arc::new),
        }
    }

    /// Alerts of the last two weeks that belong together, at most [`ACCOUNT_SHARED`] old.
    pub(crate) async fn attacks(&self) -> Result<Arc<Attacks>, ReadError> {
        self.inner
            .attacks
            .get(ACCOUNT_SHARED, || {
                let (info, now) = (self.info(), words::seconds(self.now()));
                self.read(move |store| {
                    attacks::read(store, &info.registry, Some(attacks::recent(now)))
                })
            })
            .await
    }

    /// Keeps what a person said of an alert; what was not kept is said by the inner error. The one
    /// thing here, beside [`Site::declare`], that writes.
    pub(crate) async fn say(
        &self,
        said: Said,
    ) -> Result<Result<AlertVerdict, SayError>, ReadError> {
        let now = self.now();
        let kept = self.read(move |store| Ok(feedback::say(store, &said, now))).await?;
        self.changed();
        Ok(kept)
    }

    /// Keeps what really happened.
    pub(crate) async fn declare(&self, incident: Incident) -> Result<(), ReadError> {
        self.read(move |store| store.add_incident(&incident)).await?;
        self.changed();
        Ok(())
    }

    /// Tells the pager, and waits a moment for what becomes of it: `Err` with the reason when it was
    /// not taken.
    pub(crate) async fn tell_pager(&self, input: Input) -> Result<Result<(), String>, ReadError> {
        let (pager, now) = (self.inner.pager.clone(), self.now());
        let sequence = self.read(move |_| pager.put(&input, now)).await?;
        for _ in 0..PAGER_LOOKS {
            let pager = self.inner.pager.clone();
            if let Some(outcome) = self.read(move |_| pager.outcome(sequence)).await? {
                return Ok(outcome);
            }
            tokio::time::sleep(PAGER_LOOK_EVERY).await;
        }
        // It is durable; that the pager is behind is told on the page of its state.
        Ok(Ok(()))
    }

    /// Begins a drill: its alert and what the pager is told of it go on record together. Gives the
    /// alert, or everything that is wrong with the order.
    pub(crate) async fn begin_drill(
        &self,
        order: Order,
    ) -> Result<Result<AlertId, Vec<OrderFault>>, ReadError> {
        let (info, now) = (self.info(), self.now());
        let scene = Scene {
            networks: info.networks.iter().map(|network| &network.name).collect(),
            monitors: info.monitors.iter().map(|monitor| &monitor.name).collect(),
            people: &info.people,
            registry: &info.registry,
        };
        let (alert, facts) = match order.alert(&scene, now) {
            Ok(made) => made,
            Err(faults) => return Ok(Err(faults)),
        };
        let id = alert.id;
        let input = paging::stored(&Input::Alert(facts), now);
        self.read(move |store| store.begin_drill(&alert, &input)).await?;
        self.inner.pager.wake().notify_one();
        self.changed();
        Ok(Ok(id))
    }

    /// Takes what another system reports, so that the pager hears of it.
    pub(crate) async fn take_reports(
        &self,
        door: reports::Door,
        told: Vec<reports::Told>,
    ) -> Result<reports::Taken, ReadError> {
        let now = self.now();
        let name = door.name.clone();
        let taken = self.read(move |store| reports::take(store, &door, &told, now)).await?;
        if taken.refused > 0 {
            let refused = taken.refused;
            tracing::error!(source = %name, refused, "there is no room for more open alerts");
        }
        if taken.ours > 0 {
            tracing::debug!(source = %name, ours = taken.ours, "what a Bellwether told came back");
        }
        if taken.began + taken.ended + taken.go_on > 0 {
            self.inner.pager.wake().notify_one();
            self.changed();
        }
        Ok(taken)
    }

    /// Lets the pages that are open know.
    pub(crate) fn changed(&self) {
        if let Some(changes) = self.inner.changes.upgrade() {
            // Nobody listening is no loss.
            let _nobody = changes.send(());
        }
    }

    /// Everything about one address, as of now.
    pub(crate) async fn dossier(
        &self,
        network: Name,
        address: Address,
    ) -> Result<Dossier, ReadError> {
        let (info, account) = (self.info(), self.account().await?);
        let now = words::seconds(self.now());
        self.read(move |store| {
            let seen = Seen { store, account: &account };
            Dossier::of(&network, address, info.declared(), Some(seen), now)
        })
        .await
    }

    /// How it stands with all contracts.
    pub(crate) async fn standings(&self) -> Result<Standings, ReadError> {
        let (info, account) = (self.info(), self.account().await?);
        let now = words::seconds(self.now());
        self.read(move |store| Standings::read(store, info.declared(), &account, now)).await
    }

    /// Reads from the store where blocking is allowed.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        body: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let store = self.inner.store.clone();
        match tokio::task::spawn_blocking(move || body(&store)).await {
            Ok(result) => Ok(result?),
            Err(stopped) => Err(ReadError::Stopped(stopped)),
        }
    }
}

/// Why something cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reading panicked or was stopped.
    #[error("reading the store was stopped")]
    Stopped(#[source] tokio::task::JoinError),
}

/// A value that serves everybody who asks within a short time. While it is being made anew, others
/// wait for it instead of making their own.
struct Shared<T>(Mutex<Option<(Instant, Arc<T>)>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Shared<T> {
    async fn get<F, E>(&self, age_max: Duration, make: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut known = self.0.lock().await;
        if let Some((made_at, value)) = &*known
            && made_at.elapsed() < age_max
        {
            return Ok(value.clone());
        }
        let value = Arc::new(make().await?);
        *known = Some((Instant::now(), value.clone()));
        Ok(value)
    }
}
