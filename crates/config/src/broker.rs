//! Dynamic broker configs: which may change while the broker runs, and to what.

use crate::invalid::Invalid;
use crate::key::Scope;
use crate::table;

/// Checks the dynamic configs of one broker, or of all brokers (resource name `""`), together.
/// Names the table does not know are kept unchecked, as Kafka does: plugins own them.
///
/// # Errors
/// A key cannot change at run time, or not for all brokers, or the value is not one of its values.
pub fn check<'a>(
    for_all_brokers: bool,
    overrides: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), Invalid> {
    for (name, text) in overrides {
        let Some(key) = table::key(Scope::Broker, name) else {
            continue;
        };
        key.may_change(for_all_brokers)?;
        key.validate(text)?;
    }
    Ok(())
}
