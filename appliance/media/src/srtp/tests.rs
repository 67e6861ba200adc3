//! The vectors that RFC 3711 (B.2), RFC 6188 (§7.1) and RFC 7714 (§16, §17) give for session keys. Those for master keys
//! stand in `derivation`; the mode f8 of RFC 3711 (B.1) is not offered by anybody, and not by us.

use aes::{Aes128Enc, Aes256Enc};
use zeroize::Zeroizing;

use super::counter_mode::CounterMode;
use super::derivation::SessionKeys;
use super::transform::{Number, Transform};
use super::{Profile, SrtpError};

fn octets(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn session_keys(cipher: &str, authentication: &str, salt: &str) -> SessionKeys {
    let mut keys = SessionKeys {
        cipher: Zeroizing::new([0; 32]),
        authentication: Zeroizing::new([0; 20]),
        salt: Zeroizing::new([0; 14]),
    };
    hex::decode_to_slice(cipher, &mut keys.cipher[..cipher.len() / 2]).unwrap();
    hex::decode_to_slice(authentication, &mut keys.authentication[..authentication.len() / 2]).unwrap();
    hex::decode_to_slice(salt, &mut keys.salt[..salt.len() / 2]).unwrap();
    keys
}

/// The first three and the last three blocks of the longest key stream that one packet may use.
fn first_and_last(apply: impl Fn(Number, &mut [u8])) -> [String; 2] {
    let mut stream = vec![0; 0xFF02 * 16];
    apply(Number { ssrc: 0, index: 0 }, &mut stream);
    [hex::encode(&stream[..48]), hex::encode(&stream[0xFEFF * 16..])]
}

#[test]
fn rfc_3711_b_2() {
    let keys = session_keys("2b7e151628aed2a6abf7158809cf4f3c", "", "f0f1f2f3f4f5f6f7f8f9fafbfcfd");
    let cipher = CounterMode::<Aes128Enc>::new(&keys);
    assert_eq!(
        first_and_last(|number, octets| cipher.apply(number, octets)),
        [
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0",
            "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44"
        ]
    );
}

#[test]
fn rfc_6188_7_1() {
    let key = "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98";
    let cipher = CounterMode::<Aes256Enc>::new(&session_keys(key, "", "f0f1f2f3f4f5f6f7f8f9fafbfcfd"));
    assert_eq!(
        first_and_last(|number, octets| cipher.apply(number, octets)),
        [
            "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31",
            "cea518c90fd91ced9cbb18c078a547113dbc4814f4da5f00a08772b63c6a046d6eb246913062a16891433e97dd01a57f"
        ]
    );
}

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// "Quid pro quo".
const SALT: &str = "517569642070726f2071756f";

fn galois(key: &str) -> Transform {
    let profile = if key == KEY_128 { Profile::AeadAes128Gcm } else { Profile::AeadAes256Gcm };
    Transform::of_session_keys(profile, &session_keys(key, "", SALT), 16)
}

const RTP_HEADER: &str = "8040f17b8041f8d35501a0b2";
/// "Gallia est omnis divisa in partes tres".
const RTP_PAYLOAD: &str = "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
const RTP: Number = Number { ssrc: 0x5501_A0B2, index: 0xF17B };

#[test]
fn rfc_7714_16_1_and_16_2() {
    let vectors = [
        (
            KEY_128,
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
             899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            KEY_256,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
             7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ];
    let plain = octets(&[RTP_HEADER, RTP_PAYLOAD].concat());
    for (key, sealed) in vectors {
        let sealed = octets(&[RTP_HEADER, sealed].concat());
        let mut packet = plain.clone();
        packet.resize(plain.len() + 16, 0);
        assert_eq!(galois(key).protect_rtp(&mut packet, 12, plain.len(), RTP), sealed.len());
        assert_eq!(packet, sealed);
        assert_eq!(galois(key).unprotect_rtp(&mut packet, 12, 0, RTP), Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

const RTCP_HEADER: &str = "81c8000d4d617273";
const RTCP_BODY: &str = "4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const RTCP: Number = Number { ssrc: 0x4D61_7273, index: 0x5D4 };

#[test]
fn rfc_7714_17_1_and_17_2() {
    let vectors = [
        (
            KEY_128,
            "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b\
             c84aa45896cf4d2fc5abf87245d9eade",
        ),
        (
            KEY_256,
            "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad\
             1d1eb30c4446839f57ff6f6cb26ac3be",
        ),
    ];
    let plain = octets(&[RTCP_HEADER, RTCP_BODY].concat());
    for (key, sealed) in vectors {
        let sealed = octets(&[RTCP_HEADER, sealed, "800005d4"].concat());
        let mut packet = plain.clone();
        packet.resize(plain.len() + 20, 0);
        assert_eq!(galois(key).protect_rtcp(&mut packet, plain.len(), RTCP), sealed.len());
        assert_eq!(packet, sealed);
        assert_eq!(open_rtcp(key, &mut packet), Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

/// Packets that are signed and not encrypted. They come back as they came when the tag is wrong.
#[test]
fn rfc_7714_17_3_and_17_4() {
    let tags = [(KEY_128, "841dd9683dd78ec92ae58790125f62b3"), (KEY_256, "91db4afbfeee5a978fab4393ed2615fe")];
    let plain = octets(&[RTCP_HEADER, RTCP_BODY].concat());
    for (key, tag) in tags {
        let signed = octets(&[RTCP_HEADER, RTCP_BODY, tag, "000005d4"].concat());
        let mut packet = signed.clone();
        assert_eq!(open_rtcp(key, &mut packet), Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
        for at in [0, 9, plain.len(), signed.len() - 1] {
            let mut forged = signed.clone();
            forged[at] ^= 1;
            let before = forged.clone();
            assert_eq!(open_rtcp(key, &mut forged), Err(SrtpError::NotAuthentic));
            assert_eq!(forged, before);
        }
    }
}

fn open_rtcp(key: &str, packet: &mut [u8]) -> Result<usize, SrtpError> {
    let transform = galois(key);
    let trailer = transform.trailer(packet, 0).unwrap();
    let number = Number { index: trailer.index, ..RTCP };
    transform.unprotect_rtcp(packet, trailer, number)
}
