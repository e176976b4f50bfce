//! Prints the addresses of the Meridian protocol, which are the same on every fresh devnet.
fn main() {
    let devnet = bellwether_evm::devnet::Devnet::new(bellwether_evm::meridian::Meridian::devnet_config());
    let m = bellwether_evm::meridian::Meridian::deploy(&devnet).unwrap();
    for d in m.deployments() { println!("{} {} {} {:?}", d.name, d.address, d.first_block, d.artifacts.iter().map(|a| a.name).collect::<Vec<_>>()); }
    println!("heartbeat {} deployed_at {}", m.oracle_heartbeat_s, m.deployed_at);
    for (n, a) in m.actors.named() { println!("actor {n} {a}"); }
}
