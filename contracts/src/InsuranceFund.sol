// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {MeridianToken} from "./MeridianToken.sol";
import {Roles} from "./Roles.sol";

/// Money put aside to make users whole, in mUSD.
contract InsuranceFund is Roles {
    bytes32 public constant CLAIMS_ROLE = keccak256("CLAIMS_ROLE");

    MeridianToken public immutable token;
    uint256 public contributed;
    uint256 public covered;

    event Contributed(address indexed from, uint256 amount);
    event Covered(bytes32 indexed claim, address indexed to, uint256 amount);

    constructor(address admin, address claims, MeridianToken token_) {
        token = token_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(CLAIMS_ROLE, claims);
    }

    function contribute(uint256 amount) external {
        contributed += amount;
        token.transferFrom(msg.sender, address(this), amount);
        emit Contributed(msg.sender, amount);
    }

    function cover(bytes32 claim, address to, uint256 amount) external onlyRole(CLAIMS_ROLE) {
        covered += amount;
        token.transfer(to, amount);
        emit Covered(claim, to, amount);
    }
}
