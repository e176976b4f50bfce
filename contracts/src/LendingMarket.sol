// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Stablecoin} from "./Stablecoin.sol";

/// A lending pool of somebody else's with one reserve, in the interface of the common pools: the
/// state of the reserve is one word of flags and caps. Its receipts are its own tokens.
contract LendingMarket {
    struct ReserveData {
        uint256 configuration;
        uint128 liquidityIndex;
        uint128 currentLiquidityRate;
        uint128 variableBorrowIndex;
        uint128 currentVariableBorrowRate;
        uint128 currentStableBorrowRate;
        uint40 lastUpdateTimestamp;
        uint16 id;
        address aTokenAddress;
        address stableDebtTokenAddress;
        address variableDebtTokenAddress;
        address interestRateStrategyAddress;
        uint128 accruedToTreasury;
        uint128 unbacked;
        uint128 isolationModeTotalDebt;
    }

    uint256 private constant ACTIVE = 1 << 56;
    uint256 private constant FROZEN = 1 << 57;

    Stablecoin public immutable asset;
    address public immutable poolAdmin;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    bool private _frozen;

    event Supply(
        address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint16 indexed referralCode
    );
    event Withdraw(address indexed reserve, address indexed user, address indexed to, uint256 amount);
    event ReserveFrozen(address indexed asset, bool frozen);

    error Frozen();
    error NotAdmin(address account);
    error UnknownAsset(address asset);

    constructor(Stablecoin asset_, address poolAdmin_) {
        asset = asset_;
        poolAdmin = poolAdmin_;
    }

    function setReserveFreeze(address of_, bool frozen) external {
        if (msg.sender != poolAdmin) revert NotAdmin(msg.sender);
        _known(of_);
        _frozen = frozen;
        emit ReserveFrozen(of_, frozen);
    }

    function getConfiguration(address of_) public view returns (uint256) {
        if (of_ != address(asset)) return 0;
        return ACTIVE | (_frozen ? FROZEN : 0);
    }

    function getReserveData(address of_) external view returns (ReserveData memory data) {
        data.configuration = getConfiguration(of_);
        if (of_ == address(asset)) data.aTokenAddress = address(this);
    }

    function supply(address of_, uint256 amount, address onBehalfOf, uint16 referralCode) external {
        _known(of_);
        if (_frozen) revert Frozen();
        totalSupply += amount;
        balanceOf[onBehalfOf] += amount;
        asset.transferFrom(msg.sender, address(this), amount);
        emit Supply(of_, msg.sender, onBehalfOf, amount, referralCode);
    }

    function withdraw(address of_, uint256 amount, address to) external returns (uint256) {
        _known(of_);
        balanceOf[msg.sender] -= amount;
        totalSupply -= amount;
        asset.transfer(to, amount);
        emit Withdraw(of_, msg.sender, to, amount);
        return amount;
    }

    /// Takes money out of the pool as a borrower would; what it is for does not matter here.
    function borrow(uint256 amount) external {
        if (_frozen) revert Frozen();
        asset.transfer(msg.sender, amount);
    }

    function _known(address of_) private view {
        if (of_ != address(asset)) revert UnknownAsset(of_);
    }
}
