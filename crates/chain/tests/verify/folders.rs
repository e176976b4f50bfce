//! Recordings on disk: every shape of folder, and what is missing or broken in them.

use std::{fs, path::Path};

use bellwether_chain::{
    Prove, RawBlock, RawTraces,
    recorded::{Description, Recording, RecordingError, record},
};
use expect_test::expect;
use model::Name;

use crate::{
    source::assembled,
    synthetic::{Era, block},
};

fn put(folder: &Path, name: &str, body: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, body).unwrap();
}

fn numbers(folder: &Path) -> Vec<u64> {
    Recording::open(folder).unwrap().numbers().collect()
}

/// The error of the only block of a folder, with its sources, and with the folder's own name cut.
fn trouble(folder: &Path) -> String {
    let recording = Recording::open(folder).unwrap();
    assert_eq!(recording.len(), 1);
    let (_, block) = recording.blocks().next().unwrap();
    tell(folder, &block.unwrap_err())
}

fn tell(folder: &Path, error: &RecordingError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text.replace(folder.to_str().unwrap(), "DIR")
}

#[test]
fn every_shape_of_folder_is_found_and_sorted_by_number() {
    let truth = block(Era::Status).texts();
    let dir = tempfile::tempdir().unwrap();

    let flat = dir.path().join("flat");
    for number in [10, 9, 100] {
        put(&flat, &format!("{number}.block.json"), &truth.block);
        put(&flat, &format!("{number}.receipts.json"), &truth.receipts);
        put(&flat, &format!("{number}.calltraces.json"), &truth.traces);
    }
    put(&flat, "verify.json", b"{}");
    put(&flat, "10.statediffs.json", b"{}");
    assert_eq!(numbers(&flat), [9, 10, 100]);
    let recording = Recording::open(&flat).unwrap();
    for (_, block) in recording.blocks() {
        let block = block.unwrap();
        assert!(block.traces.is_some());
        assembled(block.raw().unwrap(), &Prove::everything()).unwrap();
    }

    let folders = dir.path().join("folders");
    put(&folders, "7/block.json", &truth.block);
    put(&folders, "11/block.json", &truth.block);
    put(&folders, "notes/block.json", b"not a number, not a block");
    put(&folders, "index.json", b"[]");
    assert_eq!(numbers(&folders), [7, 11]);
    assert_eq!(numbers(&folders.join("7")), [7]);

    let corpus = dir.path().join("corpus");
    put(&corpus, "blocks/5/block.json", &truth.block);
    put(&corpus, "op_mainnet/6.block.json", &truth.block);
    put(&corpus, "8.block.json", &truth.block);
    assert_eq!(numbers(&corpus), [5], "only blocks/ of a corpus");
    assert_eq!(numbers(&corpus.join("op_mainnet")), [6]);

    let unnamed = dir.path().join("unnamed");
    put(&unnamed, "block.json", &truth.block);
    assert_eq!(numbers(&unnamed), [4_370_000], "numbered by its header");
}

#[test]
fn missing_receipts_are_a_refusal_not_a_block_without_logs() {
    let truth = block(Era::Status).texts();
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "5/block.json", &truth.block);
    let recording = Recording::open(dir.path()).unwrap();
    let (_, block) = recording.blocks().next().unwrap();
    let refusal = block.unwrap().raw().unwrap_err();
    assert_eq!(refusal.to_string(), "no receipts recorded");
}

#[test]
fn broken_recordings_say_which_file_and_why() {
    let truth = block(Era::Status).texts();
    let dir = tempfile::tempdir().unwrap();

    let no_block = dir.path().join("a");
    put(&no_block, "5/receipts.json", &truth.receipts);
    expect!["no block recorded for 5 in DIR/5"].assert_eq(&trouble(&no_block));

    let flat = dir.path().join("b");
    put(&flat, "5.receipts.json", &truth.receipts);
    expect!["no block recorded for 5 in DIR"].assert_eq(&trouble(&flat));

    let not_zstd = dir.path().join("c");
    put(&not_zstd, "5/block.json.zst", &truth.block);
    let text = trouble(&not_zstd);
    assert!(text.starts_with("cannot unpack DIR/5/block.json.zst: "), "{text}");

    let empty = dir.path().join("d");
    put(&empty, "readme.txt", b"nothing here");
    let error = Recording::open(&empty).unwrap_err();
    expect!["no recorded blocks in DIR (expected block.json, NUMBER/block.json, NUMBER.block.json or blocks/NUMBER/block.json, each plain or .zst)"]
        .assert_eq(&tell(&empty, &error));

    let absent = dir.path().join("e");
    let error = Recording::open(&absent).unwrap_err();
    expect!["cannot list DIR: No such file or directory (os error 2)"]
        .assert_eq(&tell(&absent, &error));

    let described = dir.path().join("f");
    put(&described, "5/block.json", &truth.block);
    put(&described, "recording.json", br#"{"network": "mainnet", "chainid": 1}"#);
    let error = Recording::open(&described).unwrap_err();
    expect!["cannot read DIR/recording.json: unknown field `chainid`, expected `network` or `chainId` at line 1 column 32"]
        .assert_eq(&tell(&described, &error));

    let unnumbered = dir.path().join("g");
    put(&unnumbered, "block.json", b"null");
    let error = Recording::open(&unnumbered).unwrap_err();
    expect!["cannot tell the number of the block in DIR/block.json: the answer for block is null"]
        .assert_eq(&tell(&unnumbered, &error));
}

#[test]
fn a_compressed_file_that_is_cut_off_is_an_error_at_every_length() {
    let truth = block(Era::Status).texts();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let packed = ruzstd::encoding::compress_to_vec(truth.block.as_slice(), level);
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "5/block.json.zst", &packed);
    let open = || Recording::open(dir.path()).unwrap();
    let (_, whole) = open().blocks().next().unwrap();
    assert_eq!(whole.unwrap().block, truth.block);
    for end in (0..packed.len()).step_by(101) {
        put(dir.path(), "5/block.json.zst", &packed[..end]);
        let text = trouble(dir.path());
        assert!(text.starts_with("cannot unpack DIR/5/block.json.zst: "), "{end}: {text}");
    }
}

#[test]
fn the_plain_file_counts_where_both_are_there() {
    let truth = block(Era::Status).texts();
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "5/block.json.zst", b"not zstandard");
    put(dir.path(), "5/block.json", &truth.block);
    let recording = Recording::open(dir.path()).unwrap();
    let (_, block) = recording.blocks().next().unwrap();
    assert_eq!(block.unwrap().block, truth.block);
}

#[test]
fn what_is_recorded_is_read_back_byte_for_byte() {
    let truth = block(Era::Status).texts();
    let dir = tempfile::tempdir().unwrap();
    let description = Description { network: Name::new("devnet").unwrap(), chain_id: 31_337 };
    let parity = RawBlock { traces: Some(RawTraces::Parity(&truth.parity)), ..truth.raw() };
    let none = RawBlock { traces: None, ..truth.raw() };
    for (number, raw) in [(3, truth.raw()), (1, parity), (2, none)] {
        let folder = record(dir.path(), &description, number, raw).unwrap();
        assert_eq!(folder, dir.path().join(number.to_string()));
    }
    let recording = Recording::open(dir.path()).unwrap();
    assert_eq!(recording.description, description);
    let read: Vec<_> = recording.blocks().map(|(_, block)| block.unwrap()).collect();
    assert!(read.iter().map(|block| block.number).eq(1..=3));
    let bundles: Vec<_> = read
        .iter()
        .map(|block| assembled(block.raw().unwrap(), &Prove::everything()).unwrap())
        .collect();
    assert!(bundles[0].traces.is_some() && bundles[2].traces.is_some());
    assert_eq!(bundles[1].traces, None);
    for block in &read {
        assert_eq!((&block.block, block.receipts.as_ref()), (&truth.block, Some(&truth.receipts)));
    }
}
