//! An answer that is taken.

use alert::{Labels, pager::Input, quiet::SIGNATURES};
use model::{AlertId, Name, UnixMillis};
use store::AnswerRecord;

use super::{Answers, Asked, Closed, Stranger, System, Who, Wish, calm};
use crate::paths::{self, Covers, FinePath};

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
        Ok((self.inner.desk.put)(vec![Input::Said { alerts, by, deed, at, reason }])?)
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
        // On record first: of two that come at once, one is told that the other was first.
        if let Err(answered) = self.inner.store.add_answer(&record, asked.wish.people_max())? {
            return Err(Closed::Answered(Box::new(Asked { answered, ..asked })));
        }
        match self.carry_out(follows) {
            Ok(unsigned) => Ok(Done { asked, by, at, unsigned }),
            Err(error) => {
                // Nothing came of it, so the button still counts; the first error is the cause.
                if let Err(error) = self.inner.store.drop_answer(&record) {
                    tracing::error!(%error, "an answer without effect stays on record");
                }
                Err(error)
            }
        }
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
            let said = Input::Said { alerts: asked.ids(), by: by.clone(), deed, at, reason };
            return Ok(Follows::Inputs(vec![said]));
        }
        if asked.wish == Wish::PathFine {
            return self.fine_path(asked, by, via).map(|fine| Follows::Path(Box::new(fine)));
        }
        let labels: Vec<Labels> = asked.alerts.iter().map(Labels::of).collect();
        let silence = calm::silence(&labels, asked.wish, by, at, &reason).ok_or_else(|| {
            Closed::Impossible(
                "the alerts of this message come from several monitors: silence them one by one"
                    .to_owned(),
            )
        })?;
        let id = silence.id.clone();
        let is_attack = asked.alerts.iter().any(|alert| (self.inner.desk.is_attack)(alert));
        // Whoever comes second signs what is there already: the first of the two inputs is refused
        // then, as the silence exists. So it does not matter which of two that come at once is first.
        let sign = Input::Sign { silence: id.clone(), by: by.clone() };
        Ok(Follows::Silence {
            id,
            by: by.clone(),
            is_attack,
            inputs: vec![Input::Silence(silence), sign],
        })
    }

    fn fine_path(&self, asked: &Asked, by: &Name, via: &str) -> Result<FinePath, Closed> {
        let alert = asked.alerts.first().ok_or(Closed::Gone)?;
        let Some(path) = paths::path_of(&alert.first) else {
            return Err(Closed::Impossible("this alert is about no path".to_owned()));
        };
        Ok(FinePath {
            path,
            covers: Covers::Exact,
            monitors: vec![alert.monitor.clone()],
            judged_by: by.to_string(),
            judged_on: paths::today(),
            why: format!("alert {} was judged fine over {via}", alert.id),
            until: None,
        })
    }

    fn carry_out(&self, follows: Follows) -> Result<Option<Name>, Closed> {
        match follows {
            Follows::Inputs(inputs) => {
                (self.inner.desk.put)(inputs)?;
                Ok(None)
            }
            Follows::Silence { id, by, is_attack, inputs } => {
                let known = (self.inner.desk.silence)(&id)?;
                let mut signed = known.map(|silence| silence.signed).unwrap_or_default();
                signed.entry(by).or_insert(UnixMillis(0));
                (self.inner.desk.put)(inputs)?;
                Ok((is_attack && signed.len() < SIGNATURES).then_some(id))
            }
            Follows::Path(fine) => {
                let Some(teacher) = &self.inner.teacher else {
                    return Err(Closed::Impossible(
                        "there is no folder here to write the judgement into".to_owned(),
                    ));
                };
                teacher.fine(&fine).map_err(|error| Closed::Impossible(format!("{error:#}")))?;
                Ok(None)
            }
        }
    }
}

/// What an answer leads to.
enum Follows {
    /// Words for the pager.
    Inputs(Vec<Input>),
    /// A silence for the pager.
    Silence {
        /// Which.
        id: Name,
        /// Whose signature it gets now.
        by: Name,
        /// Whether it would hide what looks like an attack.
        is_attack: bool,
        inputs: Vec<Input>,
    },
    /// A judgement for the folder.
    Path(Box<FinePath>),
}
