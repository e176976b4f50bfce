//! Lists in the shapes that public lists have.

use expect_test::expect;
use model::{Address, Name};
use proptest::prelude::*;

use super::*;

fn show(labels: &Labels, network: &str) -> String {
    let network = Name::new(network).unwrap();
    let mut lines = Vec::new();
    let mut last = None;
    for entry in &labels.entries {
        if last.replace(entry.address) == Some(entry.address) {
            continue;
        }
        for label in labels.of(&network, entry.address) {
            let percent = label.confidence_percent;
            lines.push(format!(
                "{} {} {:?} {} {percent} %",
                &entry.address.to_string()[..6].to_lowercase(),
                label.category,
                label.name,
                label.source
            ));
        }
    }
    lines.join("\n")
}

fn told(imported: &Imported) -> String {
    let rows: Vec<String> = imported.rejected.iter().map(ToString::to_string).collect();
    format!("added {}, other chains {}\n{}", imported.added, imported.other_chains, rows.join("\n"))
}

#[test]
fn a_plain_list_is_one_address_a_line() {
    let mut builder = Labels::builder();
    let list = LabelFile {
        category: Some(Category::Sanctioned),
        ..LabelFile::new("lists/ofac.txt", "ofac")
    };
    let text = "# SDN list\n\n0x01e2919679362dFBC9ee1644Ba9C6da6D6245BB1\r\n  03893a7c7463ae47d46bc7f091665f1893656003 # Desk 7\n0x1234\nnot an address\n";
    let imported = builder.import_text(&list, text).unwrap();
    expect![[r#"
        added 2, other chains 0
        lists/ofac.txt:5: "0x1234" is no address
        lists/ofac.txt:6: "not an address" is no address"#]]
    .assert_eq(&told(&imported));
    expect![[r#"
        0x01e2 sanctioned "" ofac 100 %
        0x0389 sanctioned "Desk 7" ofac 100 %"#]]
    .assert_eq(&show(&builder.build(), "mainnet"));
}

#[test]
fn columns_are_found_by_their_usual_names() {
    let mut builder = Labels::builder();
    let list = LabelFile { confidence_percent: 80, ..LabelFile::new("phishing.csv", "forta") };
    let text = "address,etherscan_tag,etherscan_labels,is_contract\n\
        0x00000000072d54638c2c2a3da3f715360269eea1,Fake_Phishing4939,phish-hack,False\n\
        0x00000006e55a9364b657e3b91cd0411b4fd11ac2,\"Metaverse, the \"\"real\"\"\",\"phish-hack, heist\",True\n\
        0x00000006e55a9364b657e3b91cd0411b4fd11ac3,nothing known,,True\n\
        too short\n\
        \n";
    let imported = builder.import_csv(&list, text).unwrap();
    expect![[r#"
        added 3, other chains 0
        phishing.csv:4: no category, and none is given for the file
        phishing.csv:5: "too short" is no address"#]]
    .assert_eq(&told(&imported));
    expect![[r#"
        0x0000 phishing "Fake_Phishing4939" forta 80 %
        0x0000 phishing "Metaverse, the \"real\"" forta 80 %
        0x0000 exploiter "Metaverse, the \"real\"" forta 80 %"#]]
    .assert_eq(&show(&builder.build(), "mainnet"));
}

#[test]
fn rows_of_other_chains_are_left_out_and_counted() {
    let mut builder = Labels::builder();
    let list = LabelFile {
        category: Some(Category::Benign),
        network: Some(Name::new("mainnet").unwrap()),
        chain_id: Some(1),
        ..LabelFile::new("fp.csv", "forta")
    };
    let text = "address,chain_id,comment\r\n\
        0x1e0049783f008a0085193e00003d00cd54003c71,1,\"two\nlines\"\r\n\
        0x7ceb23fd6bc0add59e62ac25578270cff1b9f619,137,weth\r\n\
        0x55d398326f99059ff775485246999027b3197955,bsc,peg\r\n";
    let imported = builder.import_csv(&list, text).unwrap();
    expect![[r#"
        added 1, other chains 1
        fp.csv:5: "bsc" is no chain id"#]]
    .assert_eq(&told(&imported));
    let labels = builder.build();
    expect![[r#"0x1e00 benign "two lines" forta 100 %"#]].assert_eq(&show(&labels, "mainnet"));
    assert_eq!(show(&labels, "base"), "");
}

#[test]
fn json_lists_have_many_shapes() {
    let a = "0x1111111111111111111111111111111111111111";
    let b = "0x2222222222222222222222222222222222222222";
    let shapes = [
        format!(
            r#"{{"":{{"name":"Sum of 4","labels":["dex"]}},"{a}":{{"name":"Router","labels":["dex","phish-hack"]}}}}"#
        ),
        format!(r#"{{"{a}":["bridge"],"{b}":["mixer"]}}"#),
        format!(
            r#"[{{"address":"{a}","name":"Desk","category":"exchange","chain_id":1}},{{"name":"x"}}]"#
        ),
    ];
    let mut seen = Vec::new();
    for shape in shapes {
        let mut builder = Labels::builder();
        let imported = builder.import_json(&LabelFile::new("l.json", "scan"), &shape).unwrap();
        seen.push(format!("{}\n{}", told(&imported), show(&builder.build(), "mainnet")));
    }
    let owned = LabelFile {
        category: Some("treasury".parse().unwrap()),
        ..LabelFile::new("l.json", "own")
    };
    for shape in [format!(r#"["{a}"]"#), format!(r#"{{"{a}":"Main safe"}}"#)] {
        let mut builder = Labels::builder();
        builder.import_json(&owned, &shape).unwrap();
        seen.push(show(&builder.build(), "mainnet"));
    }
    expect![[r#"
        added 2, other chains 0
        l.json:1: "" is no address
        0x1111 dex "Router" scan 100 %
        0x1111 phishing "Router" scan 100 %
        --
        added 2, other chains 0

        0x1111 bridge "" scan 100 %
        0x2222 mixer "" scan 100 %
        --
        added 1, other chains 0
        l.json:2: an entry without an address
        0x1111 exchange "Desk" scan 100 %
        --
        0x1111 treasury "" own 100 %
        --
        0x1111 treasury "Main safe" own 100 %"#]]
    .assert_eq(&seen.join("\n--\n"));
}

#[test]
fn a_list_that_cannot_be_read_at_all_says_what_is_missing() {
    let file = LabelFile::new("l.csv", "own");
    let named = LabelFile {
        columns: Columns { name: Some("Titel".into()), ..Columns::default() },
        ..file.clone()
    };
    let mut builder = Labels::builder();
    let errors = [
        builder.import_csv(&file, "id,label\n").unwrap_err(),
        builder.import_csv(&file, "address,notes\n").unwrap_err(),
        builder.import_csv(&named, "address,label\n").unwrap_err(),
        builder.import_text(&file, "").unwrap_err(),
        builder.import_json(&file, "{\"0x").unwrap_err(),
        builder.import_json(&file, "7").unwrap_err(),
        builder.import_json(&file, "[] []").unwrap_err(),
    ];
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    expect![[r#"
        l.csv:1: no column for the address (address, contract_address, wallet …); the columns are id, label
        l.csv: no category: give one for the file, or name the column that has it
        l.csv:1: no column "Titel"; the columns are address, label
        l.csv: no category: give one for the file, or name the column that has it
        l.csv: EOF while parsing a string at line 1 column 4
        l.csv: invalid type: integer `7`, expected an array of addresses or objects, or an object with addresses as keys at line 1 column 1
        l.csv: trailing characters at line 1 column 4"#]].assert_eq(&errors.join("\n"));
    assert!(builder.is_empty());
}

#[test]
fn an_unclosed_quote_is_told_and_hides_nothing() {
    let list = LabelFile { category: Some(Category::Scam), ..LabelFile::new("l.csv", "own") };
    let text = "address,name\n0x1111111111111111111111111111111111111111,ok\n0x2222222222222222222222222222222222222222,\"half\n0x3333333333333333333333333333333333333333,lost\n";
    let imported = Labels::builder().import_csv(&list, text).unwrap();
    expect![[r#"
        added 1, other chains 0
        l.csv:3: a quote is opened and never closed; nothing after it could be read"#]]
    .assert_eq(&told(&imported));
}

#[test]
fn a_name_on_a_list_cannot_break_a_message() {
    let list = LabelFile { category: Some(Category::Scam), ..LabelFile::new("l.json", "own") };
    let address = "0x1111111111111111111111111111111111111111";
    let name = format!("pay\\n\\u202enow{}", "x".repeat(200));
    let mut builder = Labels::builder();
    builder.import_json(&list, &format!(r#"{{"{address}":"{name}"}}"#)).unwrap();
    let labels = builder.build();
    let shown = labels.name(&Name::new("any").unwrap(), address.parse().unwrap()).unwrap();
    assert!(shown.starts_with("pay nowxxx") && shown.chars().count() == 80, "{shown}");
}

#[test]
fn many_bad_rows_are_counted_beyond_the_first() {
    let list = LabelFile { category: Some(Category::Scam), ..LabelFile::new("l.txt", "own") };
    let imported = Labels::builder().import_text(&list, &"bad\n".repeat(120)).unwrap();
    assert_eq!((imported.rejected.len(), imported.more_rejected), (REJECTED_MAX, 70));
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "(address,label\n)?(\\PC|[\",\n\r#0x{}\\[\\]]){0,120}") {
        let list = LabelFile { category: Some(Category::Scam), ..LabelFile::new("l", "own") };
        let mut builder = Labels::builder();
        let _read = (
            builder.import_text(&list, &text).is_ok(),
            builder.import_csv(&list, &text).is_ok(),
            builder.import_json(&list, &text).is_ok(),
        );
        builder.build();
    }

    /// Every line is an address that was added, a row that was rejected, or a comment.
    #[test]
    fn no_row_is_lost(rows in prop::collection::vec(prop::option::of(any::<[u8; 20]>()), 0..40)) {
        let list = LabelFile { category: Some(Category::Scam), ..LabelFile::new("l", "own") };
        let line = |row: &Option<[u8; 20]>| match row {
            Some(address) => Address::from(*address).to_string(),
            None => "\"quoted\n\", x".to_owned(),
        };
        let lines: Vec<String> = rows.iter().map(line).collect();
        let text = format!("address,name\n{}", lines.join("\n"));
        let mut builder = Labels::builder();
        let imported = builder.import_csv(&list, &text).unwrap();
        prop_assert_eq!(imported.added, rows.iter().flatten().count());
        prop_assert_eq!(imported.rejected.len(), rows.iter().filter(|row| row.is_none()).count());
        let network = Name::new("any").unwrap();
        let labels = builder.build();
        for address in rows.iter().flatten() {
            prop_assert_eq!(labels.of(&network, Address::from(*address)).count(), 1);
        }
    }
}

const ONE: &str = "0x1111111111111111111111111111111111111111";
const TWO: &str = "0x2222222222222222222222222222222222222222";

fn shown(labels: &Labels) -> String {
    let lines: Vec<String> = labels
        .all()
        .map(|(_, address, label)| {
            let day = label.first_seen.map(|day| day.to_string()).unwrap_or_default();
            let percent = label.confidence_percent;
            let short = &address.to_string()[..6];
            format!("{short} {} {:?} {percent} % {day}", label.category, label.name)
        })
        .collect();
    lines.join("\n")
}

#[test]
fn stix_indicators_that_name_addresses_become_labels() {
    let text = format!(
        r#"{{"type":"bundle","id":"bundle--1","objects":[
        {{"type":"identity","name":"somebody"}},
        {{"type":"indicator","name":"Drainer of May","pattern_type":"stix","confidence":85,
          "indicator_types":["malicious-activity"],"labels":["drainer"],"valid_from":"2025-05-02T10:00:00Z",
          "pattern":"[cryptocurrency-wallet:value = '{ONE}'] OR [cryptocurrency-wallet:value IN ('{TWO}', 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq')]"}},
        {{"type":"indicator","pattern_type":"stix","indicator_types":["anonymization"],"pattern":"[x-evm:address = '{TWO}']","valid_from":"2024-01-01T00:00:00Z"}},
        {{"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = 'phish.example']","labels":["phishing"]}},
        {{"type":"indicator","pattern_type":"stix","revoked":true,"pattern":"[wallet:value = '{ONE}']","labels":["phishing"]}},
        {{"type":"indicator","pattern_type":"stix","valid_until":"2025-06-01T00:00:00Z","pattern":"[wallet:value = '{ONE}']","labels":["phishing"]}},
        {{"type":"indicator","pattern_type":"stix","pattern":"[wallet:value = '{ONE}' AND url:value = 'x']","labels":["phishing"]}},
        {{"type":"indicator","pattern_type":"stix","pattern":"[wallet:value != '{ONE}']","labels":["phishing"]}},
        {{"type":"indicator","pattern_type":"stix","pattern":"[wallet:value = '{ONE}","labels":["phishing"]}},
        {{"type":"cryptocurrency-wallet","value":"{ONE}","labels":["heist"],"created":"2025-01-01T00:00:00Z"}}
        ]}}"#
    );
    let mut builder = Labels::builder();
    let of =
        LabelFile { today: Some("2025-07-01".parse().unwrap()), ..LabelFile::new("f.json", "f") };
    let imported = builder.import_stix(&of, &text).unwrap();
    expect![[r#"
        added 4, other chains 0
        f.json:7: "[wallet:value = '0x1111111111111111111111111111111111111111'"… asks for more than one of some addresses
        f.json:8: "[wallet:value != '0x1111111111111111111111111111111111111111"… asks for more than one of some addresses
        f.json:9: "[wallet:value = '0x1111111111111111111111111111111111111111": a quote is opened and never closed
        no address 2, withdrawn 2"#]].assert_eq(&format!("{}\nno address {}, withdrawn {}", told(&imported), imported.no_address, imported.withdrawn));
    expect![[r#"
        0x1111 phishing "Drainer of May" 85 % 2025-05-02
        0x1111 exploiter "" 100 % 2025-01-01
        0x2222 phishing "Drainer of May" 85 % 2025-05-02
        0x2222 mixer "" 100 % 2024-01-01"#]]
    .assert_eq(&shown(&builder.build()));
    let error = Labels::builder().import_stix(&of, "{\"type\":\"bundle\"}").unwrap_err();
    expect!["f.json: no STIX bundle: it has no list of objects"].assert_eq(&error.to_string());
}

#[test]
fn the_sdn_list_says_the_same_in_its_three_forms() {
    let csv = format!(
        "1,\"SMITH, Jan\",\"individual\",\"CYBER2\",-0- ,-0- ,\"DOB 1980; Digital Currency Address - XBT 1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V; alt. Digital Currency Address - ETH {ONE}; nationality Utopia.\"\n\
         2,\"MIXER ONE\",-0- ,\"DPRK3\",-0- ,\"Digital Currency Address - USDC {TWO}.\"\n3,\"NOBODY\",-0- ,\"X\",-0- ,-0-\n"
    );
    let txt = format!(
        "SMITH, Jan (DOB 1980; alt. Digital Currency Address - XBT\n1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V; Digital Currency\nAddress - ETH {ONE}) [CYBER2].\n\nMIXER ONE; Digital Currency Address - USDC {TWO};\n[DPRK3].\n"
    );
    let xml = format!(
        "<?xml version=\"1.0\"?>\n<sdnList>\n<sdnEntry><uid>1</uid><lastName>SMITH, Jan</lastName><idList>\n<id><idType>Digital Currency Address - XBT</idType><idNumber>1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V</idNumber></id>\n<id><idType>Digital Currency Address - ETH</idType><idNumber>{ONE}</idNumber></id>\n<id><idType>Passport</idType><idNumber>0x12</idNumber></id></idList></sdnEntry>\n<sdnEntry><uid>2</uid><lastName>MIXER ONE</lastName><idList><id><idType>Digital Currency Address - USDC</idType><idNumber>{TWO}</idNumber></id></idList></sdnEntry></sdnList>"
    );
    let expected =
        "0x1111 sanctioned \"SMITH, Jan\" 100 % \n0x2222 sanctioned \"MIXER ONE\" 100 % ";
    for (form, text) in [("sdn.csv", csv), ("sdnlist.txt", txt), ("sdn.xml", xml)] {
        let mut builder = Labels::builder();
        let imported = builder.import_ofac(&LabelFile::new(form, "ofac"), &text).unwrap();
        assert_eq!((imported.added, imported.other_chains), (2, 1), "{form}: {}", told(&imported));
        assert!(imported.rejected.is_empty(), "{form}: {}", told(&imported));
        assert_eq!(shown(&builder.build()), expected, "{form}");
    }
    let error = Labels::builder().import_ofac(&LabelFile::new("a.csv", "ofac"), "1,2").unwrap_err();
    expect![[r#"a.csv: no "Digital Currency Address" in it: the SDN list is sdn.csv, sdnlist.txt or sdn.xml"#]].assert_eq(&error.to_string());
}

#[test]
fn forta_label_sets_name_contracts_and_who_created_them() {
    let text = format!(
        "contract_address,contract_tag,contract_creator,contract_creation_tx,contract_creator_tag,source,notes,contract_creator_etherscan_label\n\
         {ONE},Exploit 7,{TWO},0x01,Exploiter 7,table,,phish-hack\n\
         0x3333333333333333333333333333333333333333,,,0x02,,table,,\n"
    );
    let mut builder = Labels::builder();
    let imported =
        builder.import_forta(&LabelFile::new("1_malicious.csv", "forta"), &text).unwrap();
    expect![[r#"
        added 3, other chains 0
        no address 1"#]]
    .assert_eq(&format!("{}no address {}", told(&imported), imported.no_address));
    expect![[r#"
        0x1111 phishing "Exploit 7" 100 % 
        0x2222 phishing "Exploiter 7" 100 % 
        0x3333 exploiter "" 100 % "#]]
    .assert_eq(&shown(&builder.build()));

    let text = format!(
        r#"{{"data":{{"labels":{{"labels":[
        {{"createdAt":"2025-02-03T00:00:00Z","label":{{"entity":"{ONE}","entityType":"ADDRESS","label":"attacker","confidence":0.9,"remove":false}}}},
        {{"createdAt":"2025-02-03T00:00:00Z","label":{{"entity":"0xabc","entityType":"TRANSACTION","label":"attack","confidence":0.9}}}},
        {{"label":{{"entity":"{TWO}","entityType":"ADDRESS","label":"scammer","confidence":0.4}}}},
        {{"label":{{"entity":"{TWO}","entityType":"ADDRESS","label":"scammer","remove":true}}}}]}}}}}}"#
    );
    let mut builder = Labels::builder();
    let imported = builder.import_forta(&LabelFile::new("l.json", "forta"), &text).unwrap();
    assert_eq!((imported.added, imported.no_address, imported.withdrawn), (1, 1, 2));
    expect![[r#"0x1111 exploiter "" 90 % 2025-02-03"#]].assert_eq(&shown(&builder.build()));
}

#[test]
fn json_entries_may_carry_confidence_and_day() {
    let text = format!(
        r#"[{{"address":"{ONE}","category":"heist","confidence":0.5,"first_seen":"2024-03-01"}},
            {{"address":"{TWO}","category":"heist","first_seen":1700000000}},
            {{"address":"{TWO}","category":"heist","first_seen":"soon"}}]"#
    );
    let mut builder = Labels::builder();
    let imported = builder.import_json(&LabelFile::new("l.json", "l"), &text).unwrap();
    expect![[r#"
        added 2, other chains 0
        l.json:3: "soon" is no day (write 2026-03-31)"#]]
    .assert_eq(&told(&imported));
    expect![[r#"
        0x1111 exploiter "" 50 % 2024-03-01
        0x2222 exploiter "" 100 % 2023-11-14"#]]
    .assert_eq(&shown(&builder.build()));
}

proptest! {
    /// What an import wrote is read back as it was, whatever a stranger called the address.
    #[test]
    fn an_imported_file_reads_back(
        rows in prop::collection::vec((any::<[u8; 20]>(), "[ -~\"\n,]{0,30}", 0u8..=100, 0u64..4_000_000_000, any::<bool>()), 0..40),
    ) {
        let mut builder = Labels::builder();
        let network = Name::new("base").unwrap();
        for (address, name, percent, at, is_limited) in &rows {
            let name = import::clean_name(name);
            let category = if *percent > 50 { Category::Exploiter } else { Category::Mixer };
            let label = Label {
                name: &name,
                confidence_percent: *percent,
                first_seen: Some(crate::threats::Day::of(model::UnixSeconds(*at))),
                ..Label::new(&category, "set")
            };
            builder.add(is_limited.then_some(&network), Address::from(*address), label).unwrap();
        }
        let written = builder.build();
        let mut again = Labels::builder();
        let imported = again.import_own(&LabelFile::new("labels/set.imported.csv", "set"), &written.to_csv()).unwrap();
        prop_assert_eq!(&imported.rejected, &Vec::new());
        let again = again.build();
        prop_assert_eq!(again.to_csv(), written.to_csv());
        prop_assert_eq!(again.len(), written.len());
    }

    #[test]
    fn no_text_makes_an_import_panic(text in ".{0,200}", stix in "\\[[a-z:' =!\\\\]{0,40}\\]?") {
        let of = LabelFile::new("f", "f");
        drop(Labels::builder().import_ofac(&of, &format!("{text}Digital Currency Address - ETH{text}")));
        drop(Labels::builder().import_forta(&of, &text));
        let pattern = serde_json::to_string(&stix).unwrap();
        let bundle = format!(r#"{{"objects":[{{"type":"indicator","pattern":{pattern}}}]}}"#);
        prop_assert!(Labels::builder().import_stix(&of, &bundle).is_ok());
    }
}
