//! Rules that fire and rules that stay quiet.

mod events; //    what reaches an event and what does not
mod fixtures; //  every rule with what it must find and what it must not
mod interface; // rules over interfaces, and the forms they come in
mod waivers; //   accepted until a day, and not beyond

use super::*;

#[test]
fn every_rule_has_its_section_in_the_documentation() {
    let page = include_str!("../../../../../docs/lint.md");
    for rule in rules() {
        let section = page.split(&format!("\n### `{}`\n", rule.id)).nth(1);
        let section =
            section.unwrap_or_else(|| panic!("docs/lint.md has no section on {}", rule.id));
        let section = section.split("\n### ").next().unwrap();
        assert!(section.contains("*Do:*"), "{}: says what to do", rule.id);
        assert!(
            section.to_lowercase().contains(&format!("**{}", rule.severity)),
            "{}: {section}",
            rule.id
        );
    }
    for section in page.split("\n### `").skip(1) {
        let id = section.split('`').next().unwrap();
        assert!(rule(id).is_some(), "docs/lint.md has a section on {id}, which is no rule");
    }
}

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
