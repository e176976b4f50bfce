//! The JSON around requests and answers.

use bytes::Bytes;
use serde::Deserialize;
use sonic_rs::{JsonValueTrait, LazyValue};

use super::{RpcErrorKind, redact::Redactor};

/// One call: a method and the JSON text of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method name.
    pub method: &'static str,
    /// A JSON array.
    pub params: String,
}

impl Request {
    /// A call of `method`; `params` is the JSON text of an array.
    pub fn new(method: &'static str, params: impl Into<String>) -> Self {
        Self { method, params: params.into() }
    }

    pub(super) fn write(&self, id: u64, out: &mut String) {
        out.push_str(r#"{"jsonrpc":"2.0","id":"#);
        out.push_str(&id.to_string());
        out.push_str(r#","method":""#);
        out.push_str(self.method);
        out.push_str(r#"","params":"#);
        out.push_str(&self.params);
        out.push('}');
    }
}

/// The raw JSON of a `result`; `None` for `null`.
pub(super) type Answer = Result<Option<Bytes>, RpcErrorKind>;

/// Largest id or error text worth repeating, in bytes.
const QUOTE_BYTES_MAX: usize = 60;

/// The answer to the request with this id.
pub(super) fn parse_single(body: &Bytes, id: u64, redactor: &Redactor) -> Answer {
    let parts = Parts::of_body(body, redactor)?;
    parts.answer(id, body, redactor)
}

/// The answers to the requests with ids `first_id..first_id + count`, in that order.
///
/// # Errors
/// When the whole batch has no usable answer. A single error object in place of the array counts
/// as refusing batches, unless its words say otherwise.
pub(super) fn parse_batch(
    body: &Bytes,
    first_id: u64,
    count: usize,
    redactor: &Redactor,
) -> Result<Vec<Answer>, RpcErrorKind> {
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_array {
        let parts = Parts::of_body(body, redactor)?;
        let Some(error) = parts.error else {
            return Err(RpcErrorKind::NotJsonRpc("a batch was answered by one object".into()));
        };
        let kind = node_error(&error, redactor);
        let is_limit = matches!(
            super::RpcError { method: "batch", kind: kind.clone() }.class(),
            super::ErrorClass::RateLimited(_)
        );
        return Err(if is_limit { kind } else { RpcErrorKind::BatchUnsupported });
    }

    let mut answers: Vec<Answer> = (0..count).map(|_| Err(RpcErrorKind::LeftOut)).collect();
    for element in sonic_rs::to_array_iter(body.as_ref()) {
        let element = element.map_err(|error| not_json(&error, redactor))?;
        let parts = Parts::of_value(&element, redactor)?;
        let place = parts.id.as_ref().and_then(|id| id.as_u64()).and_then(|id| {
            let place = usize::try_from(id.checked_sub(first_id)?).ok()?;
            (place < count).then_some(place)
        });
        // An answer to nothing we asked is the node's business; the call it should have answered
        // stays left out.
        if let Some(place) = place {
            answers[place] = parts.answer(first_id + place as u64, body, redactor);
        }
    }
    Ok(answers)
}

/// The members of an answer that matter.
struct Parts<'a> {
    id: Option<LazyValue<'a>>,
    result: Option<LazyValue<'a>>,
    error: Option<LazyValue<'a>>,
}

impl<'a> Parts<'a> {
    fn of_body(body: &'a Bytes, redactor: &Redactor) -> Result<Self, RpcErrorKind> {
        Self::collect(sonic_rs::to_object_iter(body.as_ref()), redactor)
    }

    fn of_value(value: &LazyValue<'a>, redactor: &Redactor) -> Result<Self, RpcErrorKind> {
        let Some(members) = value.clone().into_object_iter() else {
            return Err(RpcErrorKind::NotJsonRpc("a member of the batch is no object".into()));
        };
        Self::collect(members, redactor)
    }

    fn collect(
        members: sonic_rs::ObjectJsonIter<'a>,
        redactor: &Redactor,
    ) -> Result<Self, RpcErrorKind> {
        let mut parts = Self { id: None, result: None, error: None };
        for member in members {
            let (key, value) = member.map_err(|error| not_json(&error, redactor))?;
            match key.as_ref() {
                "id" => parts.id = Some(value),
                "result" => parts.result = Some(value),
                "error" if !value.is_null() => parts.error = Some(value),
                _ => {}
            }
        }
        Ok(parts)
    }

    fn answer(self, expected: u64, body: &Bytes, redactor: &Redactor) -> Answer {
        let id = self.id.as_ref();
        let is_our_id = id.and_then(|id| id.as_u64()) == Some(expected);
        let is_no_id = id.is_none_or(|id| id.is_null());
        if let Some(error) = &self.error {
            // A node that could not read the request answers with id null.
            if is_our_id || is_no_id {
                return Err(node_error(error, redactor));
            }
        }
        if !is_our_id {
            let found = id.map_or("none".to_owned(), |id| quote(id.as_raw_str(), redactor));
            return Err(RpcErrorKind::WrongId { expected, found });
        }
        match self.result {
            None => Err(RpcErrorKind::NotJsonRpc("neither result nor error".into())),
            Some(result) if result.is_null() => Ok(None),
            Some(result) => Ok(Some(cut(body, &result))),
        }
    }
}

/// The value's text as a slice of the body it was found in.
fn cut(body: &Bytes, value: &LazyValue<'_>) -> Bytes {
    let text = value.as_raw_str().as_bytes();
    let is_inside = body.as_ptr_range().contains(&text.as_ptr());
    if is_inside { body.slice_ref(text) } else { Bytes::copy_from_slice(text) }
}

#[derive(Deserialize)]
struct NodeError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

fn node_error(error: &LazyValue<'_>, redactor: &Redactor) -> RpcErrorKind {
    match sonic_rs::from_str::<NodeError>(error.as_raw_str()) {
        Ok(NodeError { code, message }) => {
            RpcErrorKind::Node { code, message: redactor.clean(&message) }
        }
        // An error in a shape of its own is still an error.
        Err(_) => RpcErrorKind::Node { code: 0, message: quote(error.as_raw_str(), redactor) },
    }
}

fn not_json(error: &sonic_rs::Error, redactor: &Redactor) -> RpcErrorKind {
    let first_line = error.to_string().lines().next().unwrap_or_default().to_owned();
    RpcErrorKind::NotJsonRpc(redactor.clean(&first_line))
}

fn quote(text: &str, redactor: &Redactor) -> String {
    let end = text.floor_char_boundary(QUOTE_BYTES_MAX);
    redactor.clean(&text[..end])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::Secret;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&Secret::new("http://127.0.0.1:1/secretkey".into()), &[])
    }

    fn single(body: &str) -> Answer {
        parse_single(&Bytes::copy_from_slice(body.as_bytes()), 7, &redactor())
    }

    fn batch(body: &str) -> Result<Vec<Answer>, RpcErrorKind> {
        parse_batch(&Bytes::copy_from_slice(body.as_bytes()), 7, 2, &redactor())
    }

    fn told(answer: Answer) -> String {
        answer.unwrap_err().to_string()
    }

    #[test]
    fn a_request_is_written_as_json_rpc() {
        let mut out = String::new();
        Request::new("eth_chainId", "[]").write(3, &mut out);
        assert_eq!(out, r#"{"jsonrpc":"2.0","id":3,"method":"eth_chainId","params":[]}"#);
    }

    #[test]
    fn the_result_is_a_slice_of_the_body() {
        let body = Bytes::from_static(br#" {"jsonrpc":"2.0","result":{"a":[1, 2]},"id":7}"#);
        let result = parse_single(&body, 7, &redactor()).unwrap().unwrap();
        assert_eq!(result.as_ref(), br#"{"a":[1, 2]}"#);
        assert!(body.as_ptr_range().contains(&result.as_ptr()));
    }

    #[test]
    fn null_is_an_answer_and_nothing_is_an_error() {
        assert_eq!(single(r#"{"id":7,"result":null}"#), Ok(None));
        assert_eq!(single(r#"{"id":7,"result":[],"error":null}"#), Ok(Some("[]".into())));
        expect!["answer is not JSON-RPC: neither result nor error"]
            .assert_eq(&told(single(r#"{"id":7}"#)));
    }

    #[test]
    fn an_error_object_wins_over_a_result() {
        let body = r#"{"id":7,"result":[],"error":{"code":-32000,"message":"try /secretkey"}}"#;
        expect!["node error -32000: try <secret>"].assert_eq(&told(single(body)));
        expect!["node error -32700: parse error"].assert_eq(&told(single(
            r#"{"id":null,"error":{"code":-32700,"message":"parse error"}}"#,
        )));
        expect![[r#"node error 0: "boom""#]].assert_eq(&told(single(r#"{"id":7,"error":"boom"}"#)));
    }

    #[test]
    fn another_requests_answer_is_refused() {
        expect!["answer carries id 8, expected 7"]
            .assert_eq(&told(single(r#"{"id":8,"result":[]}"#)));
        expect![[r#"answer carries id "7", expected 7"#]]
            .assert_eq(&told(single(r#"{"id":"7","result":[]}"#)));
        expect!["answer carries id none, expected 7"].assert_eq(&told(single(r#"{"result":[]}"#)));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for body in
            ["", "<html>502</html>", "[]", "7", r#"{"id":7,"result":"#, r#"{"id":7,"result":[}"#]
        {
            let error = single(body).unwrap_err();
            assert!(
                matches!(error, RpcErrorKind::NotJsonRpc(_) | RpcErrorKind::WrongId { .. }),
                "{body}: {error}"
            );
        }
    }

    #[test]
    fn batch_answers_are_sorted_by_id() {
        let answers = batch(r#"[{"id":8,"result":"b"},{"id":7,"result":"a"}]"#).unwrap();
        assert_eq!(answers, [Ok(Some(r#""a""#.into())), Ok(Some(r#""b""#.into()))]);
    }

    #[test]
    fn a_call_without_an_answer_is_left_out_and_strangers_are_ignored() {
        let answers = batch(r#"[{"id":99,"result":"?"},{"id":7,"result":null}]"#).unwrap();
        assert_eq!(answers, [Ok(None), Err(RpcErrorKind::LeftOut)]);
    }

    #[test]
    fn one_error_in_place_of_a_batch_means_no_batches() {
        let refusal = r#"{"id":null,"error":{"code":-32600,"message":"batch not allowed"}}"#;
        assert_eq!(batch(refusal), Err(RpcErrorKind::BatchUnsupported));
        let limited = r#"{"id":null,"error":{"code":-32005,"message":"limit exceeded"}}"#;
        assert!(matches!(batch(limited), Err(RpcErrorKind::Node { code: -32005, .. })));
    }
}
