//! Asking for points: by metric and labels, in buckets of any width.

use model::{Name, SeriesKey, UnixSeconds};
use rusqlite::{OptionalExtension, Transaction, params};

use super::Series;
use crate::{StoreError, codec};

const TABLE: &str = "series";
const SAMPLES: &str = "samples";

/// Series that one query answers at most: more than a chart can show, or a table a person reads.
pub const SERIES_PER_QUERY_MAX: usize = 1_000;

/// Series that one query adds up at most: 1,000 contracts with 20 functions each.
pub const SERIES_PER_TOTAL_MAX: usize = 20_000;

/// Buckets that one query asks of each series at most: a week by the minute.
const BUCKETS_MAX: u64 = 11_000;

/// How a label's value is compared. A label that is not there has the empty value, as in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchOp {
    /// Is this.
    Equal(String),
    /// Is anything but this.
    NotEqual(String),
    /// Is one of these.
    OneOf(Vec<String>),
}

/// One condition on a series' labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMatcher {
    /// Name of the label.
    pub label: String,
    /// What its value must be.
    pub op: MatchOp,
}

impl LabelMatcher {
    /// The label is exactly this.
    pub fn equal(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), op: MatchOp::Equal(value.into()) }
    }

    /// Whether a series meets the condition.
    pub fn matches(&self, key: &SeriesKey) -> bool {
        let value = key.label(&self.label).unwrap_or_default();
        match &self.op {
            MatchOp::Equal(wanted) => value == wanted,
            MatchOp::NotEqual(unwanted) => value != unwanted,
            MatchOp::OneOf(wanted) => wanted.iter().any(|wanted| value == wanted),
        }
    }
}

/// Points of some series between two times, in buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    /// Only of this network, when named.
    pub network: Option<Name>,
    /// Metric.
    pub metric: String,
    /// Conditions; all must be met.
    pub matchers: Vec<LabelMatcher>,
    /// From this second on.
    pub from: UnixSeconds,
    /// Before this second.
    pub until: UnixSeconds,
    /// Width of a bucket in seconds, at least 1. Buckets begin at its multiples, whatever `from`
    /// is, so that two queries that overlap agree.
    pub step_s: u64,
}

/// What happened in one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where the bucket begins.
    pub at: UnixSeconds,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean of the values.
    pub mean: f64,
    /// The newest value.
    pub last: f64,
    /// Seconds with a value. Never 0: a bucket without values is absent, not zero.
    pub n: u64,
}

/// All points of one series in a range, added up.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesTotal {
    /// Network.
    pub network: Name,
    /// Series.
    pub key: SeriesKey,
    /// Sum of the values; of several blocks in one second, each counts.
    pub sum: f64,
    /// Points with a value; never 0.
    pub n: u64,
    /// When the oldest of them is.
    pub first_at: UnixSeconds,
    /// When the newest of them is.
    pub last_at: UnixSeconds,
}

/// One series' answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesPoints {
    /// Network.
    pub network: Name,
    /// Series.
    pub key: SeriesKey,
    /// Buckets with values, ascending.
    pub buckets: Vec<Bucket>,
}

impl Series {
    /// Buckets of every series that matches and has values in the range, by network and key. A
    /// value that is no number (NaN) is as if it were not there.
    ///
    /// # Errors
    /// [`StoreError::BadQuery`] for an empty range or a step of 0; [`StoreError::QueryTooLarge`]
    /// when more buckets or series would be returned than allowed.
    pub fn range(&self, query: &RangeQuery) -> Result<Vec<SeriesPoints>, StoreError> {
        if query.step_s == 0 {
            return Err(StoreError::BadQuery("a step of 0 seconds"));
        }
        if query.from >= query.until {
            return Err(StoreError::BadQuery("a range that ends where it begins, or before"));
        }
        let asked = (query.until.0 - query.from.0).div_ceil(query.step_s);
        if asked > BUCKETS_MAX {
            let what = "buckets";
            return Err(StoreError::QueryTooLarge { what, asked, limit: BUCKETS_MAX });
        }
        self.store.read("query time series", |tx| {
            let mut answer = Vec::new();
            let (network, matchers) = (query.network.as_ref(), &query.matchers);
            for Found { id, network, key } in
                find(tx, network, &query.metric, matchers, SERIES_PER_QUERY_MAX)?
            {
                let buckets = buckets(tx, id, query)?;
                if !buckets.is_empty() {
                    answer.push(SeriesPoints { network, key, buckets });
                }
            }
            Ok(answer)
        })
    }

    /// The sum over a range of every series that matches and has values there, by network and key:
    /// what was counted, without reading it point by point.
    ///
    /// # Errors
    /// [`StoreError::QueryTooLarge`] when more than [`SERIES_PER_TOTAL_MAX`] series match.
    pub fn totals(
        &self,
        metric: &str,
        matchers: &[LabelMatcher],
        from: UnixSeconds,
        until: UnixSeconds,
    ) -> Result<Vec<SeriesTotal>, StoreError> {
        self.store.read("add up time series", |tx| {
            let mut total = tx.prepare_cached(
                "SELECT coalesce(sum(value), 0.0), count(value), min(at), max(at) FROM samples
                 WHERE series = ?1 AND at >= ?2 AND at < ?3 AND value IS NOT NULL",
            )?;
            let mut answer = Vec::new();
            for Found { id, network, key } in
                find(tx, None, metric, matchers, SERIES_PER_TOTAL_MAX)?
            {
                let range = params![id, codec::seconds(from), codec::seconds(until)];
                let (sum, n, first, last): (f64, i64, Option<i64>, Option<i64>) = total
                    .query_row(range, |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })?;
                let (Some(first), Some(last)) = (first, last) else { continue };
                answer.push(SeriesTotal {
                    network,
                    sum,
                    n: codec::unsigned(n, SAMPLES, &key)?,
                    first_at: UnixSeconds(codec::unsigned(first, SAMPLES, &key)?),
                    last_at: UnixSeconds(codec::unsigned(last, SAMPLES, &key)?),
                    key,
                });
            }
            Ok(answer)
        })
    }

    /// The newest value of every series that matches, by network and key, with its time. NaN is a
    /// value here: it is the newest thing known.
    ///
    /// # Errors
    /// [`StoreError::QueryTooLarge`] when more series match than allowed.
    pub fn last(
        &self,
        network: Option<&Name>,
        metric: &str,
        matchers: &[LabelMatcher],
    ) -> Result<Vec<(Name, SeriesKey, UnixSeconds, f64)>, StoreError> {
        self.store.read("query the newest points", |tx| {
            let mut newest = tx.prepare_cached(
                "SELECT at, value FROM samples WHERE series = ?1
                 ORDER BY at DESC, block_number DESC LIMIT 1",
            )?;
            let mut answer = Vec::new();
            for Found { id, network, key } in
                find(tx, network, metric, matchers, SERIES_PER_QUERY_MAX)?
            {
                let point: Option<(i64, Option<f64>)> =
                    newest.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                if let Some((at, value)) = point {
                    let at = codec::unsigned(at, SAMPLES, &key)?;
                    answer.push((network, key, UnixSeconds(at), value.unwrap_or(f64::NAN)));
                }
            }
            Ok(answer)
        })
    }

    /// Names of all metrics, sorted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn metrics(&self) -> Result<Vec<String>, StoreError> {
        self.store.read("list metrics", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT DISTINCT metric FROM series ORDER BY metric")?;
            let metrics = statement.query_map([], |row| row.get(0))?;
            Ok(metrics.collect::<Result<Vec<_>, _>>()?)
        })
    }

    /// The series that match, by network and key.
    ///
    /// # Errors
    /// [`StoreError::QueryTooLarge`] when more series match than allowed.
    pub fn keys(
        &self,
        network: Option<&Name>,
        metric: &str,
        matchers: &[LabelMatcher],
    ) -> Result<Vec<(Name, SeriesKey)>, StoreError> {
        self.store.read("list series", |tx| {
            let found = find(tx, network, metric, matchers, SERIES_PER_QUERY_MAX)?;
            Ok(found.into_iter().map(|found| (found.network, found.key)).collect())
        })
    }
}

struct Found {
    id: i64,
    network: Name,
    key: SeriesKey,
}

fn find(
    tx: &Transaction<'_>,
    network: Option<&Name>,
    metric: &str,
    matchers: &[LabelMatcher],
    series_max: usize,
) -> Result<Vec<Found>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, network, key FROM series
         WHERE metric = ?1 AND (?2 IS NULL OR network = ?2)",
    )?;
    let mut rows = statement.query(params![metric, network.map(Name::as_str)])?;
    let mut found = Vec::new();
    let mut matching = 0_u64;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let key: SeriesKey = codec::decode(body, TABLE, id)?;
        if !matchers.iter().all(|matcher| matcher.matches(&key)) {
            continue;
        }
        matching += 1;
        if found.len() < series_max {
            let network: String = row.get(1)?;
            found.push(Found { id, network: codec::name(&network, TABLE, id)?, key });
        }
    }
    if matching > series_max as u64 {
        let limit = series_max as u64;
        return Err(StoreError::QueryTooLarge { what: "series", asked: matching, limit });
    }
    found.sort_by(|a, b| (&a.network, &a.key).cmp(&(&b.network, &b.key)));
    Ok(found)
}

fn buckets(tx: &Transaction<'_>, id: i64, query: &RangeQuery) -> Result<Vec<Bucket>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT at, value FROM samples WHERE series = ?1 AND at >= ?2 AND at < ?3
         ORDER BY at, block_number",
    )?;
    let range = params![id, codec::seconds(query.from), codec::seconds(query.until)];
    let mut rows = statement.query(range)?;
    let mut buckets = Buckets { step_s: query.step_s, done: Vec::new(), sum: 0.0 };
    let mut second: Option<(u64, Option<f64>)> = None;
    while let Some(row) = rows.next()? {
        let at: u64 = codec::unsigned(row.get(0)?, SAMPLES, id)?;
        let value: Option<f64> = row.get(1)?;
        // Blocks that share a second come in order of height: the last one is the second's value.
        if let Some((earlier, value)) = second
            && earlier != at
        {
            buckets.add(earlier, value);
        }
        second = Some((at, value));
    }
    if let Some((at, value)) = second {
        buckets.add(at, value);
    }
    Ok(buckets.done)
}

struct Buckets {
    step_s: u64,
    done: Vec<Bucket>,
    /// Sum of the values in the newest bucket.
    sum: f64,
}

impl Buckets {
    fn add(&mut self, at: u64, value: Option<f64>) {
        let Some(value) = value else { return };
        let at = UnixSeconds(at - at % self.step_s);
        match self.done.last_mut() {
            Some(bucket) if bucket.at == at => {
                self.sum += value;
                bucket.n += 1;
                bucket.min = bucket.min.min(value);
                bucket.max = bucket.max.max(value);
                bucket.mean = self.sum / bucket.n as f64;
                bucket.last = value;
            }
            _ => {
                self.sum = value;
                let (min, max, mean, last) = (value, value, value, value);
                self.done.push(Bucket { at, min, max, mean, last, n: 1 });
            }
        }
    }
}
