//! `bellwether anomaly` on files as people have them, good and bad.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::world::{Ended, bellwether, run_to_end};

/// A folder with one series in it.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.csv");
        fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    async fn judged(&self, options: &[&str]) -> Ended {
        let mut command = bellwether();
        command.arg("anomaly").arg(&self.path).args(options);
        run_to_end(command).await
    }

    /// The rows of `--scores`, without the header.
    async fn scores(&self) -> Vec<String> {
        let ended = self.judged(&["--scores"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let mut lines = ended.out.lines().map(str::to_owned);
        assert_eq!(lines.next().as_deref(), Some("timestamp,value,score"));
        lines.collect()
    }
}

fn score(row: &str) -> f64 {
    row.rsplit(',').next().unwrap().parse().unwrap()
}

/// Ordinary values, then what a hostile file adds: missing, huge, repeated and backward moments.
fn rows() -> Vec<String> {
    let wave = |i: u32| f64::from(i * 7_919 % 101) / 10.0;
    let mut rows: Vec<String> =
        (0..600).map(|i| format!("{},{}", 1_700_000_000 + i * 300, wave(i))).collect();
    rows[200] = "1700060000,".into();
    rows[201] = "1700060000,NaN".into();
    rows[300] = "1699999999,3.5".into();
    rows[350] = "1700105000,1e308".into();
    rows[351] = "1700105000,-1e308".into();
    rows[400] = "1700200000,inf".into();
    rows
}

#[tokio::test]
async fn each_row_is_scored_by_what_was_known_at_that_row() {
    let rows = rows();
    let whole = File::new(rows.join("\n")).scores().await;
    assert_eq!(whole.len(), rows.len(), "one score for each row, missing ones as well");
    for (scored, row) in whole.iter().zip(&rows) {
        assert!(scored.starts_with(&format!("{row},")), "{scored} keeps the words of {row}");
        assert!((0.0..=1.0).contains(&score(scored)), "{scored}");
    }
    assert!(score(&whole[350]) >= 0.5, "the huge value is an alarm: {}", whole[350]);
    for cut in [1, 2, 199, 202, 301, 351, 599] {
        let begun = File::new(rows[..cut].join("\n")).scores().await;
        assert_eq!(begun, whole[..cut], "the first {cut} rows");
    }
}

#[tokio::test]
async fn a_series_that_says_nothing_raises_nothing() {
    assert_eq!(File::new("2024-05-01,3\n").scores().await, ["2024-05-01,3,0.000000"]);
    let still = (0..3_000).map(|i| format!("{},7.25\n", i * 60)).collect::<String>();
    assert!(File::new(still).scores().await.iter().all(|row| score(row) == 0.0));
    let missing = "timestamp,value\r\n2024-05-01,\r\n2024-05-02,NA\r\n";
    assert!(File::new(missing).scores().await.iter().all(|row| score(row) == 0.0));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_its_place_and_nothing_is_printed() {
    for (text, told) in [
        (
            &b"timestamp,value\n2024-05-01,4\n2024-05-02,four\n"[..],
            "series.csv:3:12: \"four\" is no",
        ),
        (b"", "series.csv:1:1: no rows"),
        (b"timestamp,value\n", "series.csv:1:1: no rows"),
        (b"2024-05-01,1\n\xff\xfe,2\n", "series.csv:2:1: not UTF-8"),
        (b"2024-05-01,1\n2024-05-02\n", "series.csv:2:11: 1 field(s)"),
    ] {
        let ended = File::new(text).judged(&["--scores"]).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.err.contains(told), "{told}: {ended:?}");
    }
}

#[tokio::test]
async fn an_alarm_can_fail_a_build() {
    let mut rows = rows();
    let quiet = File::new(rows[..150].join("\n"));
    assert_eq!(quiet.judged(&["--fail"]).await.code, Some(0));
    rows[500] = "1700150000,9e9".into();
    let loud = File::new(rows.join("\n"));
    assert_eq!(loud.judged(&["--fail"]).await.code, Some(1));
    assert_eq!(loud.judged(&[]).await.code, Some(0));
    let json = loud.judged(&["--json"]).await.json();
    let lines: Vec<u64> =
        json["alarms"].as_array().unwrap().iter().map(|a| a["line"].as_u64().unwrap()).collect();
    assert!(lines.contains(&351) && json["rows"] == 600, "{json}");
    assert_eq!((&json["missing"], &json["out_of_order"]), (&3.into(), &2.into()), "{json}");
}
