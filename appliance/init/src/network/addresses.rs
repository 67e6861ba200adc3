//! Which addresses the box has now.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses with the bits of their networks, of all interfaces but the loopback one.
pub fn own_addresses() -> Vec<(IpAddr, u8)> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the kernel's list is made here, read while it lives, and freed once.
    unsafe {
        if libc::getifaddrs(&mut list) != 0 {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut next = list;
        while let Some(entry) = next.as_ref() {
            next = entry.ifa_next;
            if entry.ifa_flags & libc::IFF_LOOPBACK as u32 != 0 {
                continue;
            }
            if let (Some(address), Some(mask)) = (address_of(entry.ifa_addr), address_of(entry.ifa_netmask)) {
                found.push((address, bits(mask)));
            }
        }
        libc::freeifaddrs(list);
        found
    }
}

/// # Safety
/// The pointer is null, or points to an address whose family says how long it is.
unsafe fn address_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller promises that it is as long as its family says.
    unsafe {
        match i32::from(address.as_ref()?.sa_family) {
            libc::AF_INET => {
                let address = &*address.cast::<libc::sockaddr_in>();
                Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let address = &*address.cast::<libc::sockaddr_in6>();
                Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

fn bits(mask: IpAddr) -> u8 {
    let ones = match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    };
    ones as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_a_loopback_one() {
        for (address, prefix) in own_addresses() {
            assert!(!address.is_loopback(), "{address}");
            assert!((1..=128).contains(&prefix), "{address}/{prefix}");
        }
        assert_eq!(bits("255.255.240.0".parse().expect("a mask")), 20);
        assert_eq!(bits("ffff:ffff::".parse().expect("a mask")), 32);
    }
}
