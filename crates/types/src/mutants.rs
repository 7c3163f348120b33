//! Deliberate mistakes in pure code, for the simulator to find.

/// Declares the `Mutant`s of a crate: mistakes, one at a time, that a test switches on. A check that nobody
/// can fail proves nothing. Without the crate's feature `mutants` every question is constantly `false`.
///
/// Makes `Mutant` with `Mutant::ALL`, `is(mutant)` for the crate, and under the feature `set(Option<Mutant>)`,
/// which holds for the calling thread.
#[macro_export]
macro_rules! mutants {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// A mistake that loses or corrupts data sooner or later.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutant {
            $($(#[$doc])* $variant,)*
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        #[cfg(feature = "mutants")]
        mod switch {
            use std::cell::Cell;

            use super::Mutant;

            thread_local! {
                static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
            }

            /// Makes this thread commit the mistake from now on; `None` ends it.
            pub fn set(mutant: Option<Mutant>) {
                ACTIVE.set(mutant);
            }

            pub(crate) fn is(mutant: Mutant) -> bool {
                ACTIVE.get() == Some(mutant)
            }
        }

        #[cfg(feature = "mutants")]
        pub(crate) use switch::is;
        #[cfg(feature = "mutants")]
        pub use switch::set;

        #[cfg(not(feature = "mutants"))]
        pub(crate) const fn is(_mutant: Mutant) -> bool {
            false
        }
    };
}
