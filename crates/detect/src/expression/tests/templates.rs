use expect_test::expect;

use super::*;

fn render(text: &str) -> String {
    let say = Say::compile(text, &scope()).unwrap_or_else(|diagnostics| {
        panic!("{}", diagnostics.iter().map(|d| d.render(text)).collect::<Vec<_>>().join("\n"))
    });
    let label = |address: Address| (address == HOLDER).then(|| "whale".to_owned());
    say.render(arguments().as_slice(), &label)
}

fn mistakes(text: &str) -> String {
    let diagnostics = Say::compile(text, &scope()).expect_err("a mistake");
    diagnostics.iter().map(|d| d.render(text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn messages_read_like_a_person_wrote_them() {
    let templates = [
        "{{ holder | label }} redeemed {{ amount | token }}",
        "{{ holder }} {{ holder | address }} {{ holder | short }} {{ pair[1] | label }}",
        "{{ amount | number }} {{ amount }} {{ small | hex }} {{ tick | number }} {{ tick }}",
        "{{ amount / total | percent }} {{ amount / total }} {{ small / 3 }} {{ 2 / 3 | percent }}",
        "{{ 90 min | duration }} {{ 1_500_000 | USDC }} {{ amount | ether }} {{ tick | gwei }}",
        "{{ data }} {{ data | short }} {{ role | short }} {{ sig | hex }} {{ note }}",
        "{{ amounts }} {{ order }} {{ orders.length }} {{ flag && small > 3 }} {{ name | short }}",
        "{{ '{{' }}a{{ \"}}\" }} {{ vault }} {{ sum(amounts) }} {{ any(amounts, x, x > 5) }} }",
    ];
    let shown: Vec<String> = templates.into_iter().map(render).collect();
    expect![[r#"
        whale redeemed 300,000 MER
        whale (0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045) 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045 0xd8dA…6045 0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984
        300,000,000,000,000,000,000,000 300000000000000000000000 0xc8 -887,272 -887272
        30 % 0.3 66.666666… 66.66 %
        1 h 30 min 1.5 USDC 300,000 ETH -0.000887272 gwei
        0xa9059cbb0102030405 0xa905…0405 0x1111…1111 0xa9059cbb "Hello, Vault"
        [1, 20, 300] [whale (0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045), 5, [-1, 0, 1]] 2 true 0xaf2c…03cc
        {{a}} 0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D 321 true }"#]].assert_eq(&shown.join("\n"));
}

#[test]
fn a_value_without_an_answer_is_named_and_the_message_still_goes_out() {
    expect!["whale: [unknown: division by zero in `amount / (small - 200)`], [unknown: the index is outside the 3 elements in `amounts[9]`]"].assert_eq(&render("{{ holder | label }}: {{ amount / (small - 200) | token }}, {{ amounts[9] }}"));
}

#[test]
fn hostile_strings_and_huge_arrays_are_cut() {
    let scope = Scope::default()
        .with_parameter("s", Type::String)
        .with_parameter("a", Type::Array(Box::new(Type::Uint(256))));
    let values = [
        DynSolValue::String(format!("@everyone\u{202e}\n{}", "x".repeat(100_000))),
        DynSolValue::Array(vec![DynSolValue::Uint(U256::ZERO, 256); 100_000]),
    ];
    let render = |text: &str| Say::compile(text, &scope).unwrap().render(&values[..], &|_| None);
    expect![[
        r#""@everyonexxxxxxxxxxxx…" [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, … 99984 more]"#
    ]]
    .assert_eq(&render("{{ s | short }} {{ a }}"));
    let long = render(&"{{ s }}".repeat(500));
    assert_eq!(long.chars().count(), Say::MESSAGE_LEN_MAX + 1);
}

#[test]
fn mistakes_in_a_message_point_at_the_character() {
    let texts = [
        "{{ hodler | label }} did {{ amount | tokne }}",
        "{{ amount | label }} {{ holder | token }} {{ note | hex }} {{ tick | short }}",
        "{{ holder | }} {{ }} {{ amount | number | hex }}",
        "{{ holder",
        "}} {{ amount 5 x }}",
        "{{ amount | 5 }}",
    ];
    let shown: Vec<String> = texts.iter().map(|text| mistakes(text)).collect();
    expect![[r#"
        1:4: no variable `hodler`
          | {{ hodler | label }} did {{ amount | tokne }}
          |    ^^^^^^
          = did you mean `holder`? in scope: holder, amount, small, tick, flag, note, data, role, sig, amounts, pair, order, orders, matrix, name, total and 5 more
        1:38: unknown filter `tokne`
          | {{ hodler | label }} did {{ amount | tokne }}
          |                                      ^^^^^
          = did you mean `token`? filters: label, token, address, hex, number, percent, duration, short, ether, gwei, USDC

        1:13: `label` shows an address; this is of type uint256
          | {{ amount | label }} {{ holder | token }} {{ note | hex }} {{ tick | short }}
          |             ^^^^^
        1:34: `token` shows a number; this is of type address
          | {{ amount | label }} {{ holder | token }} {{ note | hex }} {{ tick | short }}
          |                                  ^^^^^
        1:53: `hex` shows a whole number or bytes; this is of type string
          | {{ amount | label }} {{ holder | token }} {{ note | hex }} {{ tick | short }}
          |                                                     ^^^
        1:70: `short` shows an address, bytes or a string; this is of type int24
          | {{ amount | label }} {{ holder | token }} {{ note | hex }} {{ tick | short }}
          |                                                                      ^^^^^

        1:13: expected a filter, found the end
          | {{ holder | }} {{ }} {{ amount | number | hex }}
          |             ^
          = filters: label, token, address, hex, number, percent, duration, short
        1:16: there is no value
          | {{ holder | }} {{ }} {{ amount | number | hex }}
          |                ^^^^^
          = write {{ name }} or {{ name | filter }}
        1:43: a value takes one filter
          | {{ holder | }} {{ }} {{ amount | number | hex }}
          |                                           ^^^
          = remove the others

        1:1: the value does not end
          | {{ holder
          | ^^
          = close it with }}

        1:1: `}}` closes nothing
          | }} {{ amount 5 x }}
          | ^^
          = for the characters themselves write {{ "}}" }}
        1:14: expected an operator or the end of the value, found `5`
          | }} {{ amount 5 x }}
          |              ^
          = operators: && || == != < <= > >= + - * / % ** in, not in, contains, starts_with, ends_with

        1:13: expected a filter, found `5`
          | {{ amount | 5 }}
          |             ^
          = filters: label, token, address, hex, number, percent, duration, short"#]].assert_eq(&shown.join("\n\n"));
    let diagnostics = Say::compile("{{ tx.value | token }}", &Scope::transaction()).unwrap_err();
    expect!["the filter `token` has no meaning here (the monitored contract has no token; give it one in its deployment file, or name a unit: amount | ether)"].assert_eq(&diagnostics[0].to_string());
    assert!(Say::compile(&"x".repeat(5_000), &scope()).is_err());
}

#[test]
fn a_template_tells_what_it_reads() {
    let say = Say::compile("{{ holder }} {{ tx.value | ether }}", &scope()).unwrap();
    let slots: Vec<Slot> = say.references().iter().copied().collect();
    assert_eq!(slots, [Slot::parameter(0).unwrap(), Slot::builtin(Builtin::TxValue)]);
}
