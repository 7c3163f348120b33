//! The body of a request: the first byte chooses the API, the second its version.

use bytes::Bytes;
use protocol::wire::{DecodeError, Reader};
use protocol::{ApiKey, Message, for_each_api, frame};

/// A body that can be read is read the same after it was written again.
pub fn run(data: &[u8]) {
    let [api, version, body @ ..] = data else {
        return;
    };
    let (key, check) = CODECS[usize::from(*api) % CODECS.len()];
    let versions = key.versions();
    let count = versions.end() - versions.start() + 1;
    check(body, versions.start() + i16::from(*version) % count);
}

type Check = fn(&[u8], i16);

macro_rules! codecs {
    ($(($key:ident, $module:ident, $request:ident, $response:ident))*) => {
        const CODECS: &[(ApiKey, Check)] =
            &[$((ApiKey::$key, check::<protocol::messages::$module::$request>)),*];
    };
}

for_each_api!(codecs);

fn check<M: Message>(body: &[u8], version: i16) {
    let Ok(value) = M::decode(&mut Reader::new(Bytes::copy_from_slice(body)), version) else {
        return;
    };
    let again = frame::encode_body(&value, version).expect("what was read can be written");
    match frame::decode_body::<M>(again, version) {
        Ok(twice) => assert_eq!(value, twice),
        // Unknown tags are gone, and with them the memory that their bytes would have allowed.
        Err(DecodeError::TooMuchMemory { .. }) => {}
        Err(error) => panic!("{error} after writing {value:?}"),
    }
}
