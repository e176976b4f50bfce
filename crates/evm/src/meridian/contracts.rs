//! Typed calls and events of the contracts, generated from the committed artefacts.
#![allow(missing_docs, unreachable_pub, clippy::too_many_arguments)] // generated

use alloy_sol_types::sol;

sol!(MeridianToken, "../../contracts/artifacts/MeridianToken.json");
sol!(Vault, "../../contracts/artifacts/Vault.json");
sol!(Proxy, "../../contracts/artifacts/Proxy.json");
sol!(PriceOracle, "../../contracts/artifacts/PriceOracle.json");
sol!(Pair, "../../contracts/artifacts/Pair.json");
sol!(FlashLender, "../../contracts/artifacts/FlashLender.json");
sol!(Timelock, "../../contracts/artifacts/Timelock.json");
sol!(Governor, "../../contracts/artifacts/Governor.json");
sol!(InsuranceFund, "../../contracts/artifacts/InsuranceFund.json");
sol!(BridgeLocker, "../../contracts/artifacts/BridgeLocker.json");
sol!(ChildFactory, "../../contracts/artifacts/ChildFactory.json");
sol!(ChildPool, "../../contracts/artifacts/ChildPool.json");
sol!(ReentrancyAttacker, "../../contracts/artifacts/ReentrancyAttacker.json");
sol!(FlashAttacker, "../../contracts/artifacts/FlashAttacker.json");
sol!(MaliciousImplementation, "../../contracts/artifacts/MaliciousImplementation.json");
