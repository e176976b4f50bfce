// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// An upgradeable proxy with the storage slots of EIP-1967. Calls of the admin to
/// `upgradeToAndCall` and `changeAdmin` are for the proxy; everything else is for the
/// implementation.
contract Proxy {
    /// keccak256("eip1967.proxy.implementation") - 1
    bytes32 private constant IMPLEMENTATION = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
    /// keccak256("eip1967.proxy.admin") - 1
    bytes32 private constant ADMIN = 0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;

    event Upgraded(address indexed implementation);
    event AdminChanged(address previousAdmin, address newAdmin);

    error ProxyDeniedAdminAccess();
    error ERC1967InvalidImplementation(address implementation);

    constructor(address implementation, address admin, bytes memory initialize) payable {
        emit AdminChanged(address(0), admin);
        _store(ADMIN, admin);
        _upgrade(implementation, initialize);
    }

    function upgradeToAndCall(address implementation, bytes calldata call) external payable {
        if (msg.sender != _load(ADMIN)) revert ProxyDeniedAdminAccess();
        _upgrade(implementation, call);
    }

    function changeAdmin(address admin) external {
        address previous = _load(ADMIN);
        if (msg.sender != previous) revert ProxyDeniedAdminAccess();
        emit AdminChanged(previous, admin);
        _store(ADMIN, admin);
    }

    fallback() external payable {
        _delegate();
    }

    receive() external payable {
        _delegate();
    }

    function _upgrade(address implementation, bytes memory call) private {
        if (implementation.code.length == 0) revert ERC1967InvalidImplementation(implementation);
        _store(IMPLEMENTATION, implementation);
        emit Upgraded(implementation);
        if (call.length > 0) {
            (bool done, bytes memory result) = implementation.delegatecall(call);
            if (!done) {
                assembly {
                    revert(add(result, 32), mload(result))
                }
            }
        }
    }

    function _delegate() private {
        address implementation = _load(IMPLEMENTATION);
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), implementation, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }

    function _load(bytes32 slot) private view returns (address value) {
        assembly {
            value := sload(slot)
        }
    }

    function _store(bytes32 slot, address value) private {
        assembly {
            sstore(slot, value)
        }
    }
}
