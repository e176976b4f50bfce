//! Upgrades judged from code alone.

use proptest::prelude::*;

use super::upgrades::{STORAGE, UPGRADES, build, upgrade};
use crate::{
    layout::{Basis, Build, Named, Options, bytecode::trace, judge, rules},
    lint::Severity,
};

/// The same contract, as if nobody had its source.
fn without_source(text: &str, name: &str) -> Build {
    let build = build(text, name);
    Build { layout: None, source: None, functions: None, ..build }
}

fn conflicts(old: &Build, new: &Build, severity: Severity) -> Vec<String> {
    let judged = upgrade(old, new);
    assert_eq!(judged.basis, Basis::Bytecode);
    let said = |reason: &str| reason.contains("probable");
    assert!(judged.report.left_out.iter().any(|left| said(&left.reason)), "it says how sure it is");
    let found = judged.report.diagnostics.into_iter();
    found
        .filter(|d| d.rule.id == rules::BYTECODE.id && d.severity == severity)
        .map(|d| d.message)
        .collect()
}

#[test]
fn a_variable_inserted_in_front_is_found_without_source() {
    let old = without_source(STORAGE, "Before");
    let found = conflicts(&old, &without_source(STORAGE, "Inserts"), Severity::Error);
    assert!(
        found.iter().any(|m| m.contains("slot 1 is probably used as something else")),
        "{found:#?}"
    );
}

#[test]
fn a_namespace_with_another_root_is_found_without_source() {
    let old = without_source(STORAGE, "Before");
    let found = conflicts(&old, &without_source(STORAGE, "Breaks"), Severity::Error);
    assert!(
        found.iter().any(|m| m.contains("namespace at 0x") && m.contains("gone")),
        "{found:#?}"
    );
}

#[test]
fn code_that_fits_has_no_probable_conflict() {
    let pairs = [
        (STORAGE, "Before", "Before"),
        (STORAGE, "Before", "Fits"),
        (UPGRADES, "Vault", "Vault"),
        (UPGRADES, "Vault", "VaultAppends"),
        (UPGRADES, "Vault", "VaultEnds"),
        (UPGRADES, "Vault", "VaultImmutable"),
    ];
    for (text, old, new) in pairs {
        let found =
            conflicts(&without_source(text, old), &without_source(text, new), Severity::Error);
        assert_eq!(found, [""; 0], "{old} to {new}");
    }
}

#[test]
fn what_bricks_or_ends_an_implementation_shows_in_its_code() {
    let old = without_source(UPGRADES, "Vault");
    for (name, rule) in [
        ("VaultForEver", &rules::NOT_UPGRADEABLE),
        ("VaultEnds", &rules::SELF_DESTRUCT),
        ("VaultDelegates", &rules::DELEGATE_CALL),
    ] {
        let judged = upgrade(&old, &without_source(UPGRADES, name));
        let ids: Vec<&str> = judged.report.diagnostics.iter().map(|d| d.rule.id).collect();
        assert!(ids.contains(&rule.id), "{name}: {ids:?}");
    }
}

#[test]
fn with_neither_layout_nor_code_on_a_side_there_is_nothing_to_compare() {
    let (old, new) = (build(UPGRADES, "Vault"), build(UPGRADES, "Vault"));
    let old = Build { layout: None, code: None, ..old };
    let named = |file, build| Named { file, build };
    let error = judge(named("old.json", &old), named("new.json", &new), Options::default());
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("no storage layout in old.json and no code in old.json"), "{text}");
}

/// An opcode inside of a constant is no opcode.
#[test]
fn carried_bytes_are_no_opcodes() {
    // PUSH2 0xffff POP STOP
    let found = trace(&[0x61, 0xff, 0xff, 0x50, 0x00]);
    assert_eq!((found.self_destructs, found.delegate_calls), (0, 0));
    // CALLER SELFDESTRUCT
    assert_eq!(trace(&[0x33, 0xff]).self_destructs, 1);
    // STOP, then what nothing jumps to
    assert_eq!(trace(&[0x00, 0x33, 0xff]).self_destructs, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_code_is_followed_without_a_panic(code in proptest::collection::vec(any::<u8>(), 0..600)) {
        let found = trace(&code);
        prop_assert!(found.self_destructs <= code.len());
    }
}
