// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {MeridianToken} from "./MeridianToken.sol";

/// Who borrows for the length of one call (ERC-3156).
interface IFlashBorrower {
    function onFlashLoan(address initiator, address token, uint256 amount, uint256 fee, bytes calldata data)
        external
        returns (bytes32);
}

/// Lends all its mUSD to anyone who returns it, with 0.09 % on top, before the call ends.
contract FlashLender {
    bytes32 private constant CALLBACK_SUCCESS = keccak256("ERC3156FlashBorrower.onFlashLoan");
    uint256 private constant FEE_BPS = 9;

    MeridianToken public immutable token;

    event FlashLoan(address indexed receiver, address indexed token, uint256 amount, uint256 fee);

    constructor(MeridianToken token_) {
        token = token_;
    }

    function maxFlashLoan(address asked) external view returns (uint256) {
        return asked == address(token) ? token.balanceOf(address(this)) : 0;
    }

    function flashFee(address asked, uint256 amount) public view returns (uint256) {
        require(asked == address(token), "unsupported token");
        return amount * FEE_BPS / 10_000;
    }

    function flashLoan(IFlashBorrower receiver, address asked, uint256 amount, bytes calldata data)
        external
        returns (bool)
    {
        uint256 fee = flashFee(asked, amount);
        token.transfer(address(receiver), amount);
        require(
            receiver.onFlashLoan(msg.sender, asked, amount, fee, data) == CALLBACK_SUCCESS, "callback failed"
        );
        token.transferFrom(address(receiver), address(this), amount + fee);
        emit FlashLoan(address(receiver), asked, amount, fee);
        return true;
    }
}
