//! "Did you mean": the known names nearest to one that is not.

const SUGGESTIONS_MAX: usize = 3;
const LIKENESS_MIN: f64 = 0.72;

/// Up to three names like the one typed, nearest first.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed_lower = typed.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .filter(|name| *name != typed)
        .map(|name| {
            (
                strsim::jaro_winkler(&typed_lower, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    // Beside a near miss, distant likenesses only confuse.
    let best = scored.first().map_or(0.0, |(likeness, _)| *likeness);
    let near = scored
        .into_iter()
        .take_while(|(likeness, _)| *likeness >= best - 0.08);
    near.map(|(_, name)| name).take(SUGGESTIONS_MAX).collect()
}

/// A sentence that names them, if there are any: `did you mean cities?`.
pub(crate) fn did_you_mean<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let names = nearest(typed, known);
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let keys = [
            "retention.ms",
            "retention.bytes",
            "segment.bytes",
            "cleanup.policy",
        ];
        assert_eq!(nearest("retension.ms", keys)[0], "retention.ms");
        assert_eq!(
            did_you_mean("Cities", ["cities", "orders"]).as_deref(),
            Some("did you mean cities?")
        );
    }

    #[test]
    fn nothing_near_is_suggested_for_nonsense() {
        assert_eq!(did_you_mean("zzzz", ["cities", "orders"]), None);
    }
}
