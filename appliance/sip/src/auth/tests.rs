//! Vectors of RFC 2617 §3.5, RFC 7616 §3.9, and the life of a nonce.

use bytes::Bytes;

use super::*;
use crate::{
    Method, Request, Time, Uri,
    header::CSeq,
    message::{HeaderName, Text},
};

fn login(username: &str, password: &str) -> Login {
    Login { username: username.into(), password: password.into() }
}

fn challenge(value: &'static str) -> Challenge {
    Challenge::parse(&Bytes::from_static(value.as_bytes())).expect("the challenge is readable")
}

fn http_response(challenge_value: &'static str, login: &Login, uri: &'static [u8], cnonce: &str) -> String {
    let uri = Uri::unreadable(Bytes::from_static(uri));
    let method = Method::Other("GET".into());
    let credentials =
        respond(&challenge(challenge_value), login, &method, &uri, (cnonce, 1)).expect("it can be answered");
    credentials.response.to_string()
}

#[test]
fn rfc_2617_example() {
    let value = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
    let response = http_response(value, &login("Mufasa", "Circle Of Life"), b"/dir/index.html", "0a4f113b");
    assert_eq!(response, "6629fae49393a05397450978507c4ef1");
}

#[test]
fn rfc_7616_examples() {
    let login = login("Mufasa", "Circle of Life");
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let md5 = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
    assert_eq!(http_response(md5, &login, b"/dir/index.html", cnonce), "8ca523f5e9506fed4657c9700eebdbec");
    let sha256 = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm="SHA-256", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
    let expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
    assert_eq!(http_response(sha256, &login, b"/dir/index.html", cnonce), expected);
}

#[test]
fn sha_512_256_is_not_a_cut_sha_512() {
    // FIPS 180-4: the truncated function has initial values of its own. Vector of the empty message from NIST.
    let hash = Algorithm::Sha512_256.hash(&[b""]);
    assert_eq!(hex::encode(hash.as_bytes()), "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a");
}

/// RFC 7616 §3.9.2 with erratum 4897: the hashes printed there are those of a cut SHA-512. The name is hashed with the realm; the response
/// is checked against another implementation of SHA-512/256.
#[test]
fn rfc_7616_sha_512_256() {
    let name = "J\u{e4}s\u{f8}n Doe";
    let hash = Algorithm::Sha512_256.hash(&[name.as_bytes(), b"api@example.org"]);
    assert_eq!(hex::encode(hash.as_bytes()), "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
    let value = r#"Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true"#;
    let response =
        http_response(value, &login(name, "Secret, or not?"), b"/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm");
    assert_eq!(response, "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c");
}

#[test]
fn rfc_2069_form_without_qop() {
    // RFC 2069 §2.4 with the erratum of 1999.
    let value = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#;
    let response = http_response(value, &login("Mufasa", "CircleOfLife"), b"/dir/index.html", "");
    assert_eq!(response, "1949323746fe6a43ef61f9606e7febea");
}

#[test]
fn fields_come_quoted_or_not_in_any_order() {
    for algorithm in ["SHA-256", "\"SHA-256\"", "sha-256"] {
        let value = format!("Digest algorithm={algorithm} ,qop=\"auth\",nonce=\"a\\\"b\",realm=\"x, y\" , stale=TRUE");
        let challenge = Challenge::parse(&value.into()).expect("readable");
        assert_eq!(challenge.algorithm, Some(Algorithm::Sha256));
        assert!(challenge.stale && challenge.qop_auth && !challenge.qop_other);
        assert_eq!(challenge.nonce, "a\"b");
        assert_eq!(challenge.realm, "x, y");
    }
    let other =
        Challenge::parse(&Bytes::from_static(b"Digest realm=a, nonce=b, algorithm=MD5-sess")).expect("readable");
    assert_eq!(other.algorithm, None);
    for bad in ["", "Basic realm=x", "Digest", "Digest realm", "Digest realm=a", "Digest realm=a, realm=b, nonce=c"] {
        assert!(Challenge::parse(&Bytes::copy_from_slice(bad.as_bytes())).is_err(), "{bad}");
    }
}

struct Phone {
    verifier: Verifier,
    challenge: Challenge,
    cseq: u32,
}

impl Phone {
    fn new(algorithm: Algorithm) -> Phone {
        let mut verifier = Verifier::new("tandem", [7; 32]).with_algorithms(vec![
            Algorithm::Sha512_256,
            Algorithm::Sha256,
            Algorithm::Md5,
        ]);
        let challenges = verifier.challenges(Time::ZERO, false);
        assert_eq!(challenges.len(), 3);
        let challenge = challenges.into_iter().find(|one| one.algorithm == Some(algorithm)).expect("it is offered");
        Phone { verifier, challenge, cseq: 0 }
    }

    fn request(&mut self) -> Request {
        self.cseq += 1;
        let mut request = Request::new(Method::Register, Uri::sip(None, std::net::IpAddr::from([192, 0, 2, 1]), None));
        request.headers.push(HeaderName::CallId, "a");
        request.headers.add(&CSeq { number: self.cseq, method: Method::Register });
        request
    }

    fn credentials(&self, password: &str, count: u32) -> Credentials {
        let uri: Uri = "sip:192.0.2.1".parse().expect("an URI");
        respond(&self.challenge, &login("alice", password), &Method::Register, &uri, ("c", count)).expect("answerable")
    }

    fn try_with(&mut self, seconds: u64, count: u32) -> Verdict {
        let (request, credentials) = (self.request(), self.credentials("secret", count));
        self.verifier.check(Time::from_secs(seconds), &request, &credentials, Secret::Password("secret"))
    }
}

#[test]
fn all_algorithms_are_accepted_by_password_and_by_hash() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256] {
        let mut phone = Phone::new(algorithm);
        assert_eq!(phone.try_with(1, 1), Verdict::Accepted);
        let ha1 = Ha1::new("alice", "tandem", "secret", &[algorithm]);
        let (request, credentials) = (phone.request(), phone.credentials("secret", 2));
        let verdict = phone.verifier.check(Time::from_secs(1), &request, &credentials, Secret::Ha1(&ha1));
        assert_eq!(verdict, Verdict::Accepted);
    }
}

#[test]
fn wrong_passwords_and_unknown_users_are_wrong() {
    let mut phone = Phone::new(Algorithm::Sha256);
    let request = phone.request();
    let wrong = phone.credentials("guess", 1);
    assert_eq!(phone.verifier.check(Time::ZERO, &request, &wrong, Secret::Password("secret")), Verdict::Wrong);
    let empty = phone.credentials("", 1);
    assert_eq!(phone.verifier.check(Time::ZERO, &request, &empty, Secret::Unknown), Verdict::Wrong);
    let mut cut = phone.credentials("secret", 1);
    cut.response = Text::from("00");
    assert_eq!(phone.verifier.check(Time::ZERO, &request, &cut, Secret::Password("secret")), Verdict::Wrong);
    assert_eq!(phone.verifier.nonces(), 0);
}

#[test]
fn counts_are_used_once_but_a_repeated_request_is_the_same() {
    let mut phone = Phone::new(Algorithm::Md5);
    let (request, credentials) = (phone.request(), phone.credentials("secret", 5));
    for _ in 0..3 {
        let verdict = phone.verifier.check(Time::ZERO, &request, &credentials, Secret::Password("secret"));
        assert_eq!(verdict, Verdict::Accepted);
    }
    assert_eq!(phone.try_with(1, 5), Verdict::Stale);
    assert_eq!(phone.try_with(1, 7), Verdict::Accepted);
    assert_eq!(phone.try_with(1, 6), Verdict::Accepted, "one that was overtaken");
    assert_eq!(phone.try_with(1, 6), Verdict::Stale);
    assert_eq!(phone.try_with(1, 1000), Verdict::Accepted);
    assert_eq!(phone.try_with(1, 8), Verdict::Stale, "too far behind to know");
}

#[test]
fn old_and_foreign_nonces_are_stale_only_for_who_knows_the_password() {
    let mut phone = Phone::new(Algorithm::Sha256);
    assert_eq!(phone.try_with(300, 1), Verdict::Accepted);
    assert_eq!(phone.try_with(301, 2), Verdict::Stale);
    phone.challenge.nonce = Text::from("made before a restart");
    assert_eq!(phone.try_with(1, 3), Verdict::Stale);
    let (request, wrong) = (phone.request(), phone.credentials("guess", 4));
    assert_eq!(phone.verifier.check(Time::ZERO, &request, &wrong, Secret::Password("secret")), Verdict::Wrong);
}

#[test]
fn what_was_not_offered_is_malformed() {
    let mut phone = Phone::new(Algorithm::Md5);
    let request = phone.request();
    let good = phone.credentials("secret", 1);
    let bad = [
        Credentials { realm: Text::from("other"), ..good.clone() },
        Credentials { algorithm: None, ..good.clone() },
        Credentials { qop: Some(Text::from("auth-int")), ..good.clone() },
        Credentials { nc: None, ..good.clone() },
        Credentials { nc: Some(Text::from("+0000001")), ..good.clone() },
        Credentials { nc: Some(Text::from("00000000")), ..good.clone() },
        Credentials { cnonce: None, ..good.clone() },
    ];
    for credentials in bad {
        let verdict = phone.verifier.check(Time::ZERO, &request, &credentials, Secret::Password("secret"));
        assert_eq!(verdict, Verdict::Malformed, "{credentials:?}");
    }
}

#[test]
fn without_qop_a_nonce_is_good_for_one_request() {
    let mut phone = Phone::new(Algorithm::Md5);
    phone.challenge.qop_auth = false;
    assert_eq!(phone.try_with(1, 1), Verdict::Accepted);
    assert_eq!(phone.try_with(1, 1), Verdict::Stale);
}

#[test]
fn the_table_is_bounded_and_lets_no_replay_through() {
    let mut phone = Phone::new(Algorithm::Md5);
    let first = phone.challenge.clone();
    assert_eq!(phone.try_with(1, 1), Verdict::Accepted);
    for _ in 0..crate::limits::NONCES {
        phone.challenge = phone.verifier.challenges(Time::from_secs(1), false).pop().expect("one is offered");
        assert_eq!(phone.try_with(1, 1), Verdict::Accepted);
    }
    assert_eq!(phone.verifier.nonces(), crate::limits::NONCES);
    phone.challenge = first;
    assert_eq!(phone.try_with(1, 1), Verdict::Stale);
    phone.challenge = phone.verifier.challenges(Time::from_secs(1000), true).pop().expect("one is offered");
    assert_eq!(phone.try_with(1000, 1), Verdict::Accepted);
    assert_eq!(phone.verifier.nonces(), 1, "what is too old is forgotten");
}

#[test]
fn a_burst_is_forgotten_before_its_nonces_are_too_old() {
    let mut phone = Phone::new(Algorithm::Md5);
    let mut used = Vec::new();
    for _ in 0..2_000 {
        phone.challenge = phone.verifier.challenges(Time::from_secs(1), false).pop().expect("one is offered");
        assert_eq!(phone.try_with(1, 1), Verdict::Accepted);
        used.push(phone.challenge.clone());
    }
    phone.verifier.handle_timeout(Time::from_secs(31));
    assert_eq!(phone.verifier.nonces(), 2_000, "they were just used");
    phone.verifier.handle_timeout(Time::from_secs(32));
    assert_eq!(phone.verifier.nonces(), crate::limits::NONCES_KEPT);
    phone.challenge = used.remove(0);
    assert_eq!(phone.try_with(32, 1), Verdict::Stale, "no replay gets through");
    phone.challenge = used.pop().expect("there are many");
    assert_eq!(phone.try_with(32, 1), Verdict::Stale, "nor here");
    assert_eq!(phone.try_with(32, 2), Verdict::Accepted, "an office keeps its nonces for their whole life");
}

#[test]
fn what_is_written_can_be_read() {
    let phone = Phone::new(Algorithm::Sha256);
    let mut out = Vec::new();
    phone.challenge.write(&mut out);
    assert_eq!(Challenge::parse(&out.into()), Ok(phone.challenge.clone()));
    let credentials = Credentials { username: Text::from(r#"a"b\c"#), ..phone.credentials("x", 255) };
    assert_eq!(credentials.nonce_count(), Some(255));
    let mut out = Vec::new();
    credentials.write(&mut out);
    assert_eq!(Credentials::parse(&out.into()), Ok(credentials));
}
