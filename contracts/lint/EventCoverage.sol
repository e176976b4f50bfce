// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// What the event-coverage lint is tested on: each function does, or fails to do, one thing.
interface IAsset {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

library Ledger {
    struct Book {
        mapping(address => uint256) held;
    }

    event Booked(address indexed caller, address indexed account, uint256 amount);

    function book(Book storage self, address account, uint256 amount) internal {
        self.held[account] += amount;
        emit Booked(msg.sender, account, amount);
    }

    function quietly(Book storage self, address account, uint256 amount) internal {
        self.held[account] = amount;
    }
}

abstract contract Guarded {
    uint256 private lock = 1;
    address public owner;

    event OwnerChanged(address indexed caller, address indexed from, address indexed to);

    modifier nonReentrant() {
        require(lock == 1, "reentered");
        lock = 2;
        _;
        lock = 1;
    }

    modifier onlyOwner() {
        require(_caller() == owner, "not the owner");
        _;
    }

    function _caller() internal view virtual returns (address) {
        return msg.sender;
    }

    function setOwner(address to) external onlyOwner {
        _setOwner(to);
    }

    function _setOwner(address to) internal virtual {
        emit OwnerChanged(_caller(), owner, to);
        owner = to;
    }

    function hook(uint256 x) public virtual;
}

contract EventCoverage is Guarded {
    using Ledger for Ledger.Book;

    struct Order {
        address maker;
        uint256 amount;
    }

    IAsset public immutable asset;
    uint256 public fee;
    uint256 public rate;
    bool public paused;
    uint256[] private queue;
    mapping(address => uint256) public balanceOf;
    mapping(uint256 => Order) private orders;
    Ledger.Book private ledger;

    event FeeSet(address indexed caller, uint256 fee);
    event RateSet(uint256 rate);
    event Something();
    event Deposited(address indexed sender, address indexed receiver, uint256 amount);
    event Withdrawn(address indexed account);
    event Swept(address indexed caller, address indexed token, address indexed to, uint256 amount);
    event Skimmed(address indexed caller, uint256 amount);
    event Hooked(uint256 x);

    constructor(IAsset asset_) {
        asset = asset_;
    }

    receive() external payable {
        emit Deposited(msg.sender, msg.sender, msg.value);
    }

    // All is told.
    function setFee(uint256 newFee) external onlyOwner {
        fee = newFee;
        emit FeeSet(msg.sender, newFee);
    }

    // Who did it is not told.
    function setRate(uint256 newRate) external onlyOwner {
        rate = newRate;
        emit RateSet(rate);
    }

    // Nothing is told.
    function setFeeSilently(uint256 newFee) external onlyOwner {
        fee = newFee;
    }

    // Two functions, one event without arguments.
    function pause() external {
        paused = true;
        emit Something();
    }

    function unpause() external {
        paused = false;
        emit Something();
    }

    // Told, through a library and its `using`.
    function book(address account, uint256 amount) external nonReentrant {
        ledger.book(account, amount);
    }

    // Not told, through a library.
    function bookSilently(address account, uint256 amount) external {
        Ledger.quietly(ledger, account, amount);
    }

    // Writes in a branch, through a pointer and by push, pop, delete and assembly; tells nothing.
    function order(uint256 id, uint256 amount) external {
        Order storage found = orders[id];
        if (amount > 0) found.amount = amount;
    }

    function enqueue(uint256 x) external {
        queue.push(x);
    }

    function dequeue() external {
        queue.pop();
    }

    function cancel(uint256 id) external {
        delete orders[id];
    }

    function poke(bytes32 slot, bytes32 word) external {
        assembly {
            sstore(slot, word)
        }
    }

    // Money in: amount, one token, receiver are told.
    function deposit(uint256 amount, address receiver) external {
        asset.transferFrom(msg.sender, address(this), amount);
        balanceOf[receiver] += amount;
        emit Deposited(msg.sender, receiver, amount);
    }

    // Money out: neither the amount nor the receiver is told.
    function withdraw(uint256 amount, address receiver) external {
        balanceOf[msg.sender] -= amount;
        asset.transfer(receiver, amount);
        emit Withdrawn(msg.sender);
    }

    // Any token: all is told.
    function sweep(IAsset token, address to, uint256 amount) external onlyOwner {
        paused = false;
        token.transfer(to, amount);
        emit Swept(msg.sender, address(token), to, amount);
    }

    // Any token: which one is not told.
    function skim(IAsset token, uint256 amount) external onlyOwner {
        paused = false;
        token.transfer(msg.sender, amount);
        emit Skimmed(msg.sender, amount);
    }

    // Only reads, and only keeps others out: neither is judged.
    function ping() external nonReentrant returns (uint256) {
        return fee;
    }

    function peek() external view returns (uint256) {
        return rate;
    }

    // What it does is decided when it runs.
    function forward(address to, bytes calldata input) external returns (bool done) {
        (done,) = to.delegatecall(input);
    }

    // Overrides and calls up.
    function hook(uint256 x) public override {
        rate = x;
        _after(x);
    }

    function _after(uint256 x) internal {
        emit Hooked(x);
    }

    function _setOwner(address to) internal override {
        super._setOwner(to);
    }
}
