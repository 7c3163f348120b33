//! Bytes of every message in every version, made from the schema table alone.
//!
//! This is a second, independent reading of the schema: it interprets the table at run time and
//! knows nothing of the generated code, so that a mistake in the generator shows.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]

pub(crate) mod hostile;
mod random;
mod schema;
mod values;

use protocol::{ApiKey, Message, for_each_api};

pub(crate) use random::Random;
pub(crate) use schema::message;
pub(crate) use values::{Style, encode};

/// Something to be checked of every request and response.
pub(crate) trait Check {
    /// `name` is the schema's.
    fn check<M: Message>(&mut self, name: &'static str, key: ApiKey, version: i16);
}

/// Checks every message in every version.
pub(crate) fn check_each(check: &mut impl Check) {
    check_requests(check);
    check_responses(check);
}

macro_rules! visits {
    ($(($key:ident, $module:ident, $request:ident, $response:ident))*) => {
        pub(crate) fn check_requests(check: &mut impl Check) {
            $(for version in ApiKey::$key.versions() {
                type M = protocol::messages::$module::$request;
                check.check::<M>(stringify!($request), ApiKey::$key, version);
            })*
        }

        pub(crate) fn check_responses(check: &mut impl Check) {
            $(for version in ApiKey::$key.versions() {
                type M = protocol::messages::$module::$response;
                check.check::<M>(stringify!($response), ApiKey::$key, version);
            })*
        }
    };
}

for_each_api!(visits);
