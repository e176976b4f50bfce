//! A small protocol whose authority is as declared, and everything that can go wrong with it.

mod drift; //   what is not as declared, by class, contract and account
mod logs; //    holdings as logs and answers tell them
mod paths; //   who can make what happen through whom
mod repairs; // transactions that end a drift
mod scan; //    history that was read, and the laws of folding it
mod world; //   the protocol

use super::*;
use crate::{Class, ContractAbi, Deployment, Labels, Registry};
