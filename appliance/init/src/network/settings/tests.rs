//! Settings of the network as people, programs and command lines write them.
use super::*;

fn of_word(value: &str) -> Result<NetworkSettings, String> {
    let mut settings = NetworkSettings::default();
    settings.set_ip(value).map(|()| settings)
}

fn full() -> Value {
    json!({
        "hostname": "front-desk",
        "vlan": 20,
        "ipv4": { "method": "static", "addresses": ["192.0.2.9/24", "198.51.100.17/28"], "gateway": "192.0.2.1" },
        "ipv6": { "method": "static", "addresses": ["2001:db8::9/64"], "gateway": "fe80::1" },
        "name_servers": ["192.0.2.1", "2001:db8::1"],
    })
}

#[test]
fn json_comes_back_as_it_went() {
    for json in [full(), NetworkSettings::default().to_json()] {
        let settings = NetworkSettings::from_json(&json).expect("it is right");
        assert_eq!(settings.to_json(), json);
    }
    assert_eq!(NetworkSettings::from_json(&json!({})), Ok(NetworkSettings::default()));
}

#[test]
fn each_wrong_field_is_named() {
    for (at, value, field) in [
        ("/hostname", json!("front desk"), "hostname"),
        ("/hostname", json!("-desk"), "hostname"),
        ("/hostname", json!("a".repeat(64)), "hostname"),
        ("/hostname", json!(7), "hostname"),
        ("/vlan", json!(0), "vlan"),
        ("/vlan", json!(4095), "vlan"),
        ("/vlan", json!("twenty"), "vlan"),
        ("/ipv4", json!(true), "ipv4.method"),
        ("/ipv4/method", json!("bootp"), "ipv4.method"),
        ("/ipv4/addresses", json!([]), "ipv4.addresses"),
        ("/ipv4/addresses", json!("192.0.2.9/24"), "ipv4.addresses"),
        ("/ipv4/addresses", json!(["192.0.2.9/24"].repeat(9)), "ipv4.addresses"),
        ("/ipv4/addresses/1", json!("192.0.2.9"), "ipv4.addresses[1]"),
        ("/ipv4/addresses/1", json!("192.0.2.9/0"), "ipv4.addresses[1]"),
        ("/ipv4/addresses/1", json!("192.0.2.9/33"), "ipv4.addresses[1]"),
        ("/ipv4/addresses/1", json!("127.0.0.1/8"), "ipv4.addresses[1]"),
        ("/ipv4/addresses/1", json!("2001:db8::9/64"), "ipv4.addresses[1]"),
        ("/ipv4/gateway", json!("203.0.113.1"), "ipv4.gateway"),
        ("/ipv4/gateway", json!("192.0.2.9"), "ipv4.gateway"),
        ("/ipv4/gateway", json!("gate"), "ipv4.gateway"),
        ("/ipv6/method", json!("dhcp"), "ipv6.method"),
        ("/ipv6/addresses/0", json!("::1/128"), "ipv6.addresses[0]"),
        ("/ipv6/addresses/0", json!("::ffff:192.0.2.9/96"), "ipv6.addresses[0]"),
        ("/ipv6/gateway", json!("2001:db8:1::1"), "ipv6.gateway"),
        ("/name_servers/1", json!("dns.example"), "name_servers[1]"),
        ("/name_servers", json!(["9.9.9.9"].repeat(5)), "name_servers"),
    ] {
        let mut json = full();
        *json.pointer_mut(at).expect("it is there") = value.clone();
        let wrong = NetworkSettings::from_json(&json).expect_err("it is wrong");
        assert_eq!(wrong.field, field, "{at} = {value}: {wrong}");
    }
    let nowhere = json!({ "ipv4": { "method": "off" }, "ipv6": { "method": "off" } });
    assert_eq!(NetworkSettings::from_json(&nowhere).expect_err("it is wrong").field, "ipv4.method");
    assert_eq!(NetworkSettings::from_json(&json!([])).expect_err("it is wrong").field, "network");
}

#[test]
fn the_word_of_the_command_line() {
    let settings = of_word("10.0.2.15/24,10.0.2.2,10.0.2.3,9.9.9.9").expect("it is right");
    let share = Share { address: Ipv4Addr::new(10, 0, 2, 15), prefix: 24 };
    assert_eq!(settings.ipv4, Ipv4Wish::Fixed(vec![share], Some(Ipv4Addr::new(10, 0, 2, 2))));
    assert_eq!(settings.name_servers, ["10.0.2.3", "9.9.9.9"].map(|server| server.parse::<IpAddr>().expect("right")));
    assert_eq!(settings.ipv6, Ipv6Wish::Auto);

    let several = of_word("10.0.2.15/24,10.0.3.15/24,fd00::2/64,10.0.2.2,fd00::1,fd00::53").expect("it is right");
    assert!(matches!(&several.ipv4, Ipv4Wish::Fixed(shares, Some(_)) if shares.len() == 2), "{several:?}");
    let share = Share { address: "fd00::2".parse().expect("right"), prefix: 64 };
    assert_eq!(several.ipv6, Ipv6Wish::Fixed(vec![share], "fd00::1".parse().ok()));
    assert_eq!(several.name_servers, ["fd00::53".parse::<IpAddr>().expect("right")]);

    let both = of_word("dhcp,fd00::2/64").expect("it is right");
    assert_eq!((both.ipv4, both.name_servers), (Ipv4Wish::Dhcp, Vec::new()));
    assert_eq!(of_word("fd00::2/64").expect("it is right").ipv4, Ipv4Wish::Off);
    assert_eq!(of_word("dhcp,9.9.9.9").expect("it is right").name_servers.len(), 1);
}

#[test]
fn a_word_that_is_wrong_changes_nothing() {
    let mut settings = NetworkSettings::default();
    for value in ["", "10.0.2.15", "1.2.3.4/33", "1.2.3.4/24,gate", "dhcp,1.2.3.4/24", "1.2.3.4/24,9.9.9.9", "::/64"] {
        assert!(settings.set_ip(value).is_err(), "{value:?}");
    }
    assert!(settings.set_vlan("0").is_err() && settings.set_vlan("4095").is_err() && settings.set_vlan("x").is_err());
    assert!(settings.set_hostname("my box").is_err() && settings.set_hostname("").is_err());
    assert_eq!(settings, NetworkSettings::default());
    settings.set_hostname("Front-Desk").expect("it is right");
    settings.set_vlan("4094").expect("it is right");
    assert_eq!((settings.hostname.as_str(), settings.vlan), ("front-desk", Some(4094)));
}
