use expect_test::{Expect, expect};

use super::*;

#[track_caller]
fn check(source: &str, expected: Expect) {
    let diagnostics = compile(source, &scope()).expect_err("a mistake");
    let text: Vec<String> = diagnostics.iter().map(|d| d.render(source)).collect();
    expected.assert_eq(&text.join("\n"));
}

#[test]
fn a_misspelt_variable() {
    check(
        "amuont > 5",
        expect![[r#"
        1:1: no variable `amuont`
          | amuont > 5
          | ^^^^^^
          = did you mean `amount`? in scope: holder, amount, small, tick, flag, note, data, role, sig, amounts, pair, order, orders, matrix, name, total and 5 more"#]],
    );
}

#[test]
fn a_misspelt_field_of_the_transaction() {
    check(
        "tx.statsu == success",
        expect![[r#"
        1:4: `tx` has no field `statsu`
          | tx.statsu == success
          |    ^^^^^^
          = did you mean `status`? fields: hash, index, type, from, to, nonce, value, input, selector, gas_limit, gas_used, gas_price, status, created, log_count"#]],
    );
}

#[test]
fn a_misspelt_word() {
    check(
        "tx.status == succes",
        expect![[r#"
        1:14: `succes` is not one of the words possible here
          | tx.status == succes
          |              ^^^^^^
          = did you mean `success`? words: success, failed"#]],
    );
}

#[test]
fn a_word_of_another_language() {
    check(
        "tx.status == reverted",
        expect![[r#"
        1:14: `reverted` is not one of the words possible here
          | tx.status == reverted
          |              ^^^^^^^^
          = words: success, failed"#]],
    );
}

#[test]
fn a_misspelt_label_set() {
    check(
        "holder in labels.tresury",
        expect![[r#"
        1:18: no label set `tresury`
          | holder in labels.tresury
          |                  ^^^^^^^
          = did you mean `treasury`? label sets: tornado-cash, treasury"#]],
    );
}

#[test]
fn a_misspelt_deployment() {
    check(
        "holder == deployments.valut",
        expect![[r#"
        1:23: no deployment `valut`
          | holder == deployments.valut
          |                       ^^^^^
          = did you mean `vault`? deployments: vault, vault-proxy_2.main"#]],
    );
}

#[test]
fn a_deployment_with_a_dash_and_without_its_prefix() {
    check(
        "holder == vault_x || vault-proxy_2.main == holder",
        expect![[r#"
        1:11: no variable `vault_x`
          | holder == vault_x || vault-proxy_2.main == holder
          |           ^^^^^^^
          = did you mean `vault`? in scope: holder, amount, small, tick, flag, note, data, role, sig, amounts, pair, order, orders, matrix, name, total and 5 more
        1:22: `vault-proxy_2.main` is read as a calculation
          | holder == vault_x || vault-proxy_2.main == holder
          |                      ^^^^^^^^^^^^^^^^^^
          = for the deployment write deployments.vault-proxy_2.main"#]],
    );
}

#[test]
fn a_misspelt_function() {
    check(
        "abd(tick) > 5",
        expect![[r#"
        1:1: no function `abd`
          | abd(tick) > 5
          | ^^^
          = did you mean `abs`? functions: abs, min, max, floor, ceil, sum, count, any, all, lower, contains, starts_with, ends_with, address"#]],
    );
}

#[test]
fn a_misspelt_unit() {
    check(
        "amount > 5 USDT",
        expect![[r#"
        1:10: unknown unit `USDT`
          | amount > 5 USDT
          |          ^^^^^^
          = did you mean `USDC`? units: wei, gwei, ether, s, min, h, d, w, token, USDC"#]],
    );
}

#[test]
fn a_unit_finer_than_its_decimals() {
    check(
        "amount > 0.0000001 USDC",
        expect![[r#"
        1:10: `0.0000001 USDC` is finer than the smallest unit
          | amount > 0.0000001 USDC
          |          ^^^^^^^^^^^^^^
          = USDC has 6 digits after the point"#]],
    );
}

#[test]
fn a_number_too_large_for_its_type() {
    check(
        "small > 300",
        expect![[r#"
        1:9: `300` does not fit uint8
          | small > 300
          |         ^^^
          = uint8 holds 0 … 255, so the answer would always be the same"#]],
    );
}

#[test]
fn a_negative_number_for_an_unsigned_type() {
    check(
        "amount == -1",
        expect![[r#"
        1:11: `-1` does not fit uint256
          | amount == -1
          |           ^^
          = uint256 holds 0 … 2**256 - 1, so the answer would always be the same"#]],
    );
}

#[test]
fn a_number_too_small_for_a_signed_type() {
    check(
        "tick < -8_388_609",
        expect![[r#"
        1:8: `-8_388_609` does not fit int24
          | tick < -8_388_609
          |        ^^^^^^^^^^
          = int24 holds -8388608 … 8388607, so the answer would always be the same"#]],
    );
}

#[test]
fn a_fraction_that_no_integer_equals() {
    check(
        "amount == 1.5",
        expect![[r#"
        1:11: `1.5` has a fraction and uint256 has not
          | amount == 1.5
          |           ^^^"#]],
    );
}

#[test]
fn an_item_of_a_list_out_of_range() {
    check(
        "small in [1, 2, 300]",
        expect![[r#"
        1:17: `300` does not fit uint8
          | small in [1, 2, 300]
          |                 ^^^
          = uint8 holds 0 … 255, so the answer would always be the same"#]],
    );
}

#[test]
fn an_address_compared_with_a_number() {
    check(
        "holder > 5",
        expect![[r#"
        1:1: cannot compare `holder` (address) with `5` (whole number)
          | holder > 5
          | ^^^^^^^^^^
          = an address is written with 40 hexadecimal digits; the zero address is address(0)"#]],
    );
}

#[test]
fn an_address_ordered() {
    check(
        "holder < vault",
        expect![[r#"
        1:1: `<` orders numbers, not addresses
          | holder < vault
          | ^^^^^^^^^^^^^^
          = use == or !="#]],
    );
}

#[test]
fn a_string_compared_with_a_number() {
    check(
        "note == 5",
        expect![[r#"
        1:1: cannot compare `note` (string) with `5` (whole number)
          | note == 5
          | ^^^^^^^^^
          = a string is written in quotes"#]],
    );
}

#[test]
fn an_amount_in_quotes() {
    check(
        "amount > '5'",
        expect![[r#"
        1:1: cannot compare `amount` (uint256) with `'5'` (string)
          | amount > '5'
          | ^^^^^^^^^^^^
          = a number is written without quotes"#]],
    );
}

#[test]
fn a_bool_compared_with_a_number() {
    check(
        "flag == 1",
        expect![[r#"
        1:1: cannot compare `flag` (bool) with `1` (whole number)
          | flag == 1
          | ^^^^^^^^^"#]],
    );
}

#[test]
fn an_array_compared_with_a_number() {
    check(
        "amounts > 5",
        expect![[r#"
        1:1: cannot compare `amounts` (uint256[]) with `5` (whole number)
          | amounts > 5
          | ^^^^^^^^^^^
          = for one element write x in ARRAY, any(ARRAY, x, x > 1) or ARRAY[0]"#]],
    );
}

#[test]
fn a_wrong_checksum() {
    check(
        "holder == 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046",
        expect![[r#"
        1:11: the checksum of the address is wrong
          | holder == 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = if the digits are right, write 0xd8da6BF26964Af9d7EeD9E03e53415d37aa96046"#]],
    );
}

#[test]
fn a_short_address() {
    check(
        "holder == 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA9604",
        expect![[r#"
        1:11: `0xd8dA6BF26964aF9D7eEd9e03E53415D37aA9604` is no address
          | holder == 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA9604
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = an address has 40 hexadecimal digits, this has 39"#]],
    );
}

#[test]
fn an_address_in_quotes() {
    check(
        "holder == '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045'",
        expect![[r#"
        1:11: an address is written without quotes
          | holder == '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045'
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = write 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"#]],
    );
}

#[test]
fn a_digit_that_is_not_hexadecimal() {
    check(
        "sig == 0xa905g",
        expect![[r#"
        1:14: `g` is no hexadecimal digit
          | sig == 0xa905g
          |              ^
          = digits: 0-9 a-f A-F"#]],
    );
}

#[test]
fn bytes_of_the_wrong_length() {
    check(
        "sig == 0xa905",
        expect![[r#"
        1:8: `0xa905` is not 4 bytes long
          | sig == 0xa905
          |        ^^^^^^
          = bytes4 has 8 digits, this has 4"#]],
    );
}

#[test]
fn bytes_of_two_lengths() {
    check(
        "sig == role",
        expect![[r#"
        1:1: cannot compare `sig` (bytes4) with `role` (bytes32)
          | sig == role
          | ^^^^^^^^^^^"#]],
    );
}

#[test]
fn half_a_byte() {
    check(
        "data contains 0xabc",
        expect![[r#"
        1:15: bytes need an even number of digits
          | data contains 0xabc
          |               ^^^^^
          = this has 3"#]],
    );
}

#[test]
fn a_number_as_condition() {
    check(
        "amount",
        expect![[r#"
        1:1: the condition must be true or false; `amount` is a uint256
          | amount
          | ^^^^^^
          = compare it: amount > 0"#]],
    );
}

#[test]
fn a_number_beside_and() {
    check(
        "amount && flag",
        expect![[r#"
        1:1: each side of `&&` must be true or false; `amount` is a uint256
          | amount && flag
          | ^^^^^^
          = compare it: amount > 0"#]],
    );
}

#[test]
fn not_before_a_comparison() {
    check(
        "!holder in labels.treasury",
        expect![[r#"
        1:2: what `!` turns around must be true or false; `holder` is an address
          | !holder in labels.treasury
          |  ^^^^^^
          = compare it: holder == 0x…, or holder in labels.NAME"#]],
    );
}

#[test]
fn arithmetic_on_an_address() {
    check(
        "holder + 1 > 5",
        expect![[r#"
        1:1: each side of `+` must be a number; `holder` is an address
          | holder + 1 > 5
          | ^^^^^^"#]],
    );
}

#[test]
fn a_remainder_of_a_fraction() {
    check(
        "amount / 2 % 3 == 1",
        expect![[r#"
        1:1: each side of `%` must be a whole number; `amount / 2` may have a fraction
          | amount / 2 % 3 == 1
          | ^^^^^^^^^^
          = floor(x) and ceil(x) make it whole"#]],
    );
}

#[test]
fn a_division_by_zero() {
    check(
        "amount / 0 > 1",
        expect![[r#"
        1:10: division by zero
          | amount / 0 > 1
          |          ^"#]],
    );
}

#[test]
fn a_constant_that_overflows() {
    check(
        "amount > 2 ** 600",
        expect![[r#"
        1:10: the result does not fit into 512 bits
          | amount > 2 ** 600
          |          ^^^^^^^^"#]],
    );
}

#[test]
fn one_equals_sign() {
    check(
        "amount = 5",
        expect![[r#"
        1:8: `=` assigns nothing here
          | amount = 5
          |        ^
          = write == to compare"#]],
    );
}

#[test]
fn one_ampersand() {
    check(
        "flag & flag",
        expect![[r#"
        1:6: there are no bit operators
          | flag & flag
          |      ^
          = write && for "and""#]],
    );
}

#[test]
fn one_bar() {
    check(
        "flag | flag",
        expect![[r#"
        1:6: there are no bit operators
          | flag | flag
          |      ^
          = write || for "or""#]],
    );
}

#[test]
fn a_caret() {
    check(
        "amount > 10 ^ 18",
        expect![[r#"
        1:13: `^` is not an operator
          | amount > 10 ^ 18
          |             ^
          = write ** for a power"#]],
    );
}

#[test]
fn a_character_of_no_language() {
    check(
        "amount > 5€ && tick ? 1",
        expect![[r#"
        1:11: `€` is not part of the language
          | amount > 5€ && tick ? 1
          |           ^
          = strings stand in quotes; operators: && || ! == != < <= > >= + - * / % ** in contains starts_with ends_with
        1:21: `?` is not part of the language
          | amount > 5€ && tick ? 1
          |                     ^
          = strings stand in quotes; operators: && || ! == != < <= > >= + - * / % ** in contains starts_with ends_with"#]],
    );
}

#[test]
fn quotes_of_a_word_processor() {
    check(
        "note == “x”",
        expect![[r#"
        1:9: `“` is not part of the language
          | note == “x”
          |         ^
          = strings stand in quotes; operators: && || ! == != < <= > >= + - * / % ** in contains starts_with ends_with
        1:11: `”` is not part of the language
          | note == “x”
          |           ^
          = strings stand in quotes; operators: && || ! == != < <= > >= + - * / % ** in contains starts_with ends_with"#]],
    );
}

#[test]
fn a_string_that_does_not_end() {
    check(
        "note == 'abc",
        expect![[r#"
        1:9: the string does not end
          | note == 'abc
          |         ^
          = close it with '"#]],
    );
}

#[test]
fn an_unknown_escape() {
    check(
        "note == 'a\\q'",
        expect![[r#"
        1:11: unknown escape `\q`
          | note == 'a\q'
          |           ^^
          = escapes: \\ \" \' \n \t"#]],
    );
}

#[test]
fn a_missing_operand() {
    check(
        "amount > && flag",
        expect![[r#"
        1:10: expected a value, found `&&`
          | amount > && flag
          |          ^^
          = a value is a name, a number, an address, a string in quotes, a list in [ ], or an expression in ( )"#]],
    );
}

#[test]
fn a_missing_bracket() {
    check(
        "(amount > 5 && flag",
        expect![[r#"
        1:20: expected `)`, found the end
          | (amount > 5 && flag
          |                    ^"#]],
    );
}

#[test]
fn a_bracket_too_many() {
    check(
        "amount > 5)",
        expect![[r#"
        1:11: `)` closes nothing
          | amount > 5)
          |           ^"#]],
    );
}

#[test]
fn two_values_side_by_side() {
    check(
        "flag flag",
        expect![[r#"
        1:6: expected an operator or the end of the expression, found `flag`
          | flag flag
          |      ^^^^
          = operators: && || == != < <= > >= + - * / % ** in, not in, contains, starts_with, ends_with"#]],
    );
}

#[test]
fn a_percentage_meant_as_remainder() {
    check(
        "amount == 10%3",
        expect![[r#"
        1:11: `10%` has a fraction and uint256 has not
          | amount == 10%3
          |           ^^^
          = a share is of something: 10% * total
        1:14: expected an operator or the end of the expression, found `3`
          | amount == 10%3
          |              ^
          = `5%` is a percentage; write `5 % 3` with spaces for the remainder"#]],
    );
}

#[test]
fn a_comparison_of_a_comparison() {
    check(
        "1 < small < 5",
        expect![[r#"
        1:11: a comparison cannot follow another (`<` stands before)
          | 1 < small < 5
          |           ^
          = write a < b && b < c, or use parentheses"#]],
    );
}

#[test]
fn nothing_at_all() {
    check(
        "  ",
        expect![[r#"
        1:1: the expression is empty
          | 
          | ^
          = leave the key out to match always"#]],
    );
}

#[test]
fn an_empty_list() {
    check(
        "holder in []",
        expect![[r#"
        1:11: the list is empty, so that nothing is in it
          | holder in []
          |           ^^"#]],
    );
}

#[test]
fn a_list_of_mixed_types() {
    check(
        "holder in [vault, 5, 'x']",
        expect![[r#"
        1:19: cannot compare `holder` (address) with `5` (whole number)
          | holder in [vault, 5, 'x']
          |                   ^
          = an address is written with 40 hexadecimal digits; the zero address is address(0)
        1:22: cannot compare `holder` (address) with `'x'` (string)
          | holder in [vault, 5, 'x']
          |                      ^^^"#]],
    );
}

#[test]
fn a_list_as_a_value() {
    check(
        "amount + [1] > 2",
        expect![[r#"
        1:10: a list can only stand behind `in`, or beside == with an array
          | amount + [1] > 2
          |          ^^^"#]],
    );
}

#[test]
fn a_set_that_is_none() {
    check(
        "holder in vault",
        expect![[r#"
        1:11: `in` needs a set; `vault` is an address
          | holder in vault
          |           ^^^^^
          = sets: labels.NAME, deployments, a list [a, b], an array"#]],
    );
}

#[test]
fn a_string_in_a_string() {
    check(
        "'x' in note",
        expect![[r#"
        1:8: `in` needs a set; `note` is a string
          | 'x' in note
          |        ^^^^
          = write: note contains 'x'"#]],
    );
}

#[test]
fn a_number_in_a_label_set() {
    check(
        "amount in labels.treasury",
        expect![[r#"
        1:1: labels.treasury holds addresses; `amount` is a uint256
          | amount in labels.treasury
          | ^^^^^^"#]],
    );
}

#[test]
fn a_label_set_as_a_value() {
    check(
        "holder == labels.treasury",
        expect![[r#"
        1:11: `labels.treasury` is a set of addresses, not a value
          | holder == labels.treasury
          |           ^^^^^^^^^^^^^^^
          = write: x in labels.treasury"#]],
    );
}

#[test]
fn an_unknown_field_of_a_tuple() {
    check(
        "order.makr == holder",
        expect![[r#"
        1:7: `order` has no field `makr`
          | order.makr == holder
          |       ^^^^
          = did you mean `maker`? fields: maker, amount, ticks"#]],
    );
}

#[test]
fn a_field_of_an_array() {
    check(
        "orders.maker == holder",
        expect![[r#"
        1:8: `orders` is a (address maker, uint96 amount)[], which has no field `maker`
          | orders.maker == holder
          |        ^^^^^
          = arrays have .length and elements: orders[0].maker"#]],
    );
}

#[test]
fn an_element_of_a_number() {
    check(
        "amount[0] > 1",
        expect![[r#"
        1:1: `amount` is a uint256, which has no elements
          | amount[0] > 1
          | ^^^^^^"#]],
    );
}

#[test]
fn an_element_of_a_tuple() {
    check(
        "order[0] == holder",
        expect![[r#"
        1:1: `order` is a (address maker, uint96 amount, int24[] ticks), which has no elements
          | order[0] == holder
          | ^^^^^
          = fields of a tuple: order.name or order.0"#]],
    );
}

#[test]
fn an_element_that_a_fixed_array_does_not_have() {
    check(
        "pair[2] == holder",
        expect![[r#"
        1:6: there is no element 2
          | pair[2] == holder
          |      ^
          = `pair` has 2 elements, from 0"#]],
    );
}

#[test]
fn a_negative_index() {
    check(
        "amounts[-1] > 5",
        expect![[r#"
        1:9: `-1` is no index
          | amounts[-1] > 5
          |         ^^
          = indexes count from 0"#]],
    );
}

#[test]
fn a_slice_that_cannot_exist() {
    check(
        "sig[2:6] == 0x00000000",
        expect![[r#"
        1:1: the slice cannot exist
          | sig[2:6] == 0x00000000
          | ^^^^^^^^
          = 0 <= from <= to <= 4"#]],
    );
}

#[test]
fn a_slice_of_a_string() {
    check(
        "note[0:2] == 'He'",
        expect![[r#"
        1:1: `note` is a string, not bytes
          | note[0:2] == 'He'
          | ^^^^
          = a slice [from:to] is part of bytes"#]],
    );
}

#[test]
fn a_position_without_parameter() {
    check(
        "$17 > 5",
        expect![[r#"
        1:1: there is no parameter $17
          | $17 > 5
          | ^^^
          = parameters: $0 … $16"#]],
    );
}

#[test]
fn a_namespace_as_a_value() {
    check(
        "tx == 5",
        expect![[r#"
        1:1: `tx` is not a value
          | tx == 5
          | ^^
          = write one of its fields: hash, index, type, from, to, nonce, value, input, selector, gas_limit, gas_used, gas_price, status, created, log_count"#]],
    );
}

#[test]
fn a_namespace_of_another_subject() {
    check(
        "call.depth > 1",
        expect![[r#"
        1:1: `call` is not known for an event
          | call.depth > 1
          | ^^^^
          = known are block, tx, log"#]],
    );
}

#[test]
fn a_quantifier_over_a_number() {
    check(
        "any(amount, x, x > 1)",
        expect![[r#"
        1:5: `any` needs an array; `amount` is a uint256
          | any(amount, x, x > 1)
          |     ^^^^^^"#]],
    );
}

#[test]
fn a_quantifier_without_a_name() {
    check(
        "any(amounts, 5, true)",
        expect![[r#"
        1:14: expected a new name for the element
          | any(amounts, 5, true)
          |              ^
          = any(list, x, condition on x)"#]],
    );
}

#[test]
fn a_quantifier_with_two_arguments() {
    check(
        "all(amounts, x > 1)",
        expect![[r#"
        1:1: `all` takes three arguments
          | all(amounts, x > 1)
          | ^^^^^^^^^^^^^^^^^^^
          = all(list, x, condition on x)"#]],
    );
}

#[test]
fn a_quantifier_that_takes_a_name() {
    check(
        "any(amounts, amount, amount > 1)",
        expect![[r#"
        1:14: `amount` already means something else
          | any(amounts, amount, amount > 1)
          |              ^^^^^^
          = choose a name that is not in use"#]],
    );
}

#[test]
fn a_quantifier_whose_condition_is_a_number() {
    check(
        "any(amounts, x, x + 1)",
        expect![[r#"
        1:17: the condition of `any` must be true or false; `x + 1` is a whole number
          | any(amounts, x, x + 1)
          |                 ^^^^^
          = compare it: x + 1 > 0"#]],
    );
}

#[test]
fn a_function_with_too_many_arguments() {
    check(
        "abs(tick, 5) > 1",
        expect![[r#"
        1:1: `abs` does not take 2 arguments
          | abs(tick, 5) > 1
          | ^^^
          = abs(x)"#]],
    );
}

#[test]
fn a_search_for_a_number() {
    check(
        "note contains 5",
        expect![[r#"
        1:1: `contains` cannot look for `5` (whole number) in `note` (string)
          | note contains 5
          | ^^^^^^^^^^^^^^^
          = it looks for a string in a string, for bytes in bytes; contains also for an element in an array"#]],
    );
}

#[test]
fn a_search_in_an_indexed_string() {
    check(
        "name contains 'x'",
        expect![[r#"
        1:1: `contains` cannot look for `'x'` (bytes32) in `name` (hash of an indexed string)
          | name contains 'x'
          | ^^^^^^^^^^^^^^^^^
          = the chain keeps only the hash of an indexed value; compare the whole with =="#]],
    );
}

#[test]
fn an_indexed_string_ordered() {
    check(
        "name > 'x'",
        expect![[r#"
        1:1: `>` orders numbers, not hashes
          | name > 'x'
          | ^^^^^^^^^^
          = use == or !="#]],
    );
}

#[test]
fn none_where_it_cannot_be() {
    check(
        "amount == none",
        expect![[r#"
        1:1: `amount` is a uint256, which is never none
          | amount == none
          | ^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn none_ordered() {
    check(
        "tx.to > none",
        expect![[r#"
        1:1: `>` cannot order none
          | tx.to > none
          | ^^^^^^^^^^^^
          = use == or !="#]],
    );
}

#[test]
fn none_as_a_value() {
    check(
        "amount + none > 5",
        expect![[r#"
        1:10: `none` can only be compared with == or !=
          | amount + none > 5
          |          ^^^^
          = such as: tx.to == none"#]],
    );
}

#[test]
fn an_optional_as_condition() {
    check(
        "tx.to && flag",
        expect![[r#"
        1:1: each side of `&&` must be true or false; `tx.to` is an address or none
          | tx.to && flag
          | ^^^^^
          = write tx.to != none"#]],
    );
}

#[test]
fn many_mistakes_at_once() {
    check(
        "amuont > 5 && small > 300 && holder == 5 && (flag + 1 > 2 || tx.statsu == success)",
        expect![[r#"
        1:1: no variable `amuont`
          | amuont > 5 && small > 300 && holder == 5 && (flag + 1 > 2 || tx.statsu == success)
          | ^^^^^^
          = did you mean `amount`? in scope: holder, amount, small, tick, flag, note, data, role, sig, amounts, pair, order, orders, matrix, name, total and 5 more
        1:23: `300` does not fit uint8
          | amuont > 5 && small > 300 && holder == 5 && (flag + 1 > 2 || tx.statsu == success)
          |                       ^^^
          = uint8 holds 0 … 255, so the answer would always be the same
        1:30: cannot compare `holder` (address) with `5` (whole number)
          | amuont > 5 && small > 300 && holder == 5 && (flag + 1 > 2 || tx.statsu == success)
          |                              ^^^^^^^^^^^
          = an address is written with 40 hexadecimal digits; the zero address is address(0)
        1:46: each side of `+` must be a number; `flag` is a bool
          | amuont > 5 && small > 300 && holder == 5 && (flag + 1 > 2 || tx.statsu == success)
          |                                              ^^^^
        1:65: `tx` has no field `statsu`
          | amuont > 5 && small > 300 && holder == 5 && (flag + 1 > 2 || tx.statsu == success)
          |                                                                 ^^^^^^
          = did you mean `status`? fields: hash, index, type, from, to, nonce, value, input, selector, gas_limit, gas_used, gas_price, status, created, log_count"#]],
    );
}

#[test]
fn a_mistake_on_the_second_line() {
    check(
        "flag &&\n  hodler == vault",
        expect![[r#"
        2:3: no variable `hodler`
          |   hodler == vault
          |   ^^^^^^
          = did you mean `holder`? in scope: holder, amount, small, tick, flag, note, data, role, sig, amounts, pair, order, orders, matrix, name, total and 5 more"#]],
    );
}
