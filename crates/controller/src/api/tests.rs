//! Requests as bytes, answers as bytes. The codes and, where clients show them to people, the texts
//! are those that Apache Kafka 4.3.1 gave to the same requests, unless a test says otherwise.

mod configs;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod elections;
mod features;
mod matrix;
mod reassignments;

use protocol::frame::{decode_body, encode_body};
use protocol::{Request, Str};
use types::ErrorCode;

use super::{Error, Evaluated, RequestContext, evaluate, refuse};
use crate::decide::testing::{CONTROLLER, Cluster};

/// Code and text of one answer.
type Answer = (i16, Option<String>);

fn answer(code: i16, text: Option<&Str>) -> Answer {
    (code, text.map(ToString::to_string))
}

fn error(code: ErrorCode, text: &str) -> Answer {
    (code.to_wire(), Some(text.to_owned()))
}

const OK: Answer = (0, None);

impl Cluster {
    fn evaluate<R: Request>(&self, version: i16, request: &R) -> Evaluated {
        // Another seed after every entry, the same one for the same image.
        let seed = [u8::try_from(self.image.offset() % 256).expect("a byte"); 32];
        let context = RequestContext {
            settings: &self.settings,
            controller: CONTROLLER,
            via: self.via,
            seed,
        };
        let body = encode_body(request, version).expect("a request that fits its version");
        let evaluated = evaluate(&self.image, &context, R::KEY, version, body);
        evaluated.expect("a request that can be answered")
    }

    /// Asks without committing what follows.
    fn ask<R: Request>(&self, version: i16, request: &R) -> R::Response {
        decode_body(self.evaluate(version, request).response, version).expect("a good answer")
    }

    /// Asks and commits what follows.
    fn tell<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let evaluated = self.evaluate(version, request);
        self.commit(&evaluated.records);
        decode_body(evaluated.response, version).expect("a good answer")
    }
}

#[test]
fn bodies_that_are_none_and_keys_of_others_are_errors() {
    use bytes::Bytes;
    use protocol::ApiKey;
    let cluster = Cluster::of(1);
    let context = RequestContext {
        settings: &cluster.settings,
        controller: CONTROLLER,
        via: None,
        seed: [3; 32],
    };
    let evaluate =
        |key, version, body| evaluate(&cluster.image, &context, key, version, body).err();
    let junk = Bytes::from_static(b"\x7f\xff\xff\xff");
    assert!(matches!(
        evaluate(ApiKey::CreateTopics, 7, junk.clone()),
        Some(Error::Malformed { .. })
    ));
    assert!(matches!(
        evaluate(ApiKey::CreateTopics, 99, junk.clone()),
        Some(Error::UnsupportedVersion { .. })
    ));
    assert_eq!(
        evaluate(ApiKey::Produce, 9, junk.clone()),
        Some(Error::NotAnAdminApi(ApiKey::Produce))
    );
    assert!(refuse(ApiKey::CreateTopics, 7, junk, ErrorCode::NotController).is_err());
}
