//! Who trusts what the box shows, and when that changes.

use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use store::certificate::CertificateOrigin;

use super::*;
use api::certificate::Certificates as _;

fn names(name: &str) -> Names {
    Names { names: vec![name.into()], addresses: vec![Ipv4Addr::new(192, 0, 2, 7).into()] }
}

/// Whether somebody who trusts the authority takes what the box shows for `name`, at noon of a day in the middle of `year`.
fn is_trusted(certificates: &Certificates, name: &str, year: u64) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(certificates.authority().as_bytes()).expect("it is PEM");
    roots.add(root).expect("it can be trusted");
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), default_provider().into())
        .build()
        .expect("there is a root");
    let chain = certificates.current.for_name(Some(name)).cert.clone();
    let at = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_556_952 + 180 * 86_400));
    let name = ServerName::try_from(name.to_string()).expect("a name");
    use rustls::client::danger::ServerCertVerifier;
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], at).is_ok()
}

#[test]
fn whoever_trusts_the_authority_trusts_the_box_by_name_and_address() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let certificates =
        Certificates::open((folder.path(), folder.path()), names("tandem.local"), 2026).expect("it is made");
    assert!(is_trusted(&certificates, "tandem.local", 2026) && is_trusted(&certificates, "192.0.2.7", 2027));
    assert!(!is_trusted(&certificates, "other.local", 2026), "another name");
    assert!(!is_trusted(&certificates, "tandem.local", 2028), "it is over");
    let mode = std::fs::metadata(folder.path().join("authority.key")).expect("it is there").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o077, 0, "nobody else may read a key");
}

#[test]
fn the_authority_stays_and_the_certificate_as_long_as_it_fits() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let open =
        |name: &str, year| Certificates::open((folder.path(), folder.path()), names(name), year).expect("it is there");
    let (first, again) = (open("tandem", 2026), open("tandem", 2026));
    assert_eq!(first.record(), again.record());
    let (renamed, later) = (open("office", 2026), open("office", 2027));
    assert_ne!(renamed.record(), again.record());
    assert_ne!(later.record(), renamed.record());
    assert_eq!(later.authority(), first.authority());
    assert!(is_trusted(&later, "office", 2028));
    first.renew(2028).expect("it is made");
    assert!(is_trusted(&first, "tandem", 2029), "without a restart");
}

#[test]
fn what_is_given_goes_before_it_and_is_checked() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let other = tempfile::tempdir().expect("the temporary folder is writable");
    let authority = Authority::open(other.path()).expect("it is made");
    let (chain, key) = authority.sign(&names("pbx.example.com"), 2026).expect("it is signed");
    let (_, wrong) = authority.sign(&names("pbx.example.com"), 2026).expect("it is signed");
    let certificates = Certificates::open((folder.path(), folder.path()), names("tandem"), 2026).expect("it is made");
    for (chain, key, reason) in [
        ("nothing", key.as_str(), ("certificate", "has no certificate in it")),
        (&chain, "nothing", ("private_key", "is no PEM file of a key")),
        (&chain, wrong.as_str(), ("private_key", "does not belong to the certificate")),
    ] {
        assert_eq!(certificates.give(chain, key), Err(Trouble::Field(reason.0, reason.1)));
        assert_eq!(certificates.record().origin, CertificateOrigin::Own, "nothing has changed");
    }
    certificates.give(&chain, &key).expect("it fits");
    let shown = certificates.record();
    assert_eq!(shown.origin, CertificateOrigin::Given);
    assert_eq!(shown.names, ["pbx.example.com", "192.0.2.7"]);
    assert!(shown.issuer.starts_with("CN=Tandem "), "{}", shown.issuer);
    assert!(shown.tm_begin < shown.tm_end);
    let again = Certificates::open((folder.path(), folder.path()), names("tandem"), 2026).expect("it is there");
    assert_eq!(again.record(), certificates.record());
    again.renew(2030).expect("there is nothing to do");
    assert_eq!(again.record(), certificates.record());
    again.take_back().expect("it is gone");
    assert_eq!(again.record().origin, CertificateOrigin::Own);
    again.renew(2026).expect("it is made");
    assert!(is_trusted(&again, "tandem", 2026), "the own one followed the clock, there and back");
}

#[test]
fn a_damaged_file_is_no_reason_to_stay_away() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    drop(Certificates::open((folder.path(), folder.path()), names("tandem"), 2026).expect("it is made"));
    for file in ["server.pem", "server.key", "given.pem", "given.key"] {
        std::fs::write(folder.path().join(file), "-----BEGIN NOTHING").expect("it can be written");
    }
    let certificates =
        Certificates::open((folder.path(), folder.path()), names("tandem"), 2026).expect("it is made anew");
    assert!(is_trusted(&certificates, "tandem", 2026));
}

#[test]
fn who_asks_for_a_name_sees_the_one_that_is_for_it_and_all_others_the_boxs_own() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let other = tempfile::tempdir().expect("the temporary folder is writable");
    let authority = Authority::open(other.path()).expect("it is made");
    let certificates =
        Certificates::open((folder.path(), folder.path()), names("tandem.local"), 2026).expect("it is made");
    let own = certificates.current.for_name(None).cert.clone();
    let pair = |names: &[&str], addresses: Vec<IpAddr>| {
        let names = Names { names: names.iter().map(ToString::to_string).collect(), addresses };
        let (chain, key) = authority.sign(&names, 2026).expect("it is signed");
        Pair::new(&chain, &key).expect("it fits")
    };
    let (given, ordered) = (pair(&["pbx.example.com"], Vec::new()), pair(&["*.example.com"], Vec::new()));
    certificates.current.show_given(Some(given.clone()));
    certificates.current.show_ordered(Some(ordered.clone()));
    let shown = |name| certificates.current.for_name(name).cert.clone();
    assert_eq!(shown(Some("PBX.example.com")), given.key.cert, "what the administrator gave goes before it");
    assert_eq!(shown(Some("sip.example.com")), ordered.key.cert);
    for other in [None, Some("tandem.local"), Some("a.sip.example.com"), Some("example.com"), Some(".example.com")] {
        assert_eq!(shown(other), own, "{other:?}");
    }
    let for_address = pair(&["pbx.example.com"], vec![Ipv4Addr::new(192, 0, 2, 7).into()]);
    certificates.current.show_given(Some(for_address.clone()));
    assert_eq!(shown(None), for_address.key.cert, "it counts for an address as well");
}

#[test]
fn what_has_expired_is_not_taken() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let other = tempfile::tempdir().expect("the temporary folder is writable");
    let (chain, key) =
        Authority::open(other.path()).and_then(|it| it.sign(&names("pbx.example.com"), 2020)).expect("it is signed");
    let certificates = Certificates::open((folder.path(), folder.path()), names("tandem"), 2026).expect("it is made");
    assert_eq!(certificates.give(&chain, &key), Err(Trouble::Field("certificate", "has expired")));
    assert_eq!(certificates.record().origin, CertificateOrigin::Own);
}
