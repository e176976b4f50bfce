// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IRiskEvents} from "./IRiskEvents.sol";
import {Timelock} from "./Timelock.sol";

/// A council proposes and votes; what it passes goes through the timelock. A guardian may veto.
contract Governor is IRiskEvents {
    enum State {
        Unknown,
        Active,
        Queued,
        Executed,
        Vetoed
    }

    struct Proposal {
        State state;
        uint32 votesFor;
        uint32 votesAgainst;
        address target;
        bytes data;
    }

    Timelock public immutable timelock;
    uint256 public immutable quorum;
    address public guardian;
    uint256 public proposalCount;
    mapping(address => bool) public isMember;
    mapping(uint256 => mapping(address => bool)) public hasVoted;
    mapping(uint256 => Proposal) private _proposals;

    event ProposalCreated(uint256 indexed proposalId, address indexed proposer, address target, bytes data, string description);
    event VoteCast(address indexed voter, uint256 indexed proposalId, uint8 support, uint256 weight, string reason);
    event ProposalQueued(uint256 indexed proposalId, uint256 etaSeconds);
    event ProposalExecuted(uint256 indexed proposalId);
    event ProposalCanceled(uint256 indexed proposalId);

    error NotMember(address account);
    error UnexpectedProposalState(uint256 proposalId, State state);
    error QuorumNotReached(uint32 votesFor, uint32 votesAgainst, uint256 quorum);

    modifier onlyMember() {
        if (!isMember[msg.sender]) revert NotMember(msg.sender);
        _;
    }

    constructor(Timelock timelock_, address[] memory members, address guardian_) {
        timelock = timelock_;
        quorum = members.length / 2 + 1;
        for (uint256 i = 0; i < members.length; i++) {
            isMember[members[i]] = true;
        }
        guardian = guardian_;
        emit RoleChange("guardian", guardian_, msg.sender, true, "deployment");
    }

    function propose(address target, bytes calldata data, string calldata description)
        external
        onlyMember
        returns (uint256 id)
    {
        id = ++proposalCount;
        _proposals[id] = Proposal(State.Active, 0, 0, target, data);
        emit ProposalCreated(id, msg.sender, target, data, description);
    }

    function castVote(uint256 id, bool support) external onlyMember {
        Proposal storage proposal = _expect(id, State.Active);
        require(!hasVoted[id][msg.sender], "already voted");
        hasVoted[id][msg.sender] = true;
        if (support) proposal.votesFor += 1;
        else proposal.votesAgainst += 1;
        emit VoteCast(msg.sender, id, support ? 1 : 0, 1, "");
    }

    function queue(uint256 id) external {
        Proposal storage proposal = _expect(id, State.Active);
        if (proposal.votesFor < quorum || proposal.votesFor <= proposal.votesAgainst) {
            revert QuorumNotReached(proposal.votesFor, proposal.votesAgainst, quorum);
        }
        proposal.state = State.Queued;
        uint256 delay = timelock.minDelay();
        timelock.schedule(proposal.target, 0, proposal.data, bytes32(id), delay);
        emit ProposalQueued(id, block.timestamp + delay);
    }

    function execute(uint256 id) external {
        Proposal storage proposal = _expect(id, State.Queued);
        proposal.state = State.Executed;
        timelock.execute(proposal.target, 0, proposal.data, bytes32(id));
        emit ProposalExecuted(id);
    }

    function veto(uint256 id) external {
        require(msg.sender == guardian, "only the guardian");
        Proposal storage proposal = _expect(id, State.Queued);
        proposal.state = State.Vetoed;
        timelock.cancel(timelock.hashOperation(proposal.target, 0, proposal.data, bytes32(id)));
        emit ProposalCanceled(id);
    }

    /// Through the timelock only.
    function setGuardian(address account, bytes32 reason) external {
        require(msg.sender == address(timelock), "only the timelock");
        emit RoleChange("guardian", guardian, msg.sender, false, reason);
        emit RoleChange("guardian", account, msg.sender, true, reason);
        guardian = account;
    }

    function stateOf(uint256 id) external view returns (State) {
        return _proposals[id].state;
    }

    function _expect(uint256 id, State state) private view returns (Proposal storage proposal) {
        proposal = _proposals[id];
        if (proposal.state != state) revert UnexpectedProposalState(id, proposal.state);
    }
}
