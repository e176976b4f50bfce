// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {PriceOracle} from "./PriceOracle.sol";

/// A price feed of somebody else's: a fixed address before an aggregator that its owner may swap
/// without a word.
contract FeedProxy {
    uint8 public constant decimals = 8;
    string public constant description = "HUSD / USD";

    address public owner;
    PriceOracle public aggregator;

    error NotOwner(address account);

    constructor(address owner_, PriceOracle aggregator_) {
        owner = owner_;
        aggregator = aggregator_;
    }

    function confirmAggregator(PriceOracle next) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        aggregator = next;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return aggregator.latestRoundData();
    }
}
