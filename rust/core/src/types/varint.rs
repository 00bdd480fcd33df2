//! Whole numbers in as few bytes as they need: LEB128, seven bits a byte, the lowest first.

/// Appends a number: one byte below 128, ten at most.
#[inline]
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, zigzag: small ones of either sign are short.
#[inline]
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Takes a number off the front; `None`, and nothing taken, if it is cut off or longer than 64 bits.
#[inline]
#[must_use]
pub fn get_u64(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (place, &byte) in input.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * place);
        if byte < 0x80 {
            *input = &input[place + 1..];
            return Some(value);
        }
    }
    None
}

/// Takes a signed number off the front, as [`get_u64`] does.
#[inline]
#[must_use]
pub fn get_i64(input: &mut &[u8]) -> Option<i64> {
    get_u64(input).map(|value| (value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for shift in 0..64 {
            for near in [-2, -1, 0, 1, 2] {
                let value = (1_u64 << shift).wrapping_add_signed(near);
                let mut bytes = Vec::new();
                put_u64(&mut bytes, value);
                put_i64(&mut bytes, value.cast_signed());
                let mut input = bytes.as_slice();
                assert_eq!(get_u64(&mut input), Some(value));
                assert_eq!(get_i64(&mut input), Some(value.cast_signed()));
                assert!(input.is_empty());
            }
        }
    }

    #[test]
    fn small_numbers_are_short() {
        for (value, length) in [(0, 1), (-64, 1), (63, 1), (64, 2), (-8_192, 2), (i64::MIN, 10)] {
            let mut bytes = Vec::new();
            put_i64(&mut bytes, value);
            assert_eq!(bytes.len(), length, "{value}");
        }
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_refused() {
        let mut longest = Vec::new();
        put_u64(&mut longest, u64::MAX);
        for end in 0..longest.len() {
            assert_eq!(get_u64(&mut &longest[..end]), None);
        }
        let mut too_long = [0xff; 10].as_slice();
        assert_eq!(get_u64(&mut too_long), None);
        assert_eq!(too_long.len(), 10);
        assert_eq!(get_u64(&mut [0x80; 11].as_slice()), None);
        let mut beyond = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02].as_slice();
        assert_eq!(get_u64(&mut beyond), None);
    }
}
