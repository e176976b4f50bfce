//! Looking up what an address is called.

use std::{hint::black_box, time::Duration};

use alloy_primitives::{Address, keccak256};
use cpu_time::ThreadTime;
use model::Name;
use registry::{Category, Label, Labels, Registry, threats::Day};

use crate::table::{Sample, Table};

/// Most that one look-up may take, in microseconds.
const LOOK_UP_US_MAX: f64 = 1.0;

/// Look-ups of one repeat, spread over all labels so that caches do not answer.
const LOOK_UPS: usize = 200_000;

fn address(number: usize) -> Address {
    Address::from_slice(&keccak256(number.to_be_bytes())[12..])
}

pub(super) fn measure(count: usize, repeats: usize, table: &mut Table) {
    let mut builder = Labels::builder();
    let categories = [Category::Exploiter, Category::Mixer, Category::Exchange];
    for number in 0..count {
        let name = format!("holder {}", number % 50_000);
        let category = &categories[number % categories.len()];
        // A list gives each address the day on which it was found out.
        let first_seen = Day::new(2024, 1 + (number % 12) as u8, 1 + (number % 28) as u8);
        let label = Label { name: &name, first_seen, ..Label::new(category, "list.csv") };
        builder.add(None, address(number), label).unwrap();
    }
    let registry = Registry::new(Vec::new(), builder.build()).unwrap();
    let mainnet = Name::new("mainnet").unwrap();
    let known: Vec<Address> = (0..LOOK_UPS).map(|at| address(at * 7_919 % count)).collect();
    let strangers: Vec<Address> = (0..LOOK_UPS).map(|at| address(count + at)).collect();
    let each = |asked: &[Address]| {
        let began = ThreadTime::now();
        let found = asked.iter().filter(|at| black_box(registry.label(&mainnet, **at)).is_some());
        let found = found.count();
        (per_look_up(began.elapsed()), found)
    };
    let (mut of_known, mut of_strangers) = (Vec::new(), Vec::new());
    for round in 0..=repeats {
        let ((hit, found), (miss, none)) = (each(&known), each(&strangers));
        assert_eq!((found, none), (LOOK_UPS, 0));
        if round > 0 {
            of_known.push(hit);
            of_strangers.push(miss);
        }
    }
    table.heading(&format!("looking up an address among {count} labels, CPU of this thread"));
    table.goal("an address with a label", &Sample::new(of_known), "us", LOOK_UP_US_MAX);
    table.goal("an address without one", &Sample::new(of_strangers), "us", LOOK_UP_US_MAX);
}

fn per_look_up(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / LOOK_UPS as f64
}
