//! The character classes of RFC 3261 §25.1 and small scans over them.

use std::net::Ipv4Addr;

/// One byte of a `token`: alphanumeric or one of ``-.!%*_+`'~``.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// A non-empty `token`.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_token_byte(b))
}

/// Linear white space after unfolding, and the line ends of folds that were kept.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without white space at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&b| !is_space(b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&b| !is_space(b)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// Decimal digits that fit; `None` when empty, not digits only, or too large.
pub(crate) fn number<N: TryFrom<u64>>(bytes: &[u8]) -> Option<N> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    let mut value = 0u64;
    for &byte in bytes {
        value = value * 10 + u64::from(byte.checked_sub(b'0').filter(|&digit| digit <= 9)?);
    }
    N::try_from(value).ok()
}

/// Decimal digits as seconds; more than fits counts as the largest (RFC 3261 §20.19: about 136 years).
pub(crate) fn seconds(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(number::<u32>(bytes).unwrap_or(if bytes.iter().all(|&b| b == b'0') { 0 } else { u32::MAX }))
}

/// Appends a number in decimal without going through a formatter.
pub(crate) fn write_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends an IPv4 address without going through a formatter.
pub(crate) fn write_v4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        write_number(out, u64::from(octet));
    }
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number::<u16>(b"5060"), Some(5060));
        assert_eq!(number::<u16>(b"65536"), None);
        assert_eq!(number::<u32>(b"-1"), None);
        assert_eq!(number::<u32>(b""), None);
        assert_eq!(number::<u64>(b"99999999999999999999999"), None);
        assert_eq!(seconds(b"1000000000000"), Some(u32::MAX));
        assert_eq!(seconds(b"00000000000000000000000000"), Some(0));
        assert_eq!(seconds(b"1h"), None);
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for value in [0, 7, 10, 5060, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
    }

    #[test]
    fn trim_takes_spaces_off_both_ends() {
        assert_eq!(trim(b" \t a b \r\n"), b"a b");
        assert_eq!(trim(b"   "), b"");
        assert_eq!(trim(b""), b"");
    }
}
