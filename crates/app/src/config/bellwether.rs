//! `bellwether.toml`: what concerns the program as a whole.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use detect::quality::Budget;
use model::{PathSalt, Secret};
use store::Retention;

use super::{
    folder::Surroundings,
    mistake::SourceFile,
    secret::{Literal, Missing, secret},
    table::{Collector, Table, parse},
};

use crate::{coverage::Backfilling, pulse};

/// Settings of the program as a whole.
#[derive(Debug, Clone)]
pub struct General {
    /// What the pages and mails call this installation.
    pub name: String,
    /// File that holds the store, relative to the folder.
    pub store: String,
    /// Where the page and the API listen.
    pub listen: SocketAddr,
    /// Address under which people reach the page; links in messages begin with it.
    pub public_url: String,
    /// How blocks of the past are judged.
    pub backfilling: Backfilling,
    /// How long what is on record is kept.
    pub retention: Retention,
    /// Who shows it may say what alerts turned out to be; without one, pages and API are only read.
    pub write_key: Option<Arc<Secret<String>>>,
    /// What fingerprints of paths are made with.
    pub path_salt: Salted,
    /// False alarms that people are ready to bear.
    pub budget: Budget,
    /// Who notices when this program dies.
    pub pulse: pulse::Settings,
}

/// The salt of fingerprints of paths, as far as it is known here.
#[derive(Debug, Clone)]
pub enum Salted {
    /// The folder names none, or this is it.
    By(PathSalt),
    /// The folder names one, and this machine does not hold it.
    Unreadable,
}

impl Salted {
    /// The salt for whoever needs only what the folder means, and not its fingerprints.
    pub fn or_none(&self) -> PathSalt {
        match self {
            Self::By(salt) => salt.clone(),
            Self::Unreadable => PathSalt::default(),
        }
    }

    /// The salt for whoever makes or takes a fingerprint.
    ///
    /// # Errors
    /// When it cannot be read here.
    pub fn known(&self) -> anyhow::Result<PathSalt> {
        match self {
            Self::By(salt) => Ok(salt.clone()),
            Self::Unreadable => anyhow::bail!(
                "bellwether.toml names a path_salt that cannot be read here, and every fingerprint is made with it"
            ),
        }
    }
}

/// Shortest salt, in bytes: one that nobody finds by trying.
const PATH_SALT_LEN_MIN: usize = 16;

/// Deepest automatic back-fill: years of mainnet. Whoever wants more gives the command.
const DEPTH_BLOCKS_MAX: u64 = 10_000_000;

/// Longest warm-up: a week of a two-second chain. What needs more than that learns for longer than a
/// back-fill should take.
const WARM_UP_BLOCKS_MAX: u64 = 302_400;

/// Time between two looks at the ledger: not less than a second, at most a day.
const LOOK_INTERVAL_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;

/// Largest budget: beyond it nobody reads any more.
const BUDGET_MAX: u64 = 10_000;

const DAY_MS: u64 = 86_400_000;

/// Longest that anything is kept: a century. Whoever wants all of it for ever copies the store.
const KEPT_DAYS_MAX: u64 = 36_500;

/// Shortest that findings are kept: longer than new ones may join an alert, and a month's review.
const FINDINGS_DAYS_MIN: u64 = 30;

/// Port of the page and the API unless the user says otherwise.
pub const PORT_DEFAULT: u16 = 7410;

/// Shortest write key, in bytes: one that cannot be guessed.
const WRITE_KEY_LEN_MIN: usize = 16;

pub(super) fn general(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
    out: &Collector,
) -> Option<General> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let name = table.required_text("name");
    let store = table.text("store").map_or("bellwether.db".to_owned(), |s| s.value);
    let listen = table.parsed("listen", |text| {
        text.parse::<SocketAddr>()
            .map_err(|_| format!("{text:?} is not an address and port like 127.0.0.1:7410"))
    });
    let listen =
        listen.map_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT_DEFAULT), |l| l.value);
    let is_public = table.boolean("listen_publicly").unwrap_or(false);
    if !listen.ip().is_loopback() && !is_public {
        out.add(
            super::Mistake::in_file(
                &file.path,
                format!(
                    "listen = \"{listen}\" is open to other machines, and the page has no login"
                ),
            )
            .with_help(
                "put it behind a proxy that asks who is there, then say listen_publicly = true",
            ),
        );
    }
    let public_url = table.parsed("public_url", |text| {
        let is_good = text.starts_with("https://") || text.starts_with("http://");
        if is_good {
            Ok(text.trim_end_matches('/').to_owned())
        } else {
            Err(format!("{text:?} is not an http(s) address"))
        }
    });
    let public_url = public_url.map_or_else(|| format!("http://{listen}"), |u| u.value);
    let backfilling = backfilling(&table);
    let retention = retention(&table);
    let write_key = secret(&table, "write_key", Literal::Never, around, missing);
    if let Some(key) = write_key.as_ref().filter(|key| !key.value.reveal().is_empty())
        && key.value.reveal().len() < WRITE_KEY_LEN_MIN
    {
        let short = format!("write_key is shorter than {WRITE_KEY_LEN_MIN} bytes");
        table.mistake_help(key.span.clone(), short, "`openssl rand -hex 32` makes a good one");
    }
    let write_key = write_key.map(|key| Arc::new(key.value));
    let path_salt = path_salt(&table, around, missing);
    let budget = budget(&table);
    let pulse = super::pulse::pulse(&table, around, missing);
    table.finish();
    Some(General {
        name: name?.value,
        store,
        listen,
        public_url,
        backfilling,
        retention,
        write_key,
        path_salt,
        budget,
        pulse,
    })
}

/// `path_salt`: what fingerprints of paths are made with.
fn path_salt(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Salted {
    let Some(salt) = secret(table, "path_salt", Literal::Never, around, missing) else {
        return Salted::By(PathSalt::default());
    };
    let len = salt.value.reveal().len();
    if len == 0 && missing == Missing::IsFine {
        return Salted::Unreadable;
    }
    if len < PATH_SALT_LEN_MIN {
        let short = format!("path_salt is shorter than {PATH_SALT_LEN_MIN} bytes");
        table.mistake_help(salt.span.clone(), short, "`openssl rand -hex 32` makes a good one");
    }
    Salted::By(PathSalt::new(salt.value))
}

/// `[budget]`: false alarms that people are ready to bear.
fn budget(main: &Table<'_>) -> Budget {
    let mut budget = Budget::default();
    let Some(table) = main.table("budget") else { return budget };
    let allowed = 1..BUDGET_MAX + 1;
    if let Some(pages) = table.integer_in("page_per_week", allowed.clone()) {
        budget.page_per_week = pages as f64;
    }
    if let Some(messages) = table.integer_in("notify_per_day", allowed) {
        budget.notify_per_day = messages as f64;
    }
    table.finish();
    budget
}

/// `[backfill]`: how blocks of the past are judged.
fn backfilling(main: &Table<'_>) -> Backfilling {
    let mut backfilling = Backfilling::default();
    let Some(table) = main.table("backfill") else { return backfilling };
    if let Some(is_automatic) = table.boolean("automatic") {
        backfilling.is_automatic = is_automatic;
    }
    if let Some(blocks) = table.integer_in("depth_blocks", 0..DEPTH_BLOCKS_MAX + 1) {
        backfilling.depth_blocks = blocks;
    }
    if let Some(blocks) = table.integer_in("warm_up_blocks", 0..WARM_UP_BLOCKS_MAX + 1) {
        backfilling.warm_up_blocks = blocks;
    }
    if let Some(interval) = table.duration_ms("look_interval") {
        if LOOK_INTERVAL_MS.contains(&interval.value) {
            backfilling.look_interval_ms = interval.value;
        } else {
            table.mistake(interval.span, "look_interval is between 1s and 1d");
        }
    }
    table.finish();
    backfilling
}

/// `[retention]`: how long what is on record is kept, in the chain's own time.
fn retention(main: &Table<'_>) -> Retention {
    let mut kept = Retention::default();
    let Some(table) = main.table("retention") else { return kept };
    let days = |key: &'static str, least: u64, kept_s: &mut u64| {
        let kept = table.duration_ms(key)?;
        let days = least * DAY_MS..=KEPT_DAYS_MAX * DAY_MS;
        if days.contains(&kept.value) {
            *kept_s = kept.value / 1_000;
        } else {
            let allowed = format!("{key} is between {least}d and {KEPT_DAYS_MAX}d");
            table.mistake(kept.span.clone(), allowed);
        }
        Some(kept.span)
    };
    let events = days("events", 1, &mut kept.events_s);
    let coverage = days("coverage", 1, &mut kept.coverage_s);
    days("findings", FINDINGS_DAYS_MIN, &mut kept.findings_s);
    days("samples", 1, &mut kept.samples_s);
    if let Some(span) = coverage.or(events).filter(|_| kept.coverage_s < kept.events_s) {
        let short = "coverage is kept at least as long as events: its rows tell how old they are";
        table.mistake(span, short);
    }
    table.finish();
    kept
}
