use super::*;
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;

const COMPRESSED: [Compression; 4] = [
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn compressed(compression: Compression, input: &[u8]) -> Bytes {
    compress(compression, input).unwrap().into()
}

#[test]
fn every_codec_gives_back_what_it_got() {
    let mixed: Vec<u8> = (0..200_000_u32)
        .flat_map(|i| (i / 7).to_le_bytes())
        .collect();
    for compression in Compression::ALL {
        for input in [&b""[..], b"a", &[7; 100_000], &mixed] {
            let output = decompress(compression, &compressed(compression, input), LIMIT);
            assert_eq!(output.unwrap(), input, "{compression}");
        }
    }
}

#[test]
fn exactly_the_limit_passes_and_one_byte_more_does_not() {
    let input = vec![1; 70_000];
    for compression in COMPRESSED {
        let bytes = compressed(compression, &input);
        assert_eq!(decompress(compression, &bytes, 70_000).unwrap(), input);
        assert_eq!(
            decompress(compression, &bytes, 69_999),
            Err(BatchError::DecompressedTooLarge {
                limit_bytes: 69_999
            }),
            "{compression}"
        );
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![0; 8 << 20];
    for compression in COMPRESSED {
        let bytes = compressed(compression, &zeros);
        assert_eq!(
            decompress(compression, &bytes, LIMIT),
            Err(BatchError::DecompressedTooLarge { limit_bytes: LIMIT }),
            "{compression}"
        );
    }
}

#[test]
fn bare_snappy_is_read_too() {
    let bare = snap::raw::Encoder::new()
        .compress_vec(b"bare bare bare")
        .unwrap();
    let output = decompress(Compression::Snappy, &bare.into(), LIMIT).unwrap();
    assert_eq!(output, &b"bare bare bare"[..]);
}

#[test]
fn a_snappy_block_that_claims_too_much_gets_no_memory() {
    // A length of 600,000 in a varint, then one literal byte.
    let liar = Bytes::from_static(&[0xc0, 0xcf, 0x24, 0x00, b'x']);
    let error = decompress(Compression::Snappy, &liar, LIMIT).unwrap_err();
    assert!(error.to_string().contains("claims more"), "{error}");
}

#[test]
fn lz4_checksums_are_compared() {
    let info = FrameInfo::new()
        .block_checksums(true)
        .content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(b"checked checked checked").unwrap();
    let mut bytes = encoder.finish().unwrap();
    assert!(decompress(Compression::Lz4, &bytes.clone().into(), LIMIT).is_ok());
    *bytes.last_mut().unwrap() ^= 1;
    assert!(decompress(Compression::Lz4, &bytes.into(), LIMIT).is_err());
}

#[test]
fn names_and_ids_come_back() {
    for compression in Compression::ALL {
        assert_eq!(Compression::from_id(compression.id()), Some(compression));
        assert_eq!(
            Compression::from_name(compression.name()),
            Some(compression)
        );
    }
    assert_eq!(Compression::from_id(5), None);
    assert_eq!(Compression::from_name("producer"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn garbage_never_panics(which in 0..4_usize, input: Vec<u8>) {
        let _unused = decompress(COMPRESSED[which], &input.into(), LIMIT);
    }

    #[test]
    fn damaged_data_never_panics(which in 0..4_usize, at: usize, flip in 1..=255_u8, cut: usize) {
        let mut bytes = compress(COMPRESSED[which], &[b'x'; 3000]).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        bytes.truncate(bytes.len() - cut % 3);
        let _unused = decompress(COMPRESSED[which], &bytes.into(), LIMIT);
    }
}
