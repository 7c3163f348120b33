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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dynamic_keys_change_and_some_only_for_one_broker() {
        let refusal = |for_all, name, text| {
            check(for_all, [(name, text)]).map_err(|invalid| invalid.to_string())
        };
        assert_eq!(refusal(true, "log.retention.ms", "5"), Ok(()));
        assert_eq!(refusal(false, "no.such.key", "5"), Ok(()));
        let cases = [
            (
                false,
                "process.roles",
                "Cannot update these configs dynamically: [process.roles]",
            ),
            (
                false,
                "ssl.keystore.password",
                "These security configs can be dynamically updated only per-listener using the \
                 listener prefix: [ssl.keystore.password]",
            ),
        ];
        for (for_all, name, message) in cases {
            assert_eq!(refusal(for_all, name, "x"), Err(message.to_owned()));
        }
    }
}
