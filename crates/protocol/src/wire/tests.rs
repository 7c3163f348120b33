//! Single values, good and bad.

use bytes::Bytes;
use types::Uuid;

use super::{DecodeError, EncodeError, Part, Reader, RecordSet, Writer};
use crate::Str;

fn reader(bytes: &[u8], flexible: bool) -> Reader {
    let mut r = Reader::new(Bytes::copy_from_slice(bytes));
    r.set_flexible(flexible);
    r
}

fn written(flexible: bool, write: impl FnOnce(&mut Writer)) -> Bytes {
    let mut w = Writer::default();
    w.set_flexible(flexible);
    write(&mut w);
    w.finish().to_bytes()
}

#[test]
fn variable_length_integers_survive_up_to_32_bits() {
    for value in [0, 1, 127, 128, 16_383, 16_384, 1 << 28, u32::MAX] {
        let bytes = written(true, |w| w.uvarint(value));
        let mut r = reader(&bytes, true);
        assert_eq!((r.uvarint(), r.remaining()), (Ok(value), 0));
    }
    assert_eq!(written(true, |w| w.uvarint(300))[..], [0xac, 0x02]);
}

#[test]
fn variable_length_integers_beyond_32_bits_are_refused() {
    for bytes in [[0xff; 5], [0xff, 0xff, 0xff, 0xff, 0x10], [0x80; 5]] {
        let result = reader(&bytes, true).uvarint();
        assert_eq!(result, Err(DecodeError::VarintTooLong { position: 5 }));
    }
    let result = reader(&[0x80, 0x80], true).uvarint();
    assert!(matches!(
        result,
        Err(DecodeError::UnexpectedEnd { position: 2, .. })
    ));
}

#[test]
fn only_minus_one_is_null() {
    assert_eq!(reader(&[0xff, 0xff], false).nullable_string(), Ok(None));
    assert_eq!(reader(&[0], true).nullable_string(), Ok(None));
    let negative = DecodeError::NegativeLength {
        position: 2,
        length: -2,
    };
    assert_eq!(
        reader(&[0xff, 0xfe], false).nullable_string(),
        Err(negative)
    );
    let null = DecodeError::UnexpectedNull { position: 4 };
    assert_eq!(reader(&[0xff; 4], false).array::<i32>(0), Err(null));
}

#[test]
fn strings_are_utf_8_of_at_most_32767_bytes() {
    let invalid = reader(&[3, 0xc3, 0x28], true).string();
    assert_eq!(invalid, Err(DecodeError::InvalidUtf8 { position: 3 }));

    let longest = Str::from("x".repeat(32_767));
    let too_long = Str::from("x".repeat(32_768));
    for flexible in [false, true] {
        let bytes = written(flexible, |w| w.string(&longest).expect("short enough"));
        assert_eq!(reader(&bytes, flexible).string().as_ref(), Ok(&longest));
        let mut w = Writer::default();
        w.set_flexible(flexible);
        let error = EncodeError::StringTooLong { length: 32_768 };
        assert_eq!(w.string(&too_long), Err(error));
    }
    let bytes = written(true, |w| {
        w.bytes(&too_long.into_bytes()).expect("short enough");
    });
    let result = reader(&bytes, true).string();
    assert!(matches!(
        result,
        Err(DecodeError::StringTooLong { length: 32_768, .. })
    ));
}

#[test]
fn strings_and_records_are_slices_of_the_input() {
    let input = Bytes::from_static(b"\x03ab\x04xyz");
    let mut r = Reader::new(input.clone());
    r.set_flexible(true);
    let text = r.string().expect("a string");
    assert_eq!(text.as_bytes().as_ptr(), input[1..].as_ptr());
    let records = r.records().expect("records");
    assert_eq!(records.to_bytes().as_ptr(), input[4..].as_ptr());
}

#[test]
fn an_array_larger_than_what_is_left_is_refused_before_it_is_allocated() {
    let result = reader(&[0x7f, 0xff, 0xff, 0xff, 0, 0], false).array::<i64>(0);
    let error = DecodeError::TooManyElements {
        position: 4,
        count: 0x7fff_ffff,
        remaining: 2,
    };
    assert_eq!(result, Err(error));
}

#[test]
fn all_arrays_of_one_input_share_one_allowance() {
    // One byte each is what the shortest string takes; each takes 32 bytes of memory.
    let count = 10_000u32;
    let mut input = count.to_be_bytes().to_vec();
    input.extend(vec![0; 20_000]);
    let input = [input.as_slice(), &input].concat();
    let mut r = reader(&input, false);
    assert_eq!(r.array::<Str>(0).map(|items| items.len()), Ok(10_000));
    assert_eq!(r.array::<Str>(0).map(|items| items.len()), Ok(10_000));

    let mut tight = reader(&input[..10_100], false);
    let result = tight.array::<Str>(0);
    assert!(matches!(
        result,
        Err(DecodeError::TooMuchMemory {
            wanted: 320_000,
            ..
        })
    ));
}

#[test]
fn known_tags_are_read_and_unknown_ones_skipped() {
    let input = [3, 0, 2, 0, 7, 9, 3, 1, 2, 3, 1, 0];
    let mut first = 0;
    let mut seen = Vec::new();
    let mut r = reader(&input, true);
    let result = r.tags(|r, tag| {
        seen.push(tag);
        if tag == 0 {
            first = r.i16()?;
        }
        Ok(tag == 0)
    });
    assert_eq!((result, first, seen), (Ok(()), 7, vec![0, 9, 1]));
    assert_eq!(r.remaining(), 0);
}

#[test]
fn a_tag_must_be_as_long_as_it_says() {
    let read_one = |r: &mut Reader, _| r.i16().map(|_| true);
    let longer = reader(&[1, 5, 3, 0, 7, 0], true).tags(read_one);
    assert_eq!(
        longer,
        Err(DecodeError::TagSize {
            tag: 5,
            position: 5
        })
    );
    let beyond = reader(&[1, 5, 9, 0, 7], true).tags(read_one);
    assert!(matches!(
        beyond,
        Err(DecodeError::UnexpectedEnd { wanted: 9, .. })
    ));
}

#[test]
fn long_tagged_values_have_long_sizes() {
    let value = Bytes::from(vec![7; 300]);
    let bytes = written(true, |w| {
        let mut tags = w.begin_tags();
        w.tag(&mut tags, 1, |w| w.bytes(&value))
            .expect("short enough");
    });
    // One field; tag 1; 302 bytes; a byte string of 300.
    assert_eq!(bytes[..6], [1, 1, 0xae, 0x02, 0xad, 0x02]);
    assert_eq!(bytes.len(), 306);
}

#[test]
fn a_null_struct_is_one_byte() {
    let none = written(true, |w| w.nullable_part::<i32>(None, 0).expect("a byte"));
    assert_eq!(none[..], [0xff]);
    let some = written(true, |w| {
        w.nullable_part(Some(&5i32), 0).expect("five bytes");
    });
    assert_eq!(some[..], [1, 0, 0, 0, 5]);
    assert_eq!(reader(&some, true).nullable_part::<i32>(0), Ok(Some(5)));
    assert_eq!(reader(&none, true).nullable_part::<i32>(0), Ok(None));
}

#[test]
fn numbers_are_big_endian() {
    let bytes = written(false, |w| {
        w.bool(true);
        w.i8(-2);
        w.u16(0xfffe);
        w.i64(-3);
        w.f64(0.5);
        w.uuid(Uuid::ONE);
    });
    let mut r = reader(&bytes, false);
    assert_eq!((r.bool(), r.i8(), r.u16()), (Ok(true), Ok(-2), Ok(0xfffe)));
    assert_eq!(
        (r.i64(), r.f64(), r.uuid()),
        (Ok(-3), Ok(0.5), Ok(Uuid::ONE))
    );
    assert_eq!(bytes[2..4], [0xff, 0xfe]);
    assert_eq!(Uuid::ONE.encoded_len(), 16);
}

#[test]
fn record_sets_in_pieces_are_written_in_order() {
    let pieces = [vec![1; 300], vec![2; 10], vec![3; 400]].map(Bytes::from);
    let set: RecordSet = pieces.iter().cloned().collect();
    let bytes = written(false, |w| {
        w.records(&set).expect("short enough");
        w.i8(4);
    });
    let expected = [&[0, 0, 2, 0xc6][..], &pieces.concat(), &[4]].concat();
    assert_eq!(bytes, expected);
}
