//! A whole request as it comes from a socket.

use bytes::{Buf, Bytes};
use protocol::frame::{
    RequestHeader, decode_correlation_id, decode_request, decode_request_header, encode_request,
};
use protocol::wire::Reader;
use protocol::{ApiKey, Request, for_each_api};

/// A frame that can be read is read the same after it was written again.
pub fn run(data: &[u8]) {
    let frame = Bytes::copy_from_slice(data);
    drop(decode_correlation_id(&frame));
    let mut r = Reader::new(frame);
    if let Ok(header) = decode_request_header(&mut r) {
        dispatch(&header, &mut r);
    }
}

macro_rules! dispatches {
    ($(($key:ident, $module:ident, $request:ident, $response:ident))*) => {
        fn dispatch(header: &RequestHeader, r: &mut Reader) {
            match header.api_key {
                $(ApiKey::$key => check::<protocol::messages::$module::$request>(header, r),)*
                _ => {}
            }
        }
    };
}

for_each_api!(dispatches);

fn check<R: Request>(header: &RequestHeader, r: &mut Reader) {
    let Ok(request) = decode_request::<R>(r, header.api_version) else {
        return;
    };
    let mut frame = encode_request(header, &request).expect("what was read can be written");
    let size = frame.get_i32();
    assert_eq!(usize::try_from(size), Ok(frame.remaining()));
    let mut r = Reader::new(frame.to_bytes());
    assert_eq!(decode_request_header(&mut r).as_ref(), Ok(header));
}
