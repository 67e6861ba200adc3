//! The public key in a certificate (RFC 5280 §4.1). Nothing else of it matters: who may use it, the fingerprint says.

use dimpl::CryptoError;
use dimpl::crypto::NamedGroup;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;

/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: [u8; 7] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const P256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
const P384: [u8; 5] = [0x2B, 0x81, 0x04, 0x00, 0x22];

/// The curve of the key, and its point.
pub fn public_key(certificate: &[u8]) -> Result<(NamedGroup, &[u8]), CryptoError> {
    let mut info = Der(key_info(certificate).ok_or(CryptoError::CertificateParseFailed)?);
    let mut algorithm = Der(info.take(SEQUENCE).ok_or(CryptoError::CertificateParseFailed)?);
    if algorithm.take(OBJECT) != Some(&EC_PUBLIC_KEY[..]) {
        return Err(CryptoError::UnsupportedPublicKeyAlgorithm);
    }
    let curve = algorithm.take(OBJECT).ok_or(CryptoError::MissingEcCurveParameter)?;
    let group = match curve {
        curve if curve == P256 => NamedGroup::Secp256r1,
        curve if curve == P384 => NamedGroup::Secp384r1,
        _ => return Err(CryptoError::UnsupportedEcCurve),
    };
    // A bit string begins with the number of bits that do not count.
    match info.take(BIT_STRING) {
        Some([0, point @ ..]) => Ok((group, point)),
        _ => Err(CryptoError::InvalidSubjectPublicKey),
    }
}

/// What stands in the subject's public key info.
fn key_info(certificate: &[u8]) -> Option<&[u8]> {
    let mut certificate = Der(Der(certificate).take(SEQUENCE)?);
    let mut fields = Der(certificate.take(SEQUENCE)?);
    let _version = fields.take(VERSION);
    let _serial = fields.take(INTEGER)?;
    // How it is signed, by whom, from when until when, for whom.
    for _ in 0..4 {
        fields.take(SEQUENCE)?;
    }
    fields.take(SEQUENCE)
}

/// What is still to be read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The contents of the next value, if it has this tag; else nothing is taken.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&[is, first], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81..=0x83 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                (octets.iter().fold(0, |len, &octet| len << 8 | usize::from(octet)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(len).filter(|_| is == tag)?;
        self.0 = rest;
        Some(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_certificate_is_found() {
        for (algorithm, group) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, NamedGroup::Secp256r1),
            (&rcgen::PKCS_ECDSA_P384_SHA384, NamedGroup::Secp384r1),
        ] {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let made = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
            assert_eq!(public_key(made.der()).unwrap(), (group, pair.public_key_raw()));
        }
    }

    #[test]
    fn half_a_certificate_is_refused_at_every_length() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        let der = made.der();
        assert!((0..der.len()).all(|len| public_key(&der[..len]).is_err()));
        let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let made = rcgen::CertificateParams::default().self_signed(&other).unwrap();
        assert_eq!(public_key(made.der()), Err(CryptoError::UnsupportedPublicKeyAlgorithm));
    }
}
