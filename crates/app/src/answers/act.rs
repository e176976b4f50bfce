//! An answer that is taken.

use alert::{
    Labels,
    pager::{Input, Key, Row, Stored},
    quiet::SIGNATURES,
};
use model::{Alert, AlertId, Name, Severity, UnixMillis};
use store::AnswerRecord;

use super::{Answers, Asked, Closed, Stranger, System, Who, Wish, calm};
use crate::{
    paging::stored,
    paths::{self, Covers, FinePath},
};

/// What an answer came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was asked for, of what.
    pub asked: Asked,
    /// Who.
    pub by: Name,
    /// When.
    pub at: UnixMillis,
    /// The silence that waits for the signature of another person before it hides what looks like
    /// an attack.
    pub unsigned: Option<Name>,
}

impl Answers {
    /// Does what a token asks for, once. `via` says over what it came, for the record.
    ///
    /// # Errors
    /// When it is not taken, and why; nothing has happened then.
    pub fn act(&self, token: &str, who: &Who, via: &str) -> Result<Done, Closed> {
        let asked = self.look(token)?;
        self.take(asked, who, via)
    }

    /// What a person said who was on the phone about these alerts, or who pressed a button of
    /// another pager.
    ///
    /// # Errors
    /// When the pager's inbox cannot be written.
    pub fn said(
        &self,
        alerts: Vec<AlertId>,
        by: &Name,
        deed: alert::life::Deed,
        via: &str,
    ) -> Result<(), Closed> {
        let (by, at) = (by.clone(), self.now());
        let reason = format!("over {via}");
        self.inner.inbox.put(&Input::Said { alerts, by, deed, at, reason }, at)?;
        Ok(())
    }

    /// Whose account it is.
    ///
    /// # Errors
    /// When it is nobody's.
    pub fn whose(&self, system: System, account: &str) -> Result<Name, Closed> {
        let known = self.inner.people.accounts.get(&(system, account.to_owned())).cloned();
        Ok(known.ok_or(Stranger::Account(system.as_str()))?)
    }

    fn take(&self, asked: Asked, who: &Who, via: &str) -> Result<Done, Closed> {
        let at = self.now();
        if at > asked.expires_at() {
            return Err(Closed::Expired(Box::new(asked)));
        }
        let by =
            self.inner.people.person(who, asked.wish, &asked.channel, asked.person.as_ref())?;
        let record = AnswerRecord {
            message: asked.message,
            wish: asked.wish.code(),
            by: by.clone(),
            at,
            via: via.to_owned(),
        };
        let follows = self.follows(&asked, &by, at, via)?;
        let stored: Vec<store::Input> =
            follows.inputs.iter().map(|input| stored(input, at)).collect();
        let kept = self.inner.store.add_answer(&record, asked.wish.people_max(), &stored)?;
        if let Err(answered) = kept {
            return Err(Closed::Answered(Box::new(Asked { answered, ..asked })));
        }
        self.inner.inbox.wake().notify_one();
        Ok(Done { asked, by, at, unsigned: follows.unsigned })
    }

    fn follows(
        &self,
        asked: &Asked,
        by: &Name,
        at: UnixMillis,
        via: &str,
    ) -> Result<Follows, Closed> {
        let reason = format!("{} over {via}", asked.wish.done());
        if let Some(deed) = asked.wish.deed() {
            let alerts = asked.ids.clone();
            let said = Input::Said { alerts, by: by.clone(), deed, at, reason };
            return Ok(Follows { inputs: vec![said], unsigned: None });
        }
        if asked.wish == Wish::PathFine {
            // Writing the same judgement again changes nothing, so it comes before the record: what
            // is on record was written.
            if asked.answered.is_empty() {
                self.judge_path(asked, by, via)?;
            }
            return Ok(Follows { inputs: Vec::new(), unsigned: None });
        }
        let labels: Vec<Labels> = asked.alerts.iter().map(Labels::of).collect();
        let silence = calm::silence(&labels, asked.wish, by, at, &reason).ok_or_else(|| {
            Closed::Impossible(
                "the alerts of this message come from several monitors: silence them one by one"
                    .to_owned(),
            )
        })?;
        let id = silence.id.clone();
        let mut needs_two = false;
        for alert in &asked.alerts {
            needs_two |= self.looks_like_attack(alert)?;
        }
        let others = self.signed(&id)?.into_iter().filter(|other| other != by).count();
        let unsigned = (needs_two && others + 1 < SIGNATURES).then(|| id.clone());
        // Whoever comes second signs what is there already: the first of the two inputs is refused
        // then, as the silence exists. So it does not matter which of two that come at once is first.
        let sign = Input::Sign { silence: id, by: by.clone() };
        Ok(Follows { inputs: vec![Input::Silence(silence), sign], unsigned })
    }

    /// Whether a silence over an alert needs a second signature: as the pager knows it, or as the
    /// record says when the pager was not told of it yet.
    fn looks_like_attack(&self, alert: &Alert) -> Result<bool, Closed> {
        let key = Key::Card(alert.id).to_string();
        let rows = self.inner.store.pager_rows_of(&key, 1)?;
        let card = rows.into_iter().find(|(found, _)| *found == key);
        let card = card.and_then(|(_, json)| serde_json::from_str::<Stored>(&json).ok());
        let outflow_usd = match card.map(|stored| stored.row) {
            Some(Row::Card(card)) => card.facts().outflow_usd,
            _ => None,
        };
        let limit_usd = self.inner.plan.outflow_limit_usd;
        Ok(alert.severity >= Severity::Critical || outflow_usd.is_some_and(|usd| usd > limit_usd))
    }

    /// Who signed a silence that has not ended.
    fn signed(&self, silence: &Name) -> Result<Vec<Name>, Closed> {
        let key = Key::Silence(silence.clone()).to_string();
        let rows = self.inner.store.pager_rows_of(&key, 1)?;
        let row = rows.into_iter().find(|(found, _)| *found == key);
        let Some((_, json)) = row else { return Ok(Vec::new()) };
        let stored: Stored = serde_json::from_str(&json)
            .map_err(|error| Closed::Impossible(format!("silence {silence}: {error}")))?;
        Ok(match stored.row {
            Row::Silence(silence) => silence.signed.into_keys().collect(),
            _ => Vec::new(),
        })
    }

    fn judge_path(&self, asked: &Asked, by: &Name, via: &str) -> Result<(), Closed> {
        let alert = asked.alerts.first().ok_or(Closed::Gone)?;
        let Some(path) = alert.finding().and_then(paths::path_of) else {
            return Err(Closed::Impossible("this alert is about no path".to_owned()));
        };
        let Some(teacher) = &self.inner.teacher else {
            return Err(Closed::Impossible(
                "there is no folder here to write the judgement into".to_owned(),
            ));
        };
        let fine = FinePath {
            path,
            covers: Covers::Exact,
            monitors: vec![alert.monitor.clone()],
            judged_by: by.to_string(),
            judged_on: paths::today(),
            why: format!("alert {} was judged fine over {via}", alert.id),
            until: None,
            salt: None,
        };
        teacher.fine(&fine).map_err(|error| Closed::Impossible(format!("{error:#}")))
    }
}

/// What an answer leads to.
struct Follows {
    /// Words for the pager.
    inputs: Vec<Input>,
    /// A silence that waits for another signature.
    unsigned: Option<Name>,
}
