// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FeedProxy} from "./FeedProxy.sol";
import {LendingMarket} from "./LendingMarket.sol";
import {MessageBridge} from "./MessageBridge.sol";
import {Stablecoin} from "./Stablecoin.sol";

/// A small protocol that owns nothing it relies on: deposits are in somebody's dollar, priced by
/// somebody's feed, lent to somebody's pool, sent over somebody's bridge, and somebody's governor
/// decides.
contract Harbour {
    Stablecoin private immutable _dollar;
    LendingMarket private immutable _market;
    MessageBridge private immutable _bridge;
    FeedProxy public feed;
    address public governor;
    mapping(address => uint256) public deposits;

    event Deposited(address indexed account, uint256 amount, int256 price);
    event Withdrawn(address indexed account, uint256 amount);
    event Sent(address indexed account, uint256 amount, uint256 destinationChain);

    error NotGovernor(address account);
    error NoPrice();

    constructor(Stablecoin dollar, LendingMarket market, MessageBridge bridge, FeedProxy feed_, address governor_) {
        _dollar = dollar;
        _market = market;
        _bridge = bridge;
        feed = feed_;
        governor = governor_;
        dollar.approve(address(market), type(uint256).max);
        dollar.approve(address(bridge), type(uint256).max);
    }

    /// Half of every deposit is lent on.
    function deposit(uint256 amount) external {
        int256 price = _price();
        _dollar.transferFrom(msg.sender, address(this), amount);
        _market.supply(address(_dollar), amount / 2, address(this), 0);
        deposits[msg.sender] += amount;
        emit Deposited(msg.sender, amount, price);
    }

    function withdraw(uint256 amount) external {
        deposits[msg.sender] -= amount;
        uint256 held = _dollar.balanceOf(address(this));
        if (held < amount) _market.withdraw(address(_dollar), amount - held, address(this));
        _dollar.transfer(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
    }

    function send(uint256 amount, uint256 destinationChain) external {
        deposits[msg.sender] -= amount;
        _bridge.lock(amount, destinationChain, bytes32(uint256(uint160(msg.sender))));
        emit Sent(msg.sender, amount, destinationChain);
    }

    function setFeed(FeedProxy next) external {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
        feed = next;
    }

    function _price() private view returns (int256 price) {
        (, price,,,) = feed.latestRoundData();
        if (price <= 0) revert NoPrice();
    }
}
