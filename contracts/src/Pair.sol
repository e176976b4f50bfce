// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {MeridianToken} from "./MeridianToken.sol";

/// A constant-product market between mUSD and ether (x * y = k, fee 0.3 %). Amounts "0" are mUSD,
/// amounts "1" are ether.
contract Pair {
    uint256 private constant FEE_BPS = 30;

    MeridianToken public immutable token;
    uint112 public reserve0;
    uint112 public reserve1;
    uint256 public totalShares;
    mapping(address => uint256) public sharesOf;

    event Mint(address indexed sender, uint256 amount0, uint256 amount1);
    event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to);
    event Swap(
        address indexed sender,
        uint256 amount0In,
        uint256 amount1In,
        uint256 amount0Out,
        uint256 amount1Out,
        address indexed to
    );
    event Sync(uint112 reserve0, uint112 reserve1);

    error InsufficientOutput(uint256 wanted, uint256 got);

    constructor(MeridianToken token_) {
        token = token_;
    }

    /// mUSD for one ether, at this very moment (18 decimals). Whoever trades last decides it.
    function spotPrice() external view returns (uint256) {
        return uint256(reserve0) * 1e18 / reserve1;
    }

    function addLiquidity(uint256 amount0) external payable returns (uint256 shares) {
        if (totalShares == 0) {
            shares = msg.value;
        } else {
            shares = totalShares * msg.value / reserve1;
            uint256 fair = uint256(reserve0) * msg.value / reserve1;
            require(fair <= amount0, "too little mUSD");
            amount0 = fair;
        }
        require(shares > 0, "nothing added");
        token.transferFrom(msg.sender, address(this), amount0);
        totalShares += shares;
        sharesOf[msg.sender] += shares;
        _sync(reserve0 + amount0, reserve1 + msg.value);
        emit Mint(msg.sender, amount0, msg.value);
    }

    function removeLiquidity(uint256 shares) external returns (uint256 amount0, uint256 amount1) {
        amount0 = reserve0 * shares / totalShares;
        amount1 = reserve1 * shares / totalShares;
        sharesOf[msg.sender] -= shares;
        totalShares -= shares;
        _sync(reserve0 - amount0, reserve1 - amount1);
        emit Burn(msg.sender, amount0, amount1, msg.sender);
        token.transfer(msg.sender, amount0);
        _pay(msg.sender, amount1);
    }

    function swapEtherForToken(uint256 amount0Min, address to) external payable returns (uint256 amount0) {
        amount0 = _output(msg.value, reserve1, reserve0);
        if (amount0 < amount0Min) revert InsufficientOutput(amount0Min, amount0);
        _sync(reserve0 - amount0, reserve1 + msg.value);
        emit Swap(msg.sender, 0, msg.value, amount0, 0, to);
        token.transfer(to, amount0);
    }

    function swapTokenForEther(uint256 amount0, uint256 amount1Min, address to) external returns (uint256 amount1) {
        amount1 = _output(amount0, reserve0, reserve1);
        if (amount1 < amount1Min) revert InsufficientOutput(amount1Min, amount1);
        token.transferFrom(msg.sender, address(this), amount0);
        _sync(reserve0 + amount0, reserve1 - amount1);
        emit Swap(msg.sender, amount0, 0, 0, amount1, to);
        _pay(to, amount1);
    }

    function _output(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) private pure returns (uint256) {
        uint256 afterFee = amountIn * (10_000 - FEE_BPS);
        return afterFee * reserveOut / (reserveIn * 10_000 + afterFee);
    }

    function _sync(uint256 newReserve0, uint256 newReserve1) private {
        require(newReserve0 <= type(uint112).max && newReserve1 <= type(uint112).max, "reserve overflow");
        reserve0 = uint112(newReserve0);
        reserve1 = uint112(newReserve1);
        emit Sync(reserve0, reserve1);
    }

    function _pay(address to, uint256 amount) private {
        (bool paid,) = to.call{value: amount}("");
        require(paid, "payment refused");
    }
}
