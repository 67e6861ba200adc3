//! The network: the loopback interface, the first real one, its address and the name servers.
mod rtnetlink;

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, anyhow};
use smol::channel::Sender;

use crate::console::say;
use crate::dhcp::{self, Lease};
use crate::settings::{Address, Ipv4};
use rtnetlink::RtNetlink;

/// The first Ethernet interface of the kernel.
const INTERFACE: &str = "eth0";
/// `/etc/resolv.conf` of the read-only root points here.
pub const RESOLV_CONF: &str = "/run/resolv.conf";

/// Brings up what needs nobody else: the loopback interface, the first real one, and a fixed address. IPv6 addresses come
/// from the routers, by the kernel.
pub fn up(address: &Address) -> Result<()> {
    let mut kernel = RtNetlink::open()?;
    kernel.set_up(index_of("lo")?)?;
    let index = index_of(INTERFACE)?;
    // The kernel announces the addresses an interface has when it comes up; so the network learns at once who has this one.
    fs::write(format!("/proc/sys/net/ipv4/conf/{INTERFACE}/arp_notify"), "1")?;
    if let Address::Fixed(ipv4) = address {
        kernel.add_address(index, ipv4.address, ipv4.prefix)?;
        kernel.set_up(index)?;
        apply(&mut kernel, index, ipv4)
    } else {
        kernel.set_up(index)
    }
}

/// Gets the address from the network and keeps it; tells each time there is one, with the network's time servers.
pub async fn follow_dhcp(has_address: Sender<Vec<Ipv4Addr>>) -> Result<()> {
    let index = index_of(INTERFACE)?;
    let mut used: Option<Ipv4> = None;
    let apply_lease = |lease: Option<Lease>| {
        let time_servers = lease.as_ref().map(|lease| lease.time_servers.clone()).unwrap_or_default();
        if let Err(error) = change(&mut used, lease, index) {
            say(format_args!("{error:#}"));
        }
        if used.is_some() {
            // Whoever waited may have stopped waiting, and what is new may be what was.
            let _ = has_address.force_send(time_servers);
        }
    };
    dhcp::run(INTERFACE, hardware_address()?, apply_lease).await.context("DHCP has ended")
}

/// Goes from the address in use to the one of a lease.
fn change(used: &mut Option<Ipv4>, lease: Option<Lease>, index: u32) -> Result<()> {
    let wanted = lease.map(|lease| Ipv4 {
        address: lease.address,
        prefix: lease.prefix,
        gateway: lease.router,
        name_servers: lease.name_servers,
    });
    if *used == wanted {
        return Ok(());
    }
    let mut kernel = RtNetlink::open()?;
    if let Some(old) = used.take() {
        kernel.remove_address(index, old.address, old.prefix)?;
    }
    if let Some(new) = &wanted {
        apply(&mut kernel, index, new)?;
    }
    *used = wanted;
    Ok(())
}

fn apply(kernel: &mut RtNetlink, index: u32, ipv4: &Ipv4) -> Result<()> {
    kernel.add_address(index, ipv4.address, ipv4.prefix)?;
    if let Some(gateway) = ipv4.gateway {
        kernel.set_default_route(index, gateway)?;
    }
    fs::write(RESOLV_CONF, resolv_conf(&ipv4.name_servers))
        .with_context(|| format!("{RESOLV_CONF} cannot be written"))?;
    say(format_args!("{INTERFACE} has {}/{}", ipv4.address, ipv4.prefix));
    defmt::info!("the address is {=[u8; 4]}/{=u8}", ipv4.address.octets(), ipv4.prefix);
    Ok(())
}

fn resolv_conf(name_servers: &[Ipv4Addr]) -> String {
    name_servers.iter().map(|address| format!("nameserver {address}\n")).collect()
}

fn index_of(interface: &str) -> Result<u32> {
    let index = fs::read_to_string(format!("/sys/class/net/{interface}/ifindex"));
    let index = index.with_context(|| format!("there is no network interface {interface}"))?;
    index.trim().parse().with_context(|| format!("the index of {interface} is {index:?}"))
}

fn hardware_address() -> Result<[u8; 6]> {
    let address = fs::read_to_string(format!("/sys/class/net/{INTERFACE}/address"))?;
    parse_hardware_address(&address).ok_or_else(|| anyhow!("the hardware address of {INTERFACE} is {address:?}"))
}

fn parse_hardware_address(address: &str) -> Option<[u8; 6]> {
    let octets = address.trim().split(':').map(|octet| u8::from_str_radix(octet, 16).ok());
    octets.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses() {
        assert_eq!(parse_hardware_address("52:54:00:12:34:56\n"), Some([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        for bad in ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:5g"] {
            assert_eq!(parse_hardware_address(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn one_line_for_each_name_server() {
        let servers = [Ipv4Addr::new(10, 0, 2, 3), Ipv4Addr::new(9, 9, 9, 9)];
        assert_eq!(resolv_conf(&servers), "nameserver 10.0.2.3\nnameserver 9.9.9.9\n");
        assert_eq!(resolv_conf(&[]), "");
    }
}
