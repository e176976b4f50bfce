// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Roles} from "./Roles.sol";
import {IRiskEvents} from "./IRiskEvents.sol";

/// A price feed in the dialect of the common aggregators, which promises a round every `heartbeat`
/// seconds.
contract PriceOracle is Roles, IRiskEvents {
    bytes32 public constant REPORTER_ROLE = keccak256("REPORTER_ROLE");
    uint8 public constant decimals = 8;
    string public constant description = "ETH / mUSD";

    uint256 public immutable heartbeat;

    uint80 private _round;
    int256 private _answer;
    uint256 private _updatedAt;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NotLate(uint256 lag, uint256 heartbeat);

    constructor(address admin, address reporter, uint256 heartbeat_, int256 first) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(REPORTER_ROLE, reporter);
        heartbeat = heartbeat_;
        _submit(first);
    }

    function submit(int256 answer) external onlyRole(REPORTER_ROLE) {
        _submit(answer);
    }

    /// Anyone may put on record that the feed broke its promise.
    function reportLag() external {
        uint256 lag = block.timestamp - _updatedAt;
        if (lag <= heartbeat) revert NotLate(lag, heartbeat);
        emit OracleLag(address(this), _updatedAt, heartbeat, lag);
    }

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return (_round, _answer, _updatedAt, _updatedAt, _round);
    }

    function latestAnswer() external view returns (int256) {
        return _answer;
    }

    function _submit(int256 answer) private {
        require(answer > 0, "answer not positive");
        _round += 1;
        _answer = answer;
        _updatedAt = block.timestamp;
        emit AnswerUpdated(answer, _round, block.timestamp);
    }
}
