// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IRiskEvents} from "./IRiskEvents.sol";
import {MeridianToken} from "./MeridianToken.sol";
import {Pair} from "./Pair.sol";
import {PriceOracle} from "./PriceOracle.sol";
import {Roles} from "./Roles.sol";

/// Savings in mUSD (shares of a pool, as in ERC-4626) lent out against ether. Runs behind a proxy.
///
/// It carries, on purpose, three weaknesses that real protocols died of: `withdrawEther` pays before
/// it books, `borrow` believes a spot price, and parameters have no bounds.
contract Vault is Roles, IRiskEvents {
    bytes32 public constant RISK_ROLE = keccak256("RISK_ROLE");
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    uint256 private constant BPS = 10_000;
    uint256 private constant LIQUIDATION_BONUS_BPS = 500;

    MeridianToken public token;
    Pair public pair;
    PriceOracle public oracle;
    bool public paused;

    uint256 public totalShares;
    uint256 public totalDebt;
    uint256 public collateralFactorBps;
    uint256 public withdrawalFeeBps;
    mapping(address => uint256) public sharesOf;
    mapping(address => uint256) public debtOf;
    mapping(address => uint256) public etherOf;

    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
    event Withdraw(
        address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares
    );
    event EtherDeposited(address indexed owner, uint256 amount);
    event EtherWithdrawn(address indexed owner, uint256 amount);
    event Borrowed(address indexed account, uint256 amount, uint256 price);
    event Repaid(address indexed account, uint256 amount);
    event Liquidated(address indexed account, address indexed liquidator, uint256 debt, uint256 collateral);
    event Paused(address account);
    event Unpaused(address account);

    error EnforcedPause();
    error InsufficientShares(address owner, uint256 shares, uint256 needed);
    error InsufficientEther(address owner, uint256 balance, uint256 needed);
    error Undercollateralized(uint256 debt, uint256 limit);
    error StalePrice(uint256 updatedAt);
    error Healthy(address account);

    modifier whenNotPaused() {
        if (paused) revert EnforcedPause();
        _;
    }

    function initialize(address admin, MeridianToken token_, Pair pair_, PriceOracle oracle_) external {
        require(address(token) == address(0), "already initialized");
        token = token_;
        pair = pair_;
        oracle = oracle_;
        collateralFactorBps = 7_500;
        withdrawalFeeBps = 5;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function totalAssets() public view returns (uint256) {
        return token.balanceOf(address(this)) + totalDebt;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return totalShares == 0 ? shares : shares * totalAssets() / totalShares;
    }

    function deposit(uint256 assets, address receiver) external whenNotPaused returns (uint256 shares) {
        shares = totalShares == 0 ? assets : assets * totalShares / totalAssets();
        require(shares > 0, "deposit too small");
        token.transferFrom(msg.sender, address(this), assets);
        totalShares += shares;
        sharesOf[receiver] += shares;
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    function withdraw(uint256 assets, address receiver) external whenNotPaused returns (uint256 shares) {
        uint256 total = totalAssets();
        shares = (assets * totalShares + total - 1) / total;
        uint256 held = sharesOf[msg.sender];
        if (held < shares) revert InsufficientShares(msg.sender, held, shares);
        sharesOf[msg.sender] = held - shares;
        totalShares -= shares;
        uint256 fee = assets * withdrawalFeeBps / BPS;
        token.transfer(receiver, assets - fee);
        emit Withdraw(msg.sender, receiver, msg.sender, assets, shares);
    }

    function depositEther() external payable whenNotPaused {
        etherOf[msg.sender] += msg.value;
        emit EtherDeposited(msg.sender, msg.value);
    }

    function withdrawEther(uint256 amount) external whenNotPaused {
        uint256 balance = etherOf[msg.sender];
        if (balance < amount) revert InsufficientEther(msg.sender, balance, amount);
        _requireHealthy(msg.sender, balance - amount);
        (bool paid,) = msg.sender.call{value: amount}("");
        require(paid, "payment refused");
        // Weakness: the receiver has already run, and the old balance stood all the while.
        etherOf[msg.sender] = balance - amount;
        emit EtherWithdrawn(msg.sender, amount);
    }

    function borrow(uint256 amount) external whenNotPaused {
        // Weakness: the spot price of one pool, which the borrower can move in the same transaction.
        uint256 price = pair.spotPrice();
        uint256 debt = debtOf[msg.sender] + amount;
        uint256 limit = etherOf[msg.sender] * price / 1e18 * collateralFactorBps / BPS;
        if (debt > limit) revert Undercollateralized(debt, limit);
        debtOf[msg.sender] = debt;
        totalDebt += amount;
        token.transfer(msg.sender, amount);
        emit Borrowed(msg.sender, amount, price);
    }

    function repay(uint256 amount) external {
        debtOf[msg.sender] -= amount;
        totalDebt -= amount;
        token.transferFrom(msg.sender, address(this), amount);
        emit Repaid(msg.sender, amount);
    }

    /// Pays `account`'s debt and takes its ether at the oracle's price plus a bonus.
    function liquidate(address account) external whenNotPaused {
        uint256 debt = debtOf[account];
        uint256 price = _oraclePrice();
        uint256 collateral = etherOf[account];
        if (debt == 0 || debt * BPS <= collateral * price / 1e18 * 9_000) revert Healthy(account);
        uint256 seized = debt * 1e18 / price * (BPS + LIQUIDATION_BONUS_BPS) / BPS;
        if (seized > collateral) seized = collateral;
        debtOf[account] = 0;
        totalDebt -= debt;
        etherOf[account] = collateral - seized;
        token.transferFrom(msg.sender, address(this), debt);
        (bool paid,) = msg.sender.call{value: seized}("");
        require(paid, "payment refused");
        emit Liquidated(account, msg.sender, debt, seized);
    }

    function setCollateralFactor(uint256 bps) external onlyRole(RISK_ROLE) {
        emit ParameterUpdate("collateral_factor_bps", msg.sender, abi.encode(collateralFactorBps), abi.encode(bps));
        collateralFactorBps = bps;
    }

    function setWithdrawalFee(uint256 bps) external onlyRole(RISK_ROLE) {
        emit ParameterUpdate("withdrawal_fee_bps", msg.sender, abi.encode(withdrawalFeeBps), abi.encode(bps));
        withdrawalFeeBps = bps;
    }

    function pause() external onlyRole(GUARDIAN_ROLE) {
        paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyRole(GUARDIAN_ROLE) {
        paused = false;
        emit Unpaused(msg.sender);
    }

    function _requireHealthy(address account, uint256 collateral) private view {
        uint256 debt = debtOf[account];
        if (debt == 0) return;
        uint256 limit = collateral * _oraclePrice() / 1e18 * collateralFactorBps / BPS;
        if (debt > limit) revert Undercollateralized(debt, limit);
    }

    /// mUSD for one ether with 18 decimals; refuses a price older than two heartbeats.
    function _oraclePrice() private view returns (uint256) {
        (, int256 answer,, uint256 updatedAt,) = oracle.latestRoundData();
        if (block.timestamp - updatedAt > 2 * oracle.heartbeat()) revert StalePrice(updatedAt);
        return uint256(answer) * 1e10;
    }
}
