//! What is guarded: deployments, ABIs, labels, proxies; decoding of logs, calls and reverts. Pure.
