//! Call frames as other nodes' `callTracer` gives them.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_sol_types::{Revert, SolError};
use model::FrameKind;
use revm::{
    Inspector,
    context::ContextTr,
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, CreateScheme,
        InstructionResult, InterpreterResult, interpreter::EthInterpreter,
    },
};
use serde_json::{Map, Value, json};

/// A frame with the frames it called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFrame {
    /// How it was entered.
    pub kind: FrameKind,
    /// Calling address.
    pub from: Address,
    /// Called or created address; `None` for a failed creation.
    pub to: Option<Address>,
    /// Wei moved; for a delegate call the wei of the frame around it.
    pub value: U256,
    /// Gas it was given.
    pub gas: u64,
    /// Gas it and what it called used.
    pub gas_used: u64,
    /// Calldata or initcode.
    pub input: Bytes,
    /// Return or revert data.
    pub output: Bytes,
    /// Why it failed, in the words of other nodes.
    pub error: Option<String>,
    /// Frames it called, in order.
    pub calls: Vec<CallFrame>,
    /// What it emitted, each with the number of calls made before it. Empty if it failed.
    pub logs: Vec<(usize, Log)>,
}

impl CallFrame {
    /// This frame and all below it, callers first.
    pub fn walk(&self) -> impl Iterator<Item = &CallFrame> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let frame = waiting.pop()?;
            waiting.extend(frame.calls.iter().rev());
            Some(frame)
        })
    }

    pub(super) fn to_json(&self, with_log: bool) -> Value {
        let mut fields = Map::new();
        let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        set("from", json!(self.from));
        set("gas", json!(format!("{:#x}", self.gas)));
        set("gasUsed", json!(format!("{:#x}", self.gas_used)));
        if let Some(to) = self.to {
            set("to", json!(to));
        }
        set("input", json!(self.input));
        if !self.output.is_empty() {
            set("output", json!(self.output));
        }
        if let Some(error) = &self.error {
            set("error", json!(error));
            if let Ok(reason) = Revert::abi_decode(&self.output) {
                set("revertReason", json!(reason.reason));
            }
        }
        if !self.calls.is_empty() {
            set("calls", self.calls.iter().map(|frame| frame.to_json(with_log)).collect());
        }
        if with_log && !self.logs.is_empty() {
            let logs = self.logs.iter().map(|(position, log)| {
                json!({
                    "address": log.address,
                    "topics": log.data.topics(),
                    "data": log.data.data,
                    "position": format!("{position:#x}"),
                })
            });
            set("logs", logs.collect());
        }
        if self.kind != FrameKind::StaticCall {
            set("value", json!(format!("{:#x}", self.value)));
        }
        set("type", json!(kind_name(self.kind)));
        Value::Object(fields)
    }

    fn forget_failed_logs(&mut self, is_inside_failed: bool) {
        let has_failed = is_inside_failed || self.error.is_some();
        if has_failed {
            self.logs.clear();
        }
        for frame in &mut self.calls {
            frame.forget_failed_logs(has_failed);
        }
    }
}

fn kind_name(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Call => "CALL",
        FrameKind::CallCode => "CALLCODE",
        FrameKind::DelegateCall => "DELEGATECALL",
        FrameKind::StaticCall => "STATICCALL",
        FrameKind::Create => "CREATE",
        FrameKind::Create2 => "CREATE2",
        FrameKind::SelfDestruct => "SELFDESTRUCT",
    }
}

/// Writes down the frames of one transaction while it runs.
#[derive(Debug, Default)]
pub(crate) struct CallTracer {
    /// Frames that have begun and not ended, outermost first.
    open: Vec<CallFrame>,
    root: Option<CallFrame>,
}

impl CallTracer {
    /// The outermost frame, with the gas of the whole transaction as receipts tell it.
    pub(crate) fn finish(self, gas_limit: u64, gas_used: u64) -> Option<CallFrame> {
        let mut root = self.root?;
        root.gas = gas_limit;
        root.gas_used = gas_used;
        root.forget_failed_logs(false);
        Some(root)
    }

    fn begin(&mut self, frame: CallFrame) {
        self.open.push(frame);
    }

    fn end(&mut self, result: &InterpreterResult, created: Option<Address>) {
        let Some(mut frame) = self.open.pop() else { return };
        let is_creation = matches!(frame.kind, FrameKind::Create | FrameKind::Create2);
        // A failure other than a revert takes all that the frame was given.
        let takes_all = !result.result.is_ok() && !result.result.is_revert();
        frame.gas_used = if takes_all { frame.gas } else { result.gas.total_gas_spent() };
        if result.result.is_ok() {
            frame.output = result.output.clone();
            if is_creation {
                frame.to = created;
            }
        } else {
            if result.result.is_revert() {
                frame.output = result.output.clone();
            }
            if is_creation {
                frame.to = None;
            }
            frame.error = Some(failure(result.result));
        }
        self.close(frame);
    }

    fn close(&mut self, frame: CallFrame) {
        match self.open.last_mut() {
            Some(parent) => parent.calls.push(frame),
            None => self.root = Some(frame),
        }
    }
}

impl<C: ContextTr> Inspector<C, EthInterpreter> for CallTracer {
    fn log(&mut self, _: &mut C, log: Log) {
        if let Some(frame) = self.open.last_mut() {
            frame.logs.push((frame.calls.len(), log));
        }
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let kind = match inputs.scheme {
            CallScheme::Call => FrameKind::Call,
            CallScheme::CallCode => FrameKind::CallCode,
            CallScheme::DelegateCall => FrameKind::DelegateCall,
            CallScheme::StaticCall => FrameKind::StaticCall,
        };
        // A delegate call runs foreign code as the caller: from is the caller itself.
        let is_borrowed_code = matches!(kind, FrameKind::DelegateCall | FrameKind::CallCode);
        let from = if is_borrowed_code { inputs.target_address } else { inputs.caller };
        self.begin(CallFrame {
            kind,
            from,
            to: Some(inputs.bytecode_address),
            value: inputs.call_value(),
            gas: inputs.gas_limit,
            gas_used: 0,
            input: inputs.input.bytes(context),
            output: Bytes::new(),
            error: None,
            calls: Vec::new(),
            logs: Vec::new(),
        });
        None
    }

    fn call_end(&mut self, _: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(&outcome.result, None);
    }

    fn create(&mut self, _: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let kind = match inputs.scheme() {
            CreateScheme::Create2 { .. } => FrameKind::Create2,
            _ => FrameKind::Create,
        };
        self.begin(CallFrame {
            kind,
            from: inputs.caller(),
            to: None,
            value: inputs.value(),
            gas: inputs.gas_limit(),
            gas_used: 0,
            input: inputs.init_code().clone(),
            output: Bytes::new(),
            error: None,
            calls: Vec::new(),
            logs: Vec::new(),
        });
        None
    }

    fn create_end(&mut self, _: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(&outcome.result, outcome.address);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.close(CallFrame {
            kind: FrameKind::SelfDestruct,
            from: contract,
            to: Some(target),
            value,
            gas: 0,
            gas_used: 0,
            input: Bytes::new(),
            output: Bytes::new(),
            error: None,
            calls: Vec::new(),
            logs: Vec::new(),
        });
    }
}

/// What other nodes call this failure.
fn failure(result: InstructionResult) -> String {
    use InstructionResult as R;
    match result {
        R::Revert => "execution reverted".into(),
        R::CallTooDeep => "max call depth exceeded".into(),
        R::OutOfFunds => "insufficient balance for transfer".into(),
        R::OutOfGas
        | R::MemoryOOG
        | R::MemoryLimitOOG
        | R::PrecompileOOG
        | R::InvalidOperandOOG
        | R::ReentrancySentryOOG => "out of gas".into(),
        R::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        R::OpcodeNotFound | R::NotActivated => "invalid opcode".into(),
        R::InvalidJump => "invalid jump destination".into(),
        R::StackUnderflow => "stack underflow".into(),
        R::StackOverflow => "stack limit reached 1024".into(),
        R::CreateCollision => "contract address collision".into(),
        R::StateChangeDuringStaticCall | R::CallNotAllowedInsideStatic => "write protection".into(),
        R::OutOfOffset => "return data out of bounds".into(),
        R::CreateContractSizeLimit => "max code size exceeded".into(),
        R::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        R::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        R::NonceOverflow => "nonce uint64 overflow".into(),
        other => format!("{other:?}"),
    }
}

/// The sentence inside a standard revert, as clients expect it in an error message.
pub(super) fn revert_message(output: &[u8]) -> String {
    match Revert::abi_decode(output) {
        Ok(reason) => format!("execution reverted: {}", reason.reason),
        // Custom errors travel as data; other nodes do not name them either.
        Err(_) => "execution reverted".to_owned(),
    }
}

/// The answer to a request for the traces of a block.
pub(super) fn block_trace_json(frames: &[(B256, CallFrame)], with_log: bool) -> Value {
    frames
        .iter()
        .map(|(hash, frame)| json!({ "txHash": hash, "result": frame.to_json(with_log) }))
        .collect()
}
