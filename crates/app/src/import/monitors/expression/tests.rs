#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

use expect_test::{Expect, expect};
use registry::{ContractAbi, EventAbi};

use super::*;

const EVENT: &str = "event Swapped(address indexed sender, uint256 amount, uint160 price, int24 tick, \
    string note, string indexed tag, bytes data, bytes32 id, bool paid, uint256[] amounts, uint256 in)";

fn said(dialect: Dialect, source: &str) -> String {
    let event = EventAbi::parse(EVENT).unwrap();
    let scope = Scope { dialect, theirs: Some(&event.params), ours: &event.params };
    told(scope, source)
}

fn of_transaction(dialect: Dialect, source: &str) -> String {
    told(Scope { dialect, theirs: None, ours: &[] }, source)
}

fn told(scope: Scope<'_>, source: &str) -> String {
    let expr = match parse(source, scope.dialect) {
        Ok(expr) => expr,
        Err(mistake) => return format!("{source}\n  no: {}", mistake.render(source)),
    };
    let mut remarks = Vec::new();
    match translate(&expr, scope, &mut remarks) {
        Ok(ours) => {
            let remarks: Vec<String> = remarks.iter().map(|r| format!("\n  - {}", r.0)).collect();
            format!("{source}\n  {ours}{}", remarks.concat())
        }
        Err(mistake) => format!("{source}\n  no: {}", mistake.render(source)),
    }
}

fn check(sources: &[&str], of: impl Fn(&str) -> String, expected: Expect) {
    let all: Vec<String> = sources.iter().map(|source| of(source)).collect();
    expected.assert_eq(&all.join("\n"));
}

#[test]
fn conditions_of_openzeppelin_monitor_are_said_in_our_language() {
    check(
        &[
            "amount > 1000 AND sender == 0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
            "amount >= 5 or amount < 2 and paid == true",
            "(amount >= 5 OR amount < 2) AND paid == false",
            "price > 100",
            "tick < -5",
            "Amount == 7",
            "note CONTAINS 'Up Grade'",
            "tag == 'blue'",
            "data starts_with 0xA9059CBB",
            "data contains '0xa905'",
            "amounts contains 3 AND amounts[1] > 2",
            "in > 3",
            "amount == 1.5",
            "sender != '0x0000000000000000000000000000000000000000'",
        ],
        |source| said(Dialect::OpenZeppelin, source),
        expect![[r#"
            amount > 1000 AND sender == 0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED
              amount > 1000 && sender == 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
            amount >= 5 or amount < 2 and paid == true
              amount >= 5 || amount < 2 && paid == true
            (amount >= 5 OR amount < 2) AND paid == false
              (amount >= 5 || amount < 2) && paid == false
            price > 100
              price > 100
              - `price` is of type uint160, which it does not support: there the condition failed and never matched; here it is compared
            tick < -5
              tick < -5
              - `tick` is of type int24, which it does not support: there the condition failed and never matched; here it is compared
            Amount == 7
              amount == 7
              - `Amount` is spelled `amount` in the ABI: there the condition failed and never matched; here the parameter is meant
            note CONTAINS 'Up Grade'
              lower(note) contains "up grade"
            tag == 'blue'
              tag == "blue"
              - `tag` is indexed, so the chain holds only its hash: there the hash's digits were compared with "blue" and never equal; here the hash of "blue" is compared
            data starts_with 0xA9059CBB
              data starts_with 0xa9059cbb
            data contains '0xa905'
              data contains 0xa905
              - there 0xa905 was looked for as text with its `0x`, which only the beginning has; here it is looked for anywhere
            amounts contains 3 AND amounts[1] > 2
              amounts contains 3 && amounts[1] > 2
            in > 3
              $10 > 3
            amount == 1.5
              amount == 1.5
              - 1.5 is no whole number in plain digits: there the comparison failed and never matched; here it is compared exactly
            sender != '0x0000000000000000000000000000000000000000'
              sender != address(0)"#]],
    );
}

#[test]
fn what_it_could_never_match_is_refused_with_the_place() {
    check(
        &[
            "amuont > 5",
            "amount > sender",
            "amount = 5",
            "amount > 5 && paid == true",
            "!paid == true",
            "amount contains 5",
            "sender > 5",
            "sender == 'me'",
            "note == 'open",
            "amounts == '[1,2]'",
            "tag contains 'x'",
            "data ends_with 0xabc",
            "",
            "amount > and",
            "((amount > 5)",
        ],
        |source| said(Dialect::OpenZeppelin, source),
        expect![[r#"
            amuont > 5
              no: no parameter `amuont`: there the condition failed and never matched (parameters: sender, amount, price, tick, note, tag, data, id, paid, amounts, in) at character 1
              | amuont > 5
              | ^
            amount > sender
              no: "sender" is no number at character 10
              | amount > sender
              |          ^
            amount = 5
              no: expected one of ==, !=, <, <=, >, >=, contains, starts_with, ends_with, found `=`; equality is == there at character 8
              | amount = 5
              |        ^
            amount > 5 && paid == true
              no: expected AND, OR or the end, found `&&`; `&&` is AND there at character 12
              | amount > 5 && paid == true
              |            ^
            !paid == true
              no: expected the name of a parameter, found `!paid`; there is no negation there at character 1
              | !paid == true
              | ^
            amount contains 5
              no: contains cannot be asked of a number; there it failed and never matched at character 1
              | amount contains 5
              | ^
            sender > 5
              no: > cannot be asked of an address; there it failed and never matched at character 1
              | sender > 5
              | ^
            sender == 'me'
              no: "me" is no address at character 11
              | sender == 'me'
              |           ^
            note == 'open
              no: this quote is never closed at character 9
              | note == 'open
              |         ^
            amounts == '[1,2]'
              no: a whole array can only be asked whether it contains a value; compare its elements: name[0] at character 1
              | amounts == '[1,2]'
              | ^
            tag contains 'x'
              no: `tag` is indexed, so the chain holds only its hash, of which contains "x" cannot be asked at character 1
              | tag contains 'x'
              | ^
            data ends_with 0xabc
              no: "0xabc" is not whole bytes in hexadecimal digits at character 16
              | data ends_with 0xabc
              |                ^

              no: expected the name of a parameter, found the end at character 1
              | 
              | ^
            amount > and
              no: "and" is a keyword; quote it to compare with the text at character 10
              | amount > and
              |          ^
            ((amount > 5)
              no: expected `)`, found the end at character 14
              | ((amount > 5)
              |              ^"#]],
    );
}

#[test]
fn transactions_are_asked_by_their_names_and_by_those_the_documentation_invents() {
    check(
        &[
            "value > 1000000000000000000 AND gas_used > 21000",
            "to != '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'",
            "transaction.value > 5",
            "receipt.status == 1",
            "block.number > 100",
            "gasPrice > 5",
            "input starts_with '0xa9059cbb'",
            "max_fee_per_gas > 5",
            "sender == 5",
        ],
        |source| of_transaction(Dialect::OpenZeppelin, source),
        expect![[r#"
            value > 1000000000000000000 AND gas_used > 21000
              tx.value > 1000000000000000000 && tx.gas_used > 21000
            to != '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
              tx.to != none && tx.to != 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
            transaction.value > 5
              tx.value > 5
              - `transaction.value` is no variable there: the condition failed and never matched; here it is tx.value
            receipt.status == 1
              tx.status == success
              - `receipt.status` is no variable there: the condition failed and never matched; here it is tx.status
            block.number > 100
              block.number > 100
              - `block.number` is no variable there: the condition failed and never matched; here it is block.number
            gasPrice > 5
              tx.gas_price > 5
              - `gasPrice` is no variable there: the condition failed and never matched; here it is tx.gas_price
            input starts_with '0xa9059cbb'
              tx.input starts_with 0xa9059cbb
            max_fee_per_gas > 5
              no: `max_fee_per_gas` is not kept here; tx.gas_price is what was paid at character 1
              | max_fee_per_gas > 5
              | ^
            sender == 5
              no: a transaction has no `sender` (there are: value, from, to, hash, gas_price, gas_limit, nonce, input, gas_used, transaction_index, status) at character 1
              | sender == 5
              | ^"#]],
    );
    check(
        &[
            "status == \"success\" AND value > 10",
            "gasPrice > 5 and not (nonce < 3)",
            "from == 0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
        ],
        |source| of_transaction(Dialect::Defender, source),
        expect![[r#"
            status == "success" AND value > 10
              tx.status == success && tx.value > 10
            gasPrice > 5 and not (nonce < 3)
              tx.gas_price > 5 && !(tx.nonce < 3)
            from == 0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED
              tx.from == 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"#]],
    );
}

#[test]
fn defenders_richer_conditions_are_said_in_our_language() {
    check(
        &[
            "$1 > 10 ^ 18 * 5 AND NOT paid",
            "(amount + 5) / 2 >= price",
            "amounts[0] == amount",
            "5 < amount",
            "-amount + 3 > 0",
            "amount - (price - 1) == 3",
            "sender == id",
            "$12 == 3",
            "amount",
            "paid OR note == 'Open'",
        ],
        |source| said(Dialect::Defender, source),
        expect![[r#"
            $1 > 10 ^ 18 * 5 AND NOT paid
              amount > 10 ** 18 * 5 && !(paid)
            (amount + 5) / 2 >= price
              (amount + 5) / 2 >= price
            amounts[0] == amount
              amounts[0] == amount
            5 < amount
              amount > 5
            -amount + 3 > 0
              -amount + 3 > 0
            amount - (price - 1) == 3
              amount - (price - 1) == 3
            sender == id
              no: cannot compare address with bytes32 by == at character 1
              | sender == id
              | ^
            $12 == 3
              no: no parameter `$12`: there the condition failed and never matched (parameters: sender, amount, price, tick, note, tag, data, id, paid, amounts, in) at character 1
              | $12 == 3
              | ^
            amount
              no: `amount` is uint256, no condition at character 1
              | amount
              | ^
            paid OR note == 'Open'
              paid || note == "Open""#]],
    );
}

#[test]
fn no_text_makes_the_parsers_panic() {
    let seeds = [
        "amount > 5 AND (note == 'x' OR data[0].a == 0xff)",
        "NOT -($1 ^ 2) >= amount",
        "é > 'ü\\'' AND ((((",
    ];
    for dialect in [Dialect::OpenZeppelin, Dialect::Defender] {
        for seed in seeds {
            for (from, _) in seed.char_indices() {
                for (to, _) in seed.char_indices().filter(|(to, _)| *to >= from) {
                    said(dialect, &seed[from..to]);
                }
            }
        }
        said(dialect, &"(".repeat(10_000));
        said(dialect, &"NOT ".repeat(3_000));
        said(dialect, &format!("amount > {}", "1 + ".repeat(2_000)));
        said(dialect, &format!("a{}", ".b".repeat(2_000)));
    }
}

/// What is said in our language means something in our language.
#[test]
fn what_is_said_compiles() {
    let event = EventAbi::parse(EVENT).unwrap();
    let parameters: Vec<detect::expression::Parameter> = event
        .params
        .iter()
        .map(|param| detect::expression::Parameter {
            name: param.name.clone(),
            ty: param.ty.clone(),
            indexed: param.indexed,
            components: Vec::new(),
        })
        .collect();
    let scope = detect::expression::Scope::event(&parameters);
    let sources = [
        "amount > 1000 AND sender == 0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
        "price > 100 AND tick < -5 OR note contains 'Up' AND tag == 'blue'",
        "data starts_with 0xA9059CBB AND id != 0x0101010101010101010101010101010101010101010101010101010101010101",
        "amounts contains 3 AND amounts[1] > 2 AND in > 3 AND paid == true",
        "sender != '0x0000000000000000000000000000000000000000'",
    ];
    for source in sources {
        let expr = parse(source, Dialect::OpenZeppelin).unwrap();
        let dialect = Dialect::OpenZeppelin;
        let ours = Scope { dialect, theirs: Some(&event.params), ours: &event.params };
        let text = translate(&expr, ours, &mut Vec::new()).unwrap();
        if let Err(mistakes) = detect::expression::compile(&text, &scope) {
            panic!("{source}\n{text}\n{}", mistakes[0].render(&text));
        }
    }
    let whole = ContractAbi::from_solidity([EVENT]).unwrap();
    assert_eq!(whole.events().len(), 1);
}
