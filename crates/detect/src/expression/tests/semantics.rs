use alloy_primitives::{B256, Bloom, Bytes};
use expect_test::expect;
use model::{Frame, FrameKind, Header, Log, Transaction, TxStatus, UnixSeconds};

use super::*;

fn header() -> Header {
    Header {
        number: 19_000_000,
        hash: B256::repeat_byte(1),
        parent_hash: B256::repeat_byte(2),
        timestamp: UnixSeconds(1_705_000_000),
        beneficiary: Address::ZERO,
        base_fee_per_gas: Some(U256::from(20_000_000_000_u64)),
        gas_used: 15_000_000,
        gas_limit: 30_000_000,
        logs_bloom: Bloom::ZERO,
        receipts_root: B256::ZERO,
        transactions_root: B256::ZERO,
        state_root: B256::ZERO,
    }
}

fn transaction() -> Transaction {
    Transaction {
        hash: B256::repeat_byte(3),
        index: 5,
        kind: 2,
        from: HOLDER,
        to: Some(VAULT),
        nonce: 77,
        value: U256::from(500_000_000_000_000_000_u64),
        input: Bytes::from_static(&[0xa9, 0x05, 0x9c, 0xbb, 1]),
        gas_limit: 100_000,
        gas_used: 60_000,
        effective_gas_price: U256::from(25_000_000_000_u64),
        status: TxStatus::Success,
        created: None,
        logs: vec![],
    }
}

fn log() -> Log {
    Log { index: 9, address: VAULT, topics: vec![B256::repeat_byte(4)], data: Bytes::new() }
}

/// Compiles and evaluates over the arguments, a log, a transaction and a block.
fn answer(source: &str) -> Result<bool, String> {
    let program = compile(source, &scope()).map_err(|diagnostics| {
        diagnostics.iter().map(|d| d.render(source)).collect::<Vec<_>>().join("\n")
    })?;
    let (args, block, tx, log) = (arguments(), header(), transaction(), log());
    let occurrence =
        Occurrence { args: &args, block: &block, tx: &tx, log: Some(&log), call: None };
    program.matches(&occurrence).map_err(|error| program.explain(&error))
}

#[track_caller]
fn all_true(sources: &[&str]) {
    for source in sources {
        assert_eq!(answer(source), Ok(true), "{source}");
        assert_eq!(answer(&format!("!({source})")), Ok(false), "!({source})");
    }
}

#[test]
fn the_example_of_the_documentation_matches() {
    all_true(&[
        "amount >= 250_000 token && !(holder in labels.treasury) && tx.status == success",
        "amount >= 250_000 token AND NOT holder in labels.treasury AND tx.status == 'success'",
    ]);
}

#[test]
fn numbers_compare_by_value_whatever_their_widths() {
    all_true(&[
        "small > tick",
        "tick < 0",
        "tick == -887_272",
        "-tick == 887272",
        "abs(tick) > small",
        "small == 200 && small != 201 && small >= 200 && small <= 0xc8 && 199 < small",
        "small - 201 == -1",
        "amount - total < 0",
        "amount * amount * 2 > total",
        "tick / 2 == -443636",
        "small / 3 > 66 && small / 3 < 67 && floor(small / 3) == 66 && ceil(small / 3) == 67",
        "floor(-1 * small / 3) == -67",
        "small % 7 == 4 && tick % 10 == -2",
        "2 ** 100 == $15 && arg15 == 2 ** 100",
        "2 ** small > total",
        "min(small, tick, 5) == tick && max(small, tick) == 200",
        "small in [1, 200, 255] && small not in [1, 2]",
        "tick in [1, -887272] && small * 2 in [amount, 400]",
    ]);
}

#[test]
fn units_and_percentages_are_exact() {
    all_true(&[
        "amount == 300_000 token && amount == 3e23 && amount == 300_000 ether",
        "amount > 5% * total && amount == 30% * total && amount / total == 30%",
        "amount / total < 30.0000000000000000000000000001%",
        "1_000 USDC == 1e9 && 0.5 ether == tx.value && 25 gwei == tx.gas_price",
        "90s == 1.5 min && 6h == 21600 && 30d == 720h && block.timestamp > 1_704_000_000 + 1w",
        "1 / 3 * 3 == 1 && 0.1 + 0.2 == 0.3",
    ]);
}

#[test]
fn addresses_sets_and_deployments() {
    all_true(&[
        "holder == 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045",
        "holder == 0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
        "holder != vault && log.address == vault && deployments.vault-proxy_2.main == vault",
        "pair[1] in labels.treasury && holder not in labels.tornado-cash",
        "holder in [vault, 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045]",
        "holder in [tx.from] && tx.to in deployments && holder not in deployments",
        "holder in pair && pair contains holder && vault not in pair",
        "tx.to != address(0) && tx.to != none && tx.created == none && tx.created != vault",
        "tx.created not in labels.treasury",
    ]);
}

#[test]
fn strings_and_bytes() {
    all_true(&[
        "note == 'Hello, Vault' && note != \"hello\" && note in ['x', 'Hello, Vault']",
        "note contains 'Vault' && contains(note, ',') && lower(note) starts_with 'hello'",
        "ends_with(note, 'Vault') && !(note ends_with 'vault') && lower('ABC') == 'abc'",
        "note.length == 12 && data.length == 9 && role.length == 32",
        "data[0:4] == 0xa9059cbb && data[0:4] == sig && sig == 0xa9059cbb && 0xa9059cbb == sig",
        "data starts_with 0xa905 && data ends_with 0x0405 && data contains 0xbb01",
        "data[4:] == 0x0102030405 && data[:amounts[0]] == 0xa9 && data[1:][1:3] == 0x9cbb",
        "sig in [0x00000000, 0xa9059cbb] && tx.selector == sig && tx.selector in [0xa9059cbb]",
        "role == 0x1111111111111111111111111111111111111111111111111111111111111111",
        "name == 'vitalik' && name != 'other' && name in ['vitalik', 'x']",
    ]);
}

#[test]
fn tuples_arrays_and_quantifiers() {
    all_true(&[
        "order.maker == holder && order.amount == 5 && order.1 == 5 && order.ticks[0] == -1",
        "orders[1].amount == 9 && orders.length == 2 && orders[small - 199].maker == pair[1]",
        "amounts[0] == 1 && amounts[amounts.length - 1] == 300 && matrix[0][1] == 2",
        "any(amounts, x, x > 100) && !all(amounts, x, x > 100) && count(amounts, x, x > 10) == 2",
        "sum(amounts) == 321 && sum(order.ticks) == 0 && sum(matrix[0]) == 3",
        "any(orders, o, o.maker in labels.treasury && o.amount > 8)",
        "all(matrix, row, any(row, cell, cell in amounts || cell < 4))",
        "20 in amounts && amounts contains 300 && 21 not in amounts",
        "amounts == [1, 20, 300] && amounts != [1, 20] && pair == [holder, pair[1]]",
        "count(matrix, row, row == [3]) == 1 && [1, 2] == matrix[0]",
        "all(orders, o, o.amount + small > 100) && pair.length == 2",
    ]);
}

#[test]
fn the_surroundings_are_typed_like_parameters() {
    all_true(&[
        "tx.gas_used * tx.gas_price == 0.0015 ether && tx.nonce == 77 && tx.type == 2",
        "tx.hash == 0x0303030303030303030303030303030303030303030303030303030303030303",
        "block.number == 19_000_000 && block.base_fee < 21 gwei && block.base_fee != none",
        "log.index == 9 && log.topic0 != none && tx.log_count == 0 && tx.index < 6",
        "tx.status == success && success == tx.status && tx.status in [success, failed]",
        "flag && flag == true && (flag == (small > 3))",
    ]);
}

#[test]
fn what_cannot_be_answered_is_an_error_and_never_false() {
    let sources = [
        "amount / (small - 200) > 1",
        "small % (tick + 887272) == 0",
        "amounts[3] == 1",
        "amounts[small] == 1",
        "amounts[tick] == 1",
        "data[8:12] == 0x00000000",
        "data[small:3] == 0x00",
        "total ** small > 1",
        "2 ** tick > 1",
        "amount * amount * amount * amount * total ** 5 > 1",
        "matrix[0].length == 2 && sum(amounts) / (amounts.length - 3) > 1",
        "matrix[1][1] > 0",
    ];
    let answers: Vec<String> = sources
        .iter()
        .map(|source| answer(source).expect_err(source).lines().next().unwrap_or("").to_owned())
        .collect();
    expect![[r#"
        division by zero in `amount / (small - 200)`
        division by zero in `small % (tick + 887272)`
        the index is outside the 3 elements in `amounts[3]`
        the index is outside the 3 elements in `amounts[small]`
        the index is outside the 3 elements in `amounts[tick]`
        the slice is outside the 9 bytes in `data[8:12]`
        the slice is outside the 9 bytes in `data[small:3]`
        the result does not fit into 512 bits in `total ** small`
        the exponent is negative in `2 ** tick`
        the result does not fit into 512 bits in `amount * amount * amount * amount * total ** 5`
        division by zero in `sum(amounts) / (amounts.length - 3)`
        the index is outside the 1 elements in `matrix[1][1]`"#]]
    .assert_eq(&answers.join("\n"));
}

#[test]
fn only_what_is_reached_can_fail() {
    all_true(&[
        "!(small != 200 && amount / (small - 200) > 1)",
        "small == 200 || amount / (small - 200) > 1",
        "any(amounts, x, x == 1 || amounts[x] > 0)",
        "!all(amounts, x, x != 1 && amounts[x] > 0)",
    ]);
    assert!(answer("amount / (small - 200) > 1 || small == 200").is_err(), "left comes first");
}

#[test]
fn a_value_that_nobody_knows_is_an_error_and_one_that_is_absent_is_none() {
    let scope = Scope::transaction();
    let block = Header { base_fee_per_gas: None, ..header() };
    let tx = Transaction { to: None, status: TxStatus::Unknown, ..transaction() };
    let occurrence = Occurrence { args: &[], block: &block, tx: &tx, log: None, call: None };
    let answer = |source: &str| {
        let program = compile(source, &scope).unwrap();
        program.matches(&occurrence).map_err(|error| program.explain(&error))
    };
    assert_eq!(
        answer("tx.status == success"),
        Err("the value is not known in `tx.status`".to_owned())
    );
    assert_eq!(
        answer("block.base_fee > 1 gwei"),
        Err("the value is none in `block.base_fee`".to_owned())
    );
    assert_eq!(answer("block.base_fee == 1 gwei"), Ok(false));
    assert_eq!(answer("block.base_fee != 1 gwei"), Ok(true));
    assert_eq!(answer("tx.selector == 0xa9059cbb || tx.to == tx.from"), Ok(false));
    assert_eq!(answer("tx.selector != 0xa9059cbb && tx.selector not in [0x00000000]"), Ok(true));
    assert_eq!(answer("tx.to == none && tx.selector == none"), Ok(true));
}

#[test]
fn calls_see_their_frame() {
    let scope = Scope::call(&[parameter("to", "address"), parameter("success", "bool")])
        .with_deployment("vault", VAULT);
    let frame = Frame {
        parent: Some(0),
        depth: 3,
        kind: FrameKind::DelegateCall,
        from: HOLDER,
        to: Some(VAULT),
        value: U256::from(1),
        gas_used: 21_000,
        input: Bytes::from_static(&[1, 2, 3, 4, 5]),
        output: Bytes::new(),
        error: None,
    };
    let args = [DynSolValue::Address(TREASURY), DynSolValue::Bool(false)];
    let (block, tx) = (header(), transaction());
    let call = Call::of_frame(&frame, false);
    let occurrence = Occurrence { args: &args, block: &block, tx: &tx, log: None, call };
    let source = "call.depth == 3 && call.kind == delegatecall && call.kind in [call, delegatecall] && call.from == tx.from \
                  && call.to == vault && to != vault && !call.success && call.value == 1 && call.selector == 0x01020304 \
                  && call.input.length == 5 && tx.status == success && !success && call.gas_used < 1e6";
    let program = compile(source, &scope).unwrap();
    assert_eq!(program.matches(&occurrence), Ok(true));

    let input = Bytes::from_static(&[1]);
    let (tx, frame) = (Transaction { input: input.clone(), ..tx }, Frame { input, ..frame });
    let call = Call::of_frame(&frame, true);
    let occurrence = Occurrence { args: &args, block: &block, tx: &tx, log: None, call };
    let program = compile("tx.selector == call.selector && tx.selector == none", &scope).unwrap();
    assert_eq!(program.matches(&occurrence), Ok(true), "none equals none");
}

#[test]
fn hostile_arrays_cost_a_bounded_number_of_steps() {
    let scope = Scope::default()
        .with_parameter("a", Type::Array(Box::new(Type::Uint(256))))
        .with_parameter("d", Type::Bytes);
    let a = DynSolValue::Array(vec![DynSolValue::Uint(U256::ZERO, 256); 50_000]);
    let d = DynSolValue::Bytes(vec![0; 128 * 1024]);
    let values = [a, d];
    let kind = |source: &str| {
        let program = compile(source, &scope).unwrap();
        program.matches(values.as_slice()).map_err(|error| error.kind)
    };
    assert_eq!(kind("all(a, x, x == 0) && sum(a) == 0 && count(a, x, x == 0) == 50_000"), Ok(true));
    let too_many = Err(EvalErrorKind::TooManySteps);
    assert_eq!(kind("any(a, x, any(a, y, x + y > 0))"), too_many);
    assert_eq!(kind("any(a, x, x + sum(a) > 0)"), too_many);
    assert_eq!(kind("any(a, x, d contains 0x01)"), too_many);
    assert_eq!(kind("any(a, x, a != a)"), too_many);
}

#[test]
fn a_value_of_the_wrong_type_is_an_error() {
    let scope = Scope::default().with_parameter("a", Type::Uint(8));
    let program = compile("a > 1", &scope).unwrap();
    let kind = |values: &[DynSolValue]| program.matches(values).map_err(|error| error.kind);
    assert_eq!(kind(&[DynSolValue::Bool(true)]), Err(EvalErrorKind::WrongType));
    assert_eq!(kind(&[]), Err(EvalErrorKind::Unknown));
}

#[test]
fn a_program_tells_what_it_reads_and_what_it_requires() {
    let source = "log.address == vault && holder in labels.treasury && (amount > 1 || flag) && pair[0] == vault";
    let program = compile(source, &scope()).unwrap();
    let names: Vec<String> = program
        .references()
        .iter()
        .map(|slot| match slot.as_builtin() {
            Some(builtin) => builtin.name().to_owned(),
            None => parameters()[slot.as_parameter().unwrap()].name.clone(),
        })
        .collect();
    assert_eq!(names, ["holder", "amount", "flag", "pair", "log.address"]);
    assert!(program.label_sets().contains("treasury"));
    let requirements = program.requirements();
    assert_eq!(requirements.len(), 2, "an element of an array is no variable to index by");
    assert_eq!(requirements[0].slot, Slot::builtin(Builtin::LogAddress));
    assert_eq!(*requirements[0].addresses, AddressSet::from_iter([VAULT]));
    assert_eq!(requirements[1].slot.as_parameter(), Some(0));
    assert_eq!(*requirements[1].addresses, AddressSet::from_iter([TREASURY]));
    assert!(compile("flag || holder == vault", &scope()).unwrap().requirements().is_empty());
}

#[test]
fn each_subject_has_its_own_surroundings() {
    let compiles = |source: &str, scope: &Scope| compile(source, scope).is_ok();
    assert!(compiles("call.depth > 1", &Scope::call(&[])));
    assert!(!compiles("call.depth > 1", &Scope::event(&[])));
    assert!(!compiles("log.index > 1", &Scope::transaction()));
    let scope = Scope::transaction()
        .with_parameter("log", Type::Tuple(vec![Field { name: "x".into(), ty: Type::Bool }]));
    assert!(compiles("log.x", &scope), "a parameter may be called like what is not there");
}

#[test]
fn the_deepest_allowed_nesting_fits_a_small_stack() {
    let wrap = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let levels = NESTING_MAX - 4;
    let sources = [
        wrap("!", "flag", "", levels),
        wrap("(", "flag", ")", levels),
        wrap("abs(", "amount", ") > 0", 1)
            .replace("abs(amount)", &wrap("abs(", "amount", ")", levels)),
        format!("amount{} > 0", " + 1".repeat(levels)),
        format!("{}amount{} > 0", "max(1, ".repeat(levels), ")".repeat(levels)),
        wrap("flag && (small > 3 || ", "flag", ")", levels / 3),
        wrap("flag == (", "flag", ")", levels / 2),
        format!("amounts[{}amounts[0]{}] > 0", "amounts[".repeat(8), " - amounts[0]]".repeat(8)),
    ];
    let small_stack = std::thread::Builder::new().stack_size(1024 * 1024);
    let answers = small_stack
        .spawn(move || {
            sources.map(|source| answer(&source).map_err(|error| format!("{source}: {error}")))
        })
        .unwrap();
    for answer in answers.join().unwrap() {
        answer.unwrap();
    }
}
