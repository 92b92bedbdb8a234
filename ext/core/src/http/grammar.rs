//! The few productions that several modules share.

/// `tchar` of RFC 9110, section 5.6.2, by byte.
static TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"!#$%&'*+-.^_`|~";
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};

/// `tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA`
pub(super) fn is_tchar(byte: u8) -> bool {
    TCHAR[byte as usize]
}

/// `token = 1*tchar` (RFC 9110, section 5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_tchar(byte))
}

/// A byte that may stand in a field value: `HTAB / SP / VCHAR / obs-text` (RFC 9110, section 5.5).
pub(super) fn is_field_byte(byte: u8) -> bool {
    (byte >= b' ' && byte != 0x7f) || byte == b'\t'
}

/// Whether every byte may stand in a field value. Looks at all of them without branching, so that the compiler
/// can take them 16 at a time: good values are the rule.
pub(super) fn is_field_value(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |valid, &byte| valid & is_field_byte(byte))
}

/// `1*DIGIT` below 2^64, as in `Content-Length` (RFC 9110, section 8.6): no sign, no list, no white space.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tchar_is_what_the_rfc_lists() {
        for byte in 0..=255u8 {
            let listed = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_tchar(byte), listed, "byte {byte:#04x}");
        }
    }

    #[test]
    fn field_values_hold_no_control_but_the_tab() {
        for byte in 0..=255u8 {
            let control = byte.is_ascii_control() && byte != b'\t';
            assert_eq!(
                is_field_value(&[b'a', byte, b'b']),
                !control,
                "byte {byte:#04x}"
            );
        }
    }

    #[test]
    fn decimals() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"007"), Some(7));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            " 1",
            "1 ",
            "+1",
            "-1",
            "0x1",
            "1,1",
            "1.0",
            "１",
            "18446744073709551616",
        ] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
