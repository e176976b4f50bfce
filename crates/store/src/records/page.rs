//! Lists in pages: newest first, each page ending in a cursor where the next one begins.
//!
//! The cursor names the last row shown by its sort key, not by a count of rows, so what arrives
//! while somebody reads neither shifts nor repeats a row.

use std::{fmt, str::FromStr};

use crate::StoreError;

/// Rows in one page at most: more than a person reads, little enough to answer at once.
pub const PAGE_MAX: usize = 500;

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Block time of the last row, in seconds.
    pub(crate) at: i64,
    /// Id of the last row.
    pub(crate) id: [u8; 16],
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Rows, newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
}

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cursor; use the one that the previous page ended with")]
pub struct ParseCursorError(pub String);

impl fmt::Display for Cursor {
    /// Safe in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:032x}", self.at, u128::from_be_bytes(self.id))
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;
    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let parse = || {
            let (at, id) = text.split_once('-')?;
            let is_hex = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
            let id = is_hex.then(|| u128::from_str_radix(id, 16).ok())??;
            Some(Self { at: at.parse().ok().filter(|at| *at >= 0)?, id: id.to_be_bytes() })
        };
        parse().ok_or_else(|| ParseCursorError(text.to_owned()))
    }
}

/// The row before which a page begins: the cursor's, or one beyond all rows.
pub(super) fn before(cursor: Option<Cursor>) -> Cursor {
    cursor.unwrap_or(Cursor { at: i64::MAX, id: [0xff; 16] })
}

/// How many rows to fetch for a page: one more than shown, to know whether there is a next.
pub(super) fn fetch(limit: usize) -> Result<i64, StoreError> {
    if limit == 0 {
        return Err(StoreError::BadQuery("a page of 0 rows"));
    }
    if limit > PAGE_MAX {
        let (asked, limit) = (limit as u64, PAGE_MAX as u64);
        return Err(StoreError::QueryTooLarge { what: "rows in a page", asked, limit });
    }
    Ok(limit as i64 + 1)
}

/// Cuts the row too many and tells where it was.
pub(super) fn page<T>(mut rows: Vec<(Cursor, T)>, limit: usize) -> Page<T> {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|(cursor, _)| *cursor);
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(at in 0_i64.., id: [u8; 16]) {
            let cursor = Cursor { at, id };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_an_error(text: String) {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
    }

    #[test]
    fn a_bad_cursor_is_explained() {
        for bad in ["", "1", "1-", "-1-00", "1-+0000000000000000000000000000000", "x-ff"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?} was taken");
        }
        expect![[r#""page=2" is not a cursor; use the one that the previous page ended with"#]]
            .assert_eq(&"page=2".parse::<Cursor>().unwrap_err().to_string());
    }
}
