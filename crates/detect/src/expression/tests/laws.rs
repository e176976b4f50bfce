use alloy_primitives::{I256, Sign};
use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};
use proptest::prelude::*;

use super::{
    super::{
        parser,
        syntax::{Arithmetic, Compare, Each, Expr, ExprKind, Search, Word},
    },
    *,
};

/// An arithmetic expression as the oracle sees it.
#[derive(Debug, Clone)]
enum Tree {
    Variable(usize),
    /// Digits and how many of them stand behind the point.
    Literal(u64, u32),
    Binary(Arithmetic, Box<Tree>, Box<Tree>),
    Negate(Box<Tree>),
    Function(&'static str, Vec<Tree>),
}

impl Tree {
    /// Whether the checker knows that there is no fraction, whatever the values are.
    fn is_whole(&self) -> bool {
        match self {
            Self::Variable(_) => true,
            Self::Literal(digits, decimals) => digits % 10_u64.pow(*decimals) == 0,
            Self::Binary(Arithmetic::Divide, ..) => false,
            Self::Binary(_, left, right) => left.is_whole() && right.is_whole(),
            Self::Negate(of) => of.is_whole(),
            Self::Function("floor" | "ceil", _) => true,
            Self::Function(_, parts) => parts.iter().all(Self::is_whole),
        }
    }

    /// The tree, or its floor if it may have a fraction.
    fn whole(self) -> Self {
        if self.is_whole() { self } else { Self::Function("floor", vec![self]) }
    }

    fn text(&self) -> String {
        match self {
            Self::Variable(i) => format!("v{i}"),
            Self::Literal(digits, 0) => digits.to_string(),
            Self::Literal(digits, decimals) => format!("{digits}e-{decimals}"),
            Self::Binary(operator, left, right) => {
                format!("({} {} {})", left.text(), operator.symbol(), right.text())
            }
            Self::Negate(of) => format!("(-{})", of.text()),
            Self::Function(name, parts) => {
                let parts: Vec<String> = parts.iter().map(Self::text).collect();
                format!("{name}({})", parts.join(", "))
            }
        }
    }

    /// The value by unlimited rational arithmetic, from left to right; the error for the first
    /// operation whose result is undefined or outside 512 bits.
    fn value(&self, variables: &[BigInt]) -> Result<BigRational, EvalErrorKind> {
        let result = match self {
            Self::Variable(i) => BigRational::from(variables[*i].clone()),
            Self::Literal(digits, decimals) => {
                BigRational::new((*digits).into(), BigInt::from(10_u64.pow(*decimals)))
            }
            Self::Negate(of) => -of.value(variables)?,
            Self::Binary(operator, left, right) => {
                let (left, right) = (left.value(variables)?, right.value(variables)?);
                match operator {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide | Arithmetic::Remainder if right.is_zero() => {
                        return Err(EvalErrorKind::DivisionByZero);
                    }
                    Arithmetic::Divide => left / right,
                    Arithmetic::Remainder => left % right,
                    Arithmetic::Power if right.is_negative() => {
                        return Err(EvalErrorKind::NegativeExponent);
                    }
                    Arithmetic::Power => power(left, &right)?,
                }
            }
            Self::Function(name, parts) => {
                let mut values = Vec::new();
                for part in parts {
                    values.push(part.value(variables)?);
                }
                let extreme = |order: fn(BigRational, BigRational) -> BigRational| {
                    values.clone().into_iter().reduce(order).unwrap()
                };
                match *name {
                    "abs" => values[0].abs(),
                    "floor" => values[0].floor(),
                    "ceil" => values[0].ceil(),
                    "min" => extreme(Ord::min),
                    _ => extreme(Ord::max),
                }
            }
        };
        let bits = result.numer().bits().max(result.denom().bits());
        if bits > 512 { Err(EvalErrorKind::Overflow) } else { Ok(result) }
    }
}

fn power(base: BigRational, exponent: &BigRational) -> Result<BigRational, EvalErrorKind> {
    let is_trivial = base.is_zero() || base.abs().is_one();
    match exponent.to_integer().to_u32() {
        Some(exponent) if exponent <= 512 => Ok(Pow::pow(base, exponent)),
        _ if is_trivial && (exponent.to_integer() % 2_u32).is_zero() => Ok(base.abs()),
        _ if is_trivial => Ok(base),
        _ => Err(EvalErrorKind::Overflow),
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        3 => (0..6_usize).prop_map(Tree::Variable),
        1 => (0..20_u64, 0..3_u32).prop_map(|(digits, decimals)| Tree::Literal(digits, decimals)),
        1 => (any::<u64>(), 0..3_u32).prop_map(|(digits, decimals)| Tree::Literal(digits, decimals)),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            4 => (
                pair.clone(),
                prop_oneof![
                    Just(Arithmetic::Add),
                    Just(Arithmetic::Subtract),
                    Just(Arithmetic::Multiply),
                    Just(Arithmetic::Divide),
                ],
            )
                .prop_map(|((left, right), operator)| {
                    Tree::Binary(operator, Box::new(left), Box::new(right))
                }),
            1 => pair.clone().prop_map(|(left, right)| {
                let (left, right) = (Box::new(left.whole()), Box::new(right.whole()));
                Tree::Binary(Arithmetic::Remainder, left, right)
            }),
            1 => (inner.clone(), prop_oneof![
                (0..10_u64).prop_map(|exponent| Tree::Literal(exponent, 0)),
                (0..6_usize).prop_map(Tree::Variable),
            ])
                .prop_map(|(base, exponent)| {
                    Tree::Binary(Arithmetic::Power, Box::new(base), Box::new(exponent))
                }),
            1 => inner.clone().prop_map(|of| Tree::Negate(Box::new(of))),
            1 => (inner, prop_oneof![Just("abs"), Just("floor"), Just("ceil")])
                .prop_map(|(of, name)| Tree::Function(name, vec![of])),
            1 => (pair, prop_oneof![Just("min"), Just("max")])
                .prop_map(|((left, right), name)| Tree::Function(name, vec![left, right])),
        ]
    })
}

/// A value of a random integer type, small ones as often as large ones.
fn integer() -> impl Strategy<Value = DynSolValue> {
    (any::<[u64; 4]>(), any::<bool>(), 1..=32_usize, 0..256_usize).prop_map(
        |(limbs, is_signed, bytes, shift)| {
            let bits = bytes * 8;
            let raw = (U256::from_limbs(limbs) >> shift) & (U256::MAX >> (256 - bits));
            if is_signed {
                let aligned = I256::from_raw(raw << (256 - bits));
                DynSolValue::Int(aligned.asr(256 - bits), bits)
            } else {
                DynSolValue::Uint(raw, bits)
            }
        },
    )
}

fn big(value: &DynSolValue) -> BigInt {
    let unsigned = |value: U256| BigInt::from(BigUint::from_bytes_be(&value.to_be_bytes::<32>()));
    match value {
        DynSolValue::Int(value, _) => {
            let (sign, magnitude) = value.into_sign_and_abs();
            if sign == Sign::Negative { -unsigned(magnitude) } else { unsigned(magnitude) }
        }
        DynSolValue::Uint(value, _) => unsigned(*value),
        other => panic!("{other:?} is no integer"),
    }
}

fn scope_of(values: &[DynSolValue]) -> Scope {
    values.iter().enumerate().fold(Scope::default(), |scope, (i, value)| {
        let ty = Type::of(&value.as_type().unwrap(), &[]);
        scope.with_parameter(&format!("v{i}"), ty)
    })
}

fn comparison() -> impl Strategy<Value = Compare> {
    prop_oneof![
        Just(Compare::Equal),
        Just(Compare::NotEqual),
        Just(Compare::Less),
        Just(Compare::LessOrEqual),
        Just(Compare::Greater),
        Just(Compare::GreaterOrEqual),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn arithmetic_equals_unlimited_rationals_or_says_that_it_cannot(
        left in tree(),
        right in tree(),
        compare in comparison(),
        values in proptest::collection::vec(integer(), 6),
    ) {
        // The addition keeps the range check of a lone variable out of the way.
        let source = format!("{} + 0 {} {}", left.text(), compare.symbol(), right.text());
        let variables: Vec<BigInt> = values.iter().map(big).collect();
        let expected = left
            .value(&variables)
            .and_then(|left| Ok(compare.holds(left.cmp(&right.value(&variables)?))));
        match compile(&source, &scope_of(&values)) {
            Ok(program) => {
                let found = program.matches(values.as_slice()).map_err(|error| error.kind);
                prop_assert_eq!(found, expected, "{}", source);
            }
            // What is constant is computed when compiling, and fails then.
            Err(diagnostics) => {
                let allowed = ["does not fit", "division by zero", "fraction and"];
                for diagnostic in &diagnostics {
                    let is_allowed = allowed.iter().any(|text| diagnostic.message.contains(text));
                    prop_assert!(is_allowed, "{}", diagnostic.render(&source));
                }
                let only_failures = diagnostics.iter().all(|d| {
                    d.message.contains("512 bits") || d.message.contains("by zero")
                });
                prop_assert!(!only_failures || expected.is_err(), "{}", source);
            }
        }
    }

    #[test]
    fn a_variable_compares_with_a_literal_by_value(
        value in integer(),
        bound in integer(),
        compare in comparison(),
        is_mirrored in any::<bool>(),
    ) {
        let literal = big(&bound);
        let symbol = compare.symbol();
        let source =
            if is_mirrored { format!("{literal} {symbol} v0") } else { format!("v0 {symbol} {literal}") };
        let (left, right) = if is_mirrored { (literal.clone(), big(&value)) } else { (big(&value), literal.clone()) };
        let values = [value];
        let (smallest, largest) = match &values[0] {
            DynSolValue::Int(_, bits) => {
                let half = BigInt::one() << (bits - 1);
                (-half.clone(), half - 1_u32)
            }
            DynSolValue::Uint(_, bits) => (BigInt::zero(), (BigInt::one() << *bits) - 1_u32),
            _ => unreachable!(),
        };
        match compile(&source, &scope_of(&values)) {
            Ok(program) => {
                let found = program.matches(values.as_slice());
                prop_assert_eq!(found, Ok(compare.holds(left.cmp(&right))), "{}", source);
                prop_assert!(smallest <= literal && literal <= largest, "{source}");
            }
            Err(diagnostics) => {
                prop_assert!(diagnostics[0].message.contains("does not fit"));
                prop_assert!(literal < smallest || largest < literal, "{source}");
            }
        }
    }

    #[test]
    fn membership_is_equality_with_one_of_the_items(
        item in integer(),
        others in proptest::collection::vec(integer(), 1..6),
    ) {
        let mut values = vec![item];
        values.extend(others);
        let names: Vec<String> = (1..values.len()).map(|i| format!("v{i}")).collect();
        let source = format!("v0 in [{}]", names.join(", "));
        let expected = values[1..].iter().any(|other| big(other) == big(&values[0]));
        let program = compile(&source, &scope_of(&values)).unwrap();
        prop_assert_eq!(program.matches(values.as_slice()), Ok(expected));

        let literals: Vec<String> = values.iter().map(|value| format!("{} + 0", big(value))).collect();
        let source = format!("v0 + 0 in [{}]", literals.join(", "));
        let program = compile(&source, &scope_of(&values)).unwrap();
        prop_assert_eq!(program.matches(values.as_slice()), Ok(true), "it is one of them");
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_]{0,6}".prop_filter("words of the language", |name| {
        let words = ["and", "or", "not", "in", "true", "false", "none", "any", "all", "count"];
        !words.iter().any(|word| name.eq_ignore_ascii_case(word))
            && !["labels", "deployments"].contains(&name.as_str())
    })
}

fn word() -> impl Strategy<Value = Word> {
    name().prop_map(|text| Word { text, span: 0..0 })
}

/// Any syntax tree that can be written.
fn expr() -> impl Strategy<Value = Expr> {
    let made = |kind| Expr::new(kind, 0..0);
    let unit = prop_oneof![
        Just(None),
        Just(Some("%".to_owned())),
        Just(Some("ether".to_owned())),
        Just(Some("USDC".to_owned())),
    ]
    .prop_map(|unit| unit.map(|text| Word { text, span: 0..0 }));
    let leaf = prop_oneof![
        ("[0-9][0-9_]{0,5}(\\.[0-9]{1,3})?(e-?[0-9]{1,2})?", unit)
            .prop_map(|(text, unit)| ExprKind::Number { text, unit }),
        "0x[0-9a-fA-F]{0,8}".prop_map(ExprKind::Hex),
        "[ -~\n\té€]{0,8}".prop_map(ExprKind::Text),
        any::<bool>().prop_map(ExprKind::Bool),
        Just(ExprKind::None),
        name().prop_map(ExprKind::Name),
        (0..20_u32).prop_map(ExprKind::Positional),
        "[a-z0-9][a-z0-9._-]{0,8}".prop_map(|text| ExprKind::Label(Word { text, span: 0..0 })),
        "[a-z0-9][a-z0-9._-]{0,8}".prop_map(|text| ExprKind::Deployment(Word { text, span: 0..0 })),
    ]
    .prop_map(made);
    leaf.prop_recursive(6, 40, 4, move |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let many = |least| proptest::collection::vec(inner.clone(), least..4);
        // `5.x` is no field of a number, and `x.5` would read as one.
        let container = (name().prop_map(move |text| Box::new(made(ExprKind::Name(text)))), one())
            .prop_map(|(name, other)| match other.kind {
                ExprKind::Number { unit: None, .. } => name,
                _ => other,
            })
            .boxed();
        let arithmetic = prop_oneof![
            Just(Arithmetic::Add),
            Just(Arithmetic::Subtract),
            Just(Arithmetic::Multiply),
            Just(Arithmetic::Divide),
            Just(Arithmetic::Remainder),
            Just(Arithmetic::Power),
        ];
        let search =
            prop_oneof![Just(Search::Contains), Just(Search::StartsWith), Just(Search::EndsWith)];
        let each = prop_oneof![Just(Each::Any), Just(Each::All), Just(Each::Count)];
        let field = prop_oneof![word(), "[0-9]{1,2}".prop_map(|text| Word { text, span: 0..0 })];
        prop_oneof![
            (container.clone(), field).prop_map(|(of, field)| ExprKind::Field(of, field)),
            (container.clone(), one()).prop_map(|(of, index)| ExprKind::Index(of, index)),
            (container, proptest::option::of(one()), proptest::option::of(one()))
                .prop_map(|(of, from, to)| ExprKind::Slice(of, from, to)),
            (word(), many(0)).prop_map(|(name, arguments)| ExprKind::Call(name, arguments)),
            (each, one(), word(), one())
                .prop_map(|(each, over, name, body)| ExprKind::Each(each, over, name, body)),
            many(0).prop_map(ExprKind::List),
            one().prop_map(ExprKind::Negate),
            one().prop_map(ExprKind::Not),
            (arithmetic, one(), one())
                .prop_map(|(operator, left, right)| ExprKind::Arithmetic(operator, left, right)),
            (comparison(), one(), one())
                .prop_map(|(compare, left, right)| ExprKind::Compare(compare, left, right)),
            (any::<bool>(), one(), one()).prop_map(|(negated, item, set)| ExprKind::In {
                negated,
                item,
                set
            }),
            (search, one(), one())
                .prop_map(|(search, left, right)| ExprKind::Search(search, left, right)),
            many(2).prop_map(ExprKind::And),
            many(2).prop_map(ExprKind::Or),
        ]
        .prop_map(made)
    })
}

/// Pieces of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "amount",
            "holder",
            "amounts",
            "order",
            "data",
            "tx",
            "labels",
            "deployments",
            "x",
            "&&",
            "||",
            "and",
            "not",
            "in",
            "==",
            "<",
            "+",
            "-",
            "**",
            "%",
            "(",
            ")",
            "[",
            "]",
            ",",
            ".",
            ":",
            "!",
            "any(",
            "sum(",
            "labels.",
            "treasury",
            "tx.to",
            "none",
            "1e18",
            "5%",
            "token",
            "0x",
            "0xa9059cbb",
            "'a'",
            "\"",
            "$0",
            "$",
            "contains",
            "{{",
            "}}",
            "|",
            "token",
            "é",
            "=",
            "&",
            "300",
            "vault-proxy_2.main",
            "amounts[0]",
            "any(amounts, x, ",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn printing_then_parsing_gives_the_same_tree(expr in expr()) {
        let text = expr.to_string();
        let mut diagnostics = Vec::new();
        let parsed = parser::parse(&text, &mut diagnostics);
        prop_assert_eq!(&diagnostics, &[], "{}", text);
        prop_assert_eq!(parsed.as_ref(), Some(&expr), "{}", text);
    }

    #[test]
    fn any_text_gets_an_answer_or_a_diagnosis(text in prop_oneof![soup(), "\\PC{0,40}", any::<String>()]) {
        let scope = scope();
        match compile(&text, &scope) {
            // Whether it matches does not matter here, only that it ends.
            Ok(program) => drop(program.matches(arguments().as_slice())),
            Err(diagnostics) => {
                prop_assert!(!diagnostics.is_empty());
                for diagnostic in &diagnostics {
                    prop_assert!(diagnostic.span.start <= diagnostic.span.end);
                    prop_assert!(diagnostic.span.end <= text.len());
                    diagnostic.render(&text);
                }
            }
        }
        for text in [text.clone(), format!("{{{{ {text} }}}}")] {
            match Say::compile(&text, &scope) {
                Ok(say) => drop(say.render(arguments().as_slice(), &|_| None)),
                Err(diagnostics) => prop_assert!(!diagnostics.is_empty()),
            }
        }
    }
}
