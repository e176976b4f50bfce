use super::*;

/// The page that users read.
const PAGE: &str = include_str!("../../../../../docs/expressions.md");

/// The lines of the fenced blocks of a language.
fn examples(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks = PAGE.split(&fence).skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or("").lines()).collect()
}

#[test]
fn every_example_of_the_page_compiles() {
    let conditions = examples("expression");
    assert!(conditions.len() > 10);
    for source in conditions {
        if let Err(diagnostics) = compile(source, &scope()) {
            panic!("{}", diagnostics[0].render(source));
        }
    }
    let messages = examples("template");
    assert!(!messages.is_empty());
    for text in messages {
        if let Err(diagnostics) = Say::compile(text, &scope()) {
            panic!("{}", diagnostics[0].render(text));
        }
    }
}

#[test]
fn the_page_names_every_variable_and_every_limit() {
    for builtin in Builtin::ALL {
        let (_, field) = builtin.name().split_once('.').unwrap();
        assert!(PAGE.contains(&format!("`{field}`")), "{}", builtin.name());
    }
    for word in STATUS_WORDS.iter().chain(CALL_KIND_WORDS) {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
    assert!(PAGE.contains(&format!(
        "| {} KiB, {} KiB |",
        SOURCE_LEN_MAX / 1024,
        Say::SOURCE_LEN_MAX / 1024
    )));
    assert!(PAGE.contains(&format!("| {NESTING_MAX}; ")));
    assert!(PAGE.contains(&format!("| {QUANTIFIER_DEPTH_MAX} |")));
    assert_eq!((LIST_LEN_MAX, STEPS_MAX, Say::MESSAGE_LEN_MAX), (1_024, 262_144, 4_096));
}
