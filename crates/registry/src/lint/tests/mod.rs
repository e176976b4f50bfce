//! Rules that fire and rules that stay quiet.

mod interface; // rules over interfaces, and the forms they come in
mod waivers; //   accepted until a day, and not beyond

use super::*;

#[test]
fn every_rule_says_what_why_and_what_to_do() {
    let mut ids: Vec<&str> = rules().map(|rule| rule.id).collect();
    for rule in rules() {
        let is_id = rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(is_id, "{} is lower case with hyphens", rule.id);
        assert!(rule.what.ends_with('.') && rule.why.ends_with('.'), "{}: sentences", rule.id);
        assert!(!rule.help.is_empty() && !rule.help.ends_with('.'), "{}: advice", rule.id);
        assert_eq!(super::rule(rule.id), Some(rule));
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "no id twice");
}
