//! One exchange with each of them: both say what they told and what people said.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context, ensure};
use model::{AlertId, Name, UnixMillis};
use ring::rand::{SecureRandom, SystemRandom};
use store::{Store, StoreError, TwinCursor, TwinHeard, TwinWord};
use tokio::time::sleep;

use super::{
    CLOCK_MS_MAX, Settings, TALK_BYTES_MAX, TALK_TYPE, Talk, Told, Twin, Twins,
    state::Ear,
    talk::{SAID_MAX, Said, TOLD_MAX, TOLD_MS, UNDER_WAY_MAX},
    waiting, words,
};
use crate::{community::agreed, signature::Envelope, snapshot::Verdict, web::Site};

/// Time between two exchanges while nothing happens; a third of [`alert::twin::SILENT_S`].
const EXCHANGE_EVERY: Duration = Duration::from_secs(2);

/// Least time between two exchanges: what happens together is told together.
const REST: Duration = Duration::from_millis(50);

/// Longest exchange: whoever takes longer is as good as silent.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(4);

/// Why there is nothing to be learned from an answer.
struct Unheard {
    error: anyhow::Error,
    /// There was an answer, and it cannot be believed.
    is_disbelieved: bool,
}

/// Agrees with the other installations who tells people, until it is dropped.
pub async fn keep_agreeing(site: Site) {
    let twins = site.twins().clone();
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no exchange with twins: each message is held back in vain");
            return;
        }
    };
    let wake = twins.wake();
    loop {
        let mut is_behind = false;
        if !twins.is_alone() {
            is_behind = round(&site, &twins, &client).await;
        }
        sleep(REST).await;
        if !is_behind {
            tokio::select! {
                () = sleep(EXCHANGE_EVERY) => {}
                () = wake.notified() => {}
            }
        }
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
        .timeout(EXCHANGE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Talks to each, then does what follows; whether one of them has more to say.
async fn round(site: &Site, twins: &Twins, client: &reqwest::Client) -> bool {
    let settings = twins.settings();
    let talks = settings.twins.iter().map(|twin| exchange(site, twins, &settings, twin, client));
    let answers = futures_util::future::join_all(talks).await;
    let mut is_behind = false;
    for (twin, answer) in settings.twins.iter().zip(answers) {
        match answer {
            Ok(more) => is_behind |= more,
            Err(Unheard { error, is_disbelieved }) => {
                let error = format!("{error:#}");
                tracing::debug!(twin = %twin.name, error, "no agreement");
                twins.miss(&twin.name, error, is_disbelieved);
            }
        }
    }
    follow_up(site, twins).await;
    is_behind
}

/// What follows from what was heard.
async fn follow_up(site: &Site, twins: &Twins) {
    let (now, pager) = (site.now(), site.pager().clone());
    let (released, spoken) = (twins.clone(), twins.settings());
    let done = site
        .read(move |store| {
            let taken = words::take(store, &spoken.people, now)?;
            Ok(taken + waiting::release(store, &released, now)?)
        })
        .await;
    match done {
        Ok(0) => {}
        Ok(_) => pager.wake().notify_one(),
        Err(error) => tracing::error!(%error, "cannot do what twins agreed on; messages go out"),
    }
}

async fn exchange(
    site: &Site,
    twins: &Twins,
    settings: &Settings,
    twin: &Twin,
    client: &reqwest::Client,
) -> Result<bool, Unheard> {
    let silent = |error| Unheard { error, is_disbelieved: false };
    let nonce = nonce().map_err(silent)?;
    let asked = say(site, twins, settings, twin, nonce.clone()).await.map_err(silent)?;
    let request = client.post(format!("{}/api/v1/twin", twin.url)).json(&asked);
    let sent = request.send().await.map_err(reqwest::Error::without_url);
    let mut answer = sent.context("it cannot be reached").map_err(silent)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(silent(anyhow::anyhow!("it answers HTTP {}", status.as_u16())));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)
        .context("its answer broke off")
        .map_err(silent)?
    {
        if body.len() + chunk.len() > TALK_BYTES_MAX {
            return Err(silent(anyhow::anyhow!("its answer does not end")));
        }
        body.extend_from_slice(&chunk);
    }
    let disbelieved = |error| Unheard { error, is_disbelieved: true };
    let envelope: Envelope = serde_json::from_slice(&body)
        .context("its answer is no signed document")
        .map_err(disbelieved)?;
    let talk = open(&envelope, settings, twin, site.now()).map_err(disbelieved)?;
    if talk.nonce != nonce {
        return Err(disbelieved(anyhow::anyhow!("it repeats an old answer")));
    }
    hear(site, twins, twin, talk).await.map_err(silent)
}

/// Answers another installation that talks to this one.
///
/// # Errors
/// When it is none that the files name, or cannot be believed.
pub(crate) async fn answer(site: &Site, envelope: &Envelope) -> anyhow::Result<Envelope> {
    let twins = site.twins();
    let settings = twins.settings();
    let (now, mut refused) = (site.now(), None);
    for twin in &settings.twins {
        match open(envelope, &settings, twin, now) {
            Ok(talk) => {
                // Whoever kept a question cannot ask it again.
                let known = twins.ear(&twin.name).and_then(|ear| ear.heard);
                let is_newer = known.is_none_or(|(_, known)| talk.at > known.at);
                ensure!(is_newer, "this was said before");
                let nonce = talk.nonce.clone();
                hear(site, twins, twin, talk).await?;
                // It may have told what waits here.
                follow_up(site, twins).await;
                return say(site, twins, &settings, twin, nonce).await;
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| anyhow::anyhow!("no twin is configured here")))
}

/// What one of them says, if it is to be believed.
fn open(
    envelope: &Envelope,
    settings: &Settings,
    twin: &Twin,
    now: UnixMillis,
) -> anyhow::Result<Talk> {
    let talk: Talk =
        envelope.open(TALK_TYPE, &twin.key).context("what it says is not to be believed")?;
    let ours = settings.key.as_ref().map(|key| key.public()).unwrap_or_default();
    ensure!(talk.to == ours, "what it says is for somebody else");
    let ahead_ms = talk.at.millis_since(now);
    ensure!(
        ahead_ms.abs() <= CLOCK_MS_MAX,
        "its clock and ours differ by {} s, at most {} s are borne",
        ahead_ms.abs() / 1_000,
        CLOCK_MS_MAX / 1_000
    );
    Ok(talk)
}

/// Keeps what one of them said; whether it has more to say.
async fn hear(site: &Site, twins: &Twins, twin: &Twin, talk: Talk) -> anyhow::Result<bool> {
    let (name, said) = (twin.name.clone(), talk.clone());
    let is_behind = site.read(move |store| keep(store, name, &said)).await?;
    twins.hear(&twin.name, talk, site.now());
    Ok(is_behind)
}

fn keep(store: &Store, twin: Name, talk: &Talk) -> Result<bool, StoreError> {
    let known = store.twin_cursor(&twin)?;
    // Numbers that go back are those of another store: it is read from its beginning.
    let is_other = talk.told_newest < known.told || talk.said_newest < known.said;
    let mut cursor = if is_other { TwinCursor::default() } else { known };
    let (mut words, mut said) = (Vec::new(), Vec::new());
    if talk.told_after <= cursor.told {
        words = talk.told.iter().filter_map(Told::stored).filter(|w| w.receipt.is_some()).collect();
        let newest = talk.told.iter().map(|told| told.number).max();
        cursor.told = cursor.told.max(newest.unwrap_or_default());
    }
    if talk.said_after <= cursor.said {
        said = talk.said.iter().map(Said::stored).collect();
        let newest = talk.said.iter().map(|said| said.number).max();
        cursor.said = cursor.said.max(newest.unwrap_or_default());
    }
    words.extend(published(store, &twin, talk)?);
    let is_behind = talk.said.len() >= SAID_MAX || messages(&talk.told) >= TOLD_MAX;
    if !words.is_empty() || !said.is_empty() || cursor != known {
        store.hear_twin(&TwinHeard { twin, words, said, cursor })?;
    }
    Ok(is_behind)
}

/// What one of them told in public and is not known here yet: it says the same for a while.
fn published(store: &Store, twin: &Name, talk: &Talk) -> Result<Vec<TwinWord>, StoreError> {
    let words = talk.published.iter().filter_map(Told::stored);
    let words: Vec<TwinWord> = words.filter(|word| word.receipt.is_some()).collect();
    let mut notices: Vec<AlertId> = words.iter().map(|word| word.alert).collect();
    notices.sort_unstable();
    notices.dedup();
    let known = store.twin_words(&notices)?;
    let is_new = |word: &TwinWord| !known.iter().any(|(who, known)| who == twin && known == word);
    Ok(words.into_iter().filter(is_new).collect())
}

fn messages(told: &[Told]) -> usize {
    told.chunk_by(|a, b| a.number == b.number).count()
}

/// What this installation says to one of them, signed.
async fn say(
    site: &Site,
    twins: &Twins,
    settings: &Settings,
    twin: &Twin,
    nonce: String,
) -> anyhow::Result<Envelope> {
    let key = settings.key.clone().context("this installation has no heartbeat_key")?;
    let snapshot = site.snapshot().await?;
    let sees = snapshot.networks.iter().filter(|network| network.trust.verdict != Verdict::No);
    let sees: Vec<u64> = sees.map(|network| network.health.chain_id).collect();
    let heard = twins.ear(&twin.name).and_then(|Ear { heard, .. }| heard);
    let knows = heard.map(|(_, talk)| (talk.knows_told, talk.knows_said));
    let (told_after, said_after) = knows.unwrap_or_default();
    let (name, now) = (twin.name.clone(), site.now());
    let since = UnixMillis(now.0 - TOLD_MS);
    let (to, speaks_first) = (twin.key.to_lowercase(), !twin.is_first);
    let publishing = twins.publishing();
    let talk = site
        .read(move |store| {
            let (newest, known) = (store.twin_newest()?, store.twin_cursor(&name)?);
            // Who knows more than there is knows another store.
            let (told_after, said_after) = match (told_after, said_after) {
                (told, said) if told > newest.told || said > newest.said => (0, 0),
                known => known,
            };
            let told = store.told_after(told_after, since, TOLD_MAX)?;
            let mut under_way = store.under_way(UNDER_WAY_MAX)?;
            under_way.extend(publishing);
            let published = agreed::published(store, now)?;
            let said = store.said_after(said_after, since, SAID_MAX)?;
            Ok(Talk {
                to,
                nonce,
                at: next_moment(now),
                speaks_first,
                sees,
                told: told.into_iter().map(|(number, word)| Told::new(number, word)).collect(),
                told_after,
                told_newest: newest.told,
                under_way: under_way.into_iter().map(|word| Told::new(0, word)).collect(),
                published: published.into_iter().map(|word| Told::new(0, word)).collect(),
                said: said.into_iter().map(Said::new).collect(),
                said_after,
                said_newest: newest.said,
                knows_told: known.told,
                knows_said: known.said,
            })
        })
        .await?;
    key.seal(TALK_TYPE, &talk)
}

/// A moment that no earlier talk of this process bears: the other one takes no moment twice.
fn next_moment(now: UnixMillis) -> UnixMillis {
    static NEWEST: AtomicU64 = AtomicU64::new(0);
    let wanted = u64::try_from(now.0).unwrap_or_default();
    let newest = NEWEST.fetch_max(wanted, Ordering::Relaxed);
    match newest < wanted {
        true => now,
        false => {
            let next = NEWEST.fetch_add(1, Ordering::Relaxed) + 1;
            UnixMillis(i64::try_from(next).unwrap_or(now.0))
        }
    }
}

fn nonce() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(hex::encode(bytes))
}
