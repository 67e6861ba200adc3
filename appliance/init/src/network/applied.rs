//! The settings carried out: what is set up on the interface is known, so that it can be taken away again.
use std::cell::RefCell;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use smol::Task;
use smol::channel::Sender;

use super::rtnetlink::RtNetlink;
use super::settings::{Ipv4Wish, Ipv6Wish, NetworkSettings};
use super::{Kernel, RESOLV_CONF};
use crate::console::say;
use crate::dhcp::{self, Lease};
use crate::exchange::Executor;

/// The first Ethernet interface of the kernel.
pub const INTERFACE: &str = "eth0";

/// The interface and what it has.
pub struct Applied {
    executor: Executor,
    has_address: Sender<Vec<Ipv4Addr>>,
    has: RefCell<Has>,
}

/// What was set up, and is taken away before something else is.
#[derive(Default)]
struct Has {
    is_up: bool,
    vlan: Option<u32>,
    fixed: Vec<(u32, IpAddr, u8)>,
    /// Follows DHCP until it is dropped.
    dhcp: Option<Task<()>>,
    leased: Rc<RefCell<Option<Leased>>>,
}

/// An address that is only lent, and the name servers that came with it.
#[derive(Clone, PartialEq)]
struct Leased {
    address: Ipv4Addr,
    prefix: u8,
    gateway: Option<Ipv4Addr>,
    name_servers: Vec<Ipv4Addr>,
}

impl Applied {
    /// Nothing is set up yet.
    pub fn new(executor: Executor, has_address: Sender<Vec<Ipv4Addr>>) -> Applied {
        Applied { executor, has_address, has: RefCell::default() }
    }

    /// Where frames of these settings go.
    fn interface(&self, kernel: &mut RtNetlink, settings: &NetworkSettings, has: &mut Has) -> Result<(String, u32)> {
        let index = index_of(INTERFACE)?;
        let Some(vlan) = settings.vlan else { return Ok((INTERFACE.to_owned(), index)) };
        kernel.set_up(index)?;
        let name = format!("{INTERFACE}.{vlan}");
        kernel.add_vlan(index, &name, vlan)?;
        let index = index_of(&name)?;
        has.vlan = Some(index);
        Ok((name, index))
    }

    fn follow_dhcp(&self, interface: &str, index: u32, has: &mut Has, own_servers: bool) {
        let leased = Rc::clone(&has.leased);
        let sender = self.has_address.clone();
        let (interface, on) = (interface.to_owned(), interface.to_owned());
        let apply_lease = move |lease: Option<Lease>| {
            let time_servers = lease.as_ref().map(|lease| lease.time_servers.clone()).unwrap_or_default();
            if let Err(error) = change(&mut leased.borrow_mut(), lease, (&interface, index), own_servers) {
                say(format_args!("{error:#}"));
            }
            if leased.borrow().is_some() {
                // Whoever waited may have stopped waiting, and what is new may be what was.
                let _ = sender.force_send(time_servers);
            }
        };
        let follow = async move {
            let followed = match hardware_address(&on) {
                Ok(hardware) => dhcp::run(&on, hardware, apply_lease).await.context("DHCP has ended"),
                Err(error) => Err(error),
            };
            if let Err(error) = followed {
                say(format_args!("{error:#}"));
            }
        };
        has.dhcp = Some(self.executor.spawn(follow));
    }
}

impl Kernel for Applied {
    fn apply(&self, settings: &NetworkSettings) -> Result<()> {
        let mut kernel = RtNetlink::open()?;
        let has = &mut *self.has.borrow_mut();
        let first = !std::mem::replace(&mut has.is_up, true);
        if first {
            kernel.set_up(index_of("lo")?)?;
        } else {
            take_away(&mut kernel, has);
        }
        rustix::system::sethostname(settings.hostname.as_bytes()).context("the name cannot be set")?;
        let (interface, index) = self.interface(&mut kernel, settings, has)?;
        // The kernel announces the addresses an interface has when it comes up; so the network learns at once who has this one.
        set("ipv4", &interface, "arp_notify", "1")?;
        set_ipv6(&interface, &settings.ipv6, first)?;
        let mut shares: Vec<(IpAddr, u8)> = Vec::new();
        let mut gateways: Vec<IpAddr> = Vec::new();
        if let Ipv4Wish::Fixed(fixed, gateway) = &settings.ipv4 {
            shares.extend(fixed.iter().map(|share| (share.address.into(), share.prefix)));
            gateways.extend(gateway.map(IpAddr::from));
        }
        if let Ipv6Wish::Fixed(fixed, gateway) = &settings.ipv6 {
            shares.extend(fixed.iter().map(|share| (share.address.into(), share.prefix)));
            gateways.extend(gateway.map(IpAddr::from));
        }
        for (address, prefix) in shares {
            kernel.add_address(index, address, prefix)?;
            has.fixed.push((index, address, prefix));
        }
        kernel.set_up(index)?;
        for gateway in gateways {
            kernel.set_default_route(index, gateway)?;
        }
        write_name_servers(&settings.name_servers)?;
        for (_, address, prefix) in &has.fixed {
            tell(&interface, *address, *prefix);
        }
        if settings.ipv4 == Ipv4Wish::Dhcp {
            self.follow_dhcp(&interface, index, has, !settings.name_servers.is_empty());
        }
        Ok(())
    }
}

/// What cannot be taken away is said; what comes next is set up all the same.
fn take_away(kernel: &mut RtNetlink, has: &mut Has) {
    has.dhcp = None;
    let mut gone: Vec<Result<()>> = Vec::new();
    if let Some(leased) = has.leased.take()
        && let Ok(index) = index_of(INTERFACE)
        && has.vlan.is_none()
    {
        gone.push(kernel.remove_address(index, leased.address.into(), leased.prefix));
    }
    for (index, address, prefix) in has.fixed.drain(..) {
        // The addresses of a VLAN go with its interface.
        if has.vlan != Some(index) {
            gone.push(kernel.remove_address(index, address, prefix));
        }
    }
    if let Some(vlan) = has.vlan.take() {
        gone.push(kernel.remove_link(vlan));
    }
    gone.into_iter().filter_map(Result::err).for_each(|error| say(format_args!("{error:#}")));
}

/// Goes from the address in use to the one of a lease.
fn change(
    used: &mut Option<Leased>,
    lease: Option<Lease>,
    (interface, index): (&str, u32),
    own_servers: bool,
) -> Result<()> {
    let wanted = lease.map(|lease| Leased {
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
        kernel.remove_address(index, old.address.into(), old.prefix)?;
    }
    if let Some(new) = &wanted {
        kernel.add_address(index, new.address.into(), new.prefix)?;
        if let Some(gateway) = new.gateway {
            kernel.set_default_route(index, gateway.into())?;
        }
        if !own_servers {
            write_name_servers(&new.name_servers.iter().copied().map(IpAddr::from).collect::<Vec<_>>())?;
        }
        tell(interface, new.address.into(), new.prefix);
    }
    *used = wanted;
    Ok(())
}

fn tell(interface: &str, address: IpAddr, prefix: u8) {
    say(format_args!("{interface} has {address}/{prefix}"));
    match address {
        IpAddr::V4(address) => defmt::info!("the address is {=[u8; 4]}/{=u8}", address.octets(), prefix),
        IpAddr::V6(address) => defmt::info!("the address is {=[u8; 16]}/{=u8}", address.octets(), prefix),
    }
}

/// What routers gave goes with IPv6 itself; it comes back as it is wanted now.
fn set_ipv6(interface: &str, wish: &Ipv6Wish, first: bool) -> Result<()> {
    // This is how the kernel begins.
    if first && *wish == Ipv6Wish::Auto {
        return Ok(());
    }
    set("ipv6", interface, "disable_ipv6", "1")?;
    if *wish == Ipv6Wish::Off {
        return Ok(());
    }
    let believe_routers = if *wish == Ipv6Wish::Auto { "1" } else { "0" };
    set("ipv6", interface, "accept_ra", believe_routers)?;
    set("ipv6", interface, "disable_ipv6", "0")
}

fn set(family: &str, interface: &str, what: &str, value: &str) -> Result<()> {
    // A dot in a name is a dot in this folder, too.
    let path = format!("/proc/sys/net/{family}/conf/{interface}/{what}");
    fs::write(&path, value).with_context(|| path.clone())
}

fn write_name_servers(servers: &[IpAddr]) -> Result<()> {
    fs::write(RESOLV_CONF, resolv_conf(servers)).with_context(|| format!("{RESOLV_CONF} cannot be written"))
}

fn resolv_conf(name_servers: &[IpAddr]) -> String {
    name_servers.iter().map(|address| format!("nameserver {address}\n")).collect()
}

fn index_of(interface: &str) -> Result<u32> {
    let index = fs::read_to_string(format!("/sys/class/net/{interface}/ifindex"));
    let index = index.with_context(|| format!("there is no network interface {interface}"))?;
    index.trim().parse().with_context(|| format!("the index of {interface} is {index:?}"))
}

/// The address of an interface's hardware.
pub fn hardware_address(interface: &str) -> Result<[u8; 6]> {
    let address = fs::read_to_string(format!("/sys/class/net/{interface}/address"))?;
    parse_hardware_address(&address).ok_or_else(|| anyhow!("the hardware address of {interface} is {address:?}"))
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
        let servers = ["10.0.2.3", "2620:fe::9"].map(|server| server.parse().expect("an address"));
        assert_eq!(resolv_conf(&servers), "nameserver 10.0.2.3\nnameserver 2620:fe::9\n");
        assert_eq!(resolv_conf(&[]), "");
    }
}
