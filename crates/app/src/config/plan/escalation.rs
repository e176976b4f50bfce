//! `[[escalation]]`: who is called in which order.

use alert::plan::{CLIMB_MIN_DEFAULT, Escalation, Rung, Target};
use model::{Name, Severity};

use super::{
    super::table::{Located, Table},
    Known, nearest,
};

/// Steps of an escalation: more than a night is long, even an hour apart.
const STEPS_MAX: usize = 24;

/// Without an `[[escalation]]`: whoever is on call, schedule after schedule, and then those of the
/// last resort. So a `people.toml` alone is enough for somebody to be called.
pub(super) fn default(schedules: &[Name], fallback: &[Name]) -> (Name, Escalation) {
    let on_call = schedules.iter().map(|name| vec![Target::OnCall(name.clone())]);
    let people = fallback.iter().map(|name| vec![Target::Person(name.clone())]);
    let rungs = on_call.chain(people).take(STEPS_MAX).collect();
    (Name::new("in-order").expect("a plain slug"), Escalation::of(rungs))
}

pub(super) fn escalation(table: &Table<'_>, name: &Name, known: &Known) -> Option<Escalation> {
    let page_from = table.word::<Severity>("page_from").map_or(Severity::High, |s| s.value);
    let steps = table.tables("step");
    if steps.is_empty() {
        table.mistake_help(
            table.span(),
            format!("escalation {name} has no steps: nobody would be called"),
            "[[escalation.step]]\n     to = [\"ann\"]",
        );
    }
    if steps.len() > STEPS_MAX {
        table.mistake(
            table.span(),
            format!("escalation {name} has {} steps; the most is {STEPS_MAX}", steps.len()),
        );
    }
    let mut rungs = Vec::new();
    let mut default_s =
        Escalation::of(vec![Vec::new(); steps.len().min(STEPS_MAX)]).rungs.into_iter();
    for step in &steps {
        let after = step.duration_ms("after").map(|after| after.value / 1_000);
        let usual = default_s.next().map_or(0, |rung| rung.after_s);
        let targets = step.names("to");
        if targets.is_empty() {
            step.mistake_help(
                step.span(),
                "to is empty: this step would call nobody",
                "to = [\"ann\"] or the name of a schedule",
            );
        }
        let to = targets.iter().filter_map(|target| named(step, target, known)).collect();
        rungs.push(Rung { after_s: after.unwrap_or(usual), to });
    }
    let repeat_s = match table.duration_ms("repeat") {
        Some(repeat) => repeat.value / 1_000,
        None => CLIMB_MIN_DEFAULT[2] * 60,
    };
    for step in steps {
        step.finish();
    }
    Some(Escalation { page_from, rungs, repeat_s })
}

/// A person, or whoever is on call by a schedule.
fn named(table: &Table<'_>, name: &Located<Name>, known: &Known) -> Option<Target> {
    let is_person = known.people.contains(&name.value);
    let is_schedule = known.schedules.contains(&name.value);
    if is_schedule && !is_person {
        return Some(Target::OnCall(name.value.clone()));
    }
    if is_person && !is_schedule {
        return Some(Target::Person(name.value.clone()));
    }
    let text = name.value.as_str();
    if is_person {
        table.mistake_help(
            name.span.clone(),
            format!("to: {text:?} is a person and a schedule"),
            "give the schedule another name",
        );
        return None;
    }
    let all = || known.people.iter().chain(&known.schedules).map(Name::as_str);
    let help = match nearest(text, all()) {
        Some(near) => format!("did you mean {near}?"),
        None if all().next().is_none() => "people.toml declares nobody".to_owned(),
        None => format!("declared: {}", all().collect::<Vec<_>>().join(", ")),
    };
    table.mistake_help(
        name.span.clone(),
        format!("to: there is no person and no schedule {text:?}"),
        help,
    );
    None
}
