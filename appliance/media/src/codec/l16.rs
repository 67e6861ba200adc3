//! L16: linear samples in network byte order (RFC 3551 §4.5.11).

/// The samples of a payload; as many as the shorter of both holds. An odd octet at the end is left out.
pub fn decode(octets: &[u8], pcm: &mut [i16]) {
    for (sample, pair) in pcm.iter_mut().zip(octets.as_chunks().0) {
        *sample = i16::from_be_bytes(*pair);
    }
}

/// The payload of samples; as many as the shorter of both holds.
pub fn encode(pcm: &[i16], octets: &mut [u8]) {
    for (pair, sample) in octets.as_chunks_mut().0.iter_mut().zip(pcm) {
        *pair = sample.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_octet_comes_first() {
        let mut octets = [9; 7];
        encode(&[1, -2, i16::MIN], &mut octets);
        assert_eq!(octets, [0, 1, 0xFF, 0xFE, 0x80, 0, 9]);
        let mut pcm = [9; 4];
        decode(&octets, &mut pcm);
        assert_eq!(pcm, [1, -2, i16::MIN, 9]);
    }
}
