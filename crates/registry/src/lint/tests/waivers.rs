use model::UnixSeconds;

use super::super::*;

static RULE: Rule = Rule {
    id: "made-up",
    what: "It is made up.",
    why: "A test needs one.",
    severity: Severity::Error,
    help: "nothing",
};

fn report() -> Report {
    let place = Place::contract("abis/vault.json", "Vault").item("pause()");
    let diagnostics = vec![Diagnostic::new(&RULE, "something is wrong").at(place)];
    Report { diagnostics, ..Report::default() }
}

fn waiver(rule: &str, subject: &str, until: u64) -> Waiver {
    Waiver {
        rule: rule.into(),
        subject: subject.into(),
        reason: "known".into(),
        until: UnixSeconds(until),
        until_text: "2026-01-01".into(),
        place: Place::file("lints.toml"),
    }
}

fn ids(report: &Report) -> Vec<&str> {
    report.diagnostics.iter().map(|d| d.rule.id).collect()
}

#[test]
fn a_waiver_holds_until_its_day_and_is_a_finding_from_then_on() {
    let waivers = [waiver("made-up", "Vault.pause()", 100)];
    let mut before = report();
    before.waive(&waivers, UnixSeconds(99));
    assert_eq!((ids(&before), before.waived.len()), (vec![], 1));
    let mut after = report();
    after.waive(&waivers, UnixSeconds(100));
    assert_eq!((ids(&after), after.waived.len()), (vec!["made-up", "waiver-expired"], 0));
    after.sort();
    assert_eq!(after.worst(), Some(Severity::Error), "what it waived is back");
}

#[test]
fn a_waiver_names_its_subject_in_any_of_the_ways_a_person_does() {
    for subject in ["Vault", "Vault.pause()", "pause()", "abis/vault.json", "Va*", "*pause*", "*"] {
        let mut report = report();
        report.waive(&[waiver("made-up", subject, 100)], UnixSeconds(0));
        assert_eq!(ids(&report), [] as [&str; 0], "{subject}");
    }
    for (rule, subject) in
        [("other", "Vault"), ("made-up", "vault"), ("made-up", "Vaul"), ("made-up", "")]
    {
        let mut report = report();
        report.waive(&[waiver(rule, subject, 100)], UnixSeconds(0));
        assert_eq!(ids(&report), ["made-up", "waiver-unused"], "{rule} {subject}");
    }
}

#[test]
fn a_pattern_of_many_stars_ends() {
    let pattern = "*a".repeat(2_000) + "b";
    let mut report = report();
    report.diagnostics[0].places[0].contract = Some("a".repeat(20_000));
    report.waive(&[waiver("made-up", &pattern, 100)], UnixSeconds(0));
    assert_eq!(ids(&report), ["made-up", "waiver-unused"]);
}
