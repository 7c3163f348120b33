//! Zigzag varints as records use them: at most five bytes for 32 bits, ten for 64.

use std::io::{self, BufRead};

use super::fault::Fault;

/// Reads a 32-bit varint.
pub(super) fn read_i32<R: BufRead + ?Sized>(from: &mut R) -> Result<i32, Fault> {
    let raw = read_unsigned(from, 5)? & u64::from(u32::MAX);
    let raw = u32::try_from(raw).expect("masked to 32 bits");
    Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Reads a 64-bit varint.
pub(super) fn read_i64<R: BufRead + ?Sized>(from: &mut R) -> Result<i64, Fault> {
    let raw = read_unsigned(from, 10)?;
    Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Reads one byte.
pub(super) fn read_byte<R: BufRead + ?Sized>(from: &mut R) -> Result<u8, Fault> {
    let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let byte = *from.fill_buf()?.first().ok_or_else(end)?;
    from.consume(1);
    Ok(byte)
}

/// Appends a 32-bit varint.
pub(super) fn write_i32(out: &mut Vec<u8>, value: i32) {
    write_i64(out, i64::from(value));
}

/// Appends a 64-bit varint. A value of 32 bits has the same bytes either way.
pub(super) fn write_i64(out: &mut Vec<u8>, value: i64) {
    let mut raw = zigzag(value);
    while raw >= 0x80 {
        out.push((raw & 0x7f).to_le_bytes()[0] | 0x80);
        raw >>= 7;
    }
    out.push(raw.to_le_bytes()[0]);
}

/// Bytes that [`write_i64`] appends.
pub(super) fn encoded_len(value: i64) -> usize {
    let bits = (u64::BITS - zigzag(value).leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Bits past the 64th are dropped, as Kafka does; more bytes than `bytes_max` are an error.
fn read_unsigned<R: BufRead + ?Sized>(from: &mut R, bytes_max: u32) -> Result<u64, Fault> {
    let mut value = 0;
    for shift in (0..bytes_max).map(|byte| byte * 7) {
        let byte = read_byte(from)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::Record("a number does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zigzag_bytes_are_those_of_the_protocol() {
        let cases: [(i64, &[u8]); 6] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[126]),
            (64, &[128, 1]),
            (i64::from(i32::MIN), &[255, 255, 255, 255, 15]),
        ];
        for (value, bytes) in cases {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            assert_eq!(out, bytes, "{value}");
        }
    }

    #[test]
    fn a_varint_without_end_is_refused() {
        assert!(read_i32(&mut &[0x80; 6][..]).is_err());
        assert!(read_i64(&mut &[0x80; 11][..]).is_err());
        assert!(read_i64(&mut &[0x80; 2][..]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn numbers_survive(value: i64, small: i32) {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            prop_assert_eq!(out.len(), encoded_len(value));
            prop_assert_eq!(read_i64(&mut &out[..]).unwrap(), value);
            out.clear();
            write_i32(&mut out, small);
            prop_assert_eq!(read_i32(&mut &out[..]).unwrap(), small);
        }
    }
}
