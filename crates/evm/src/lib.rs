//! The only code that executes EVM code: the devnet, its protocol, traffic and attack scenarios.
