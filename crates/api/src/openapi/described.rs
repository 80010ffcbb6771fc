//! Functions whose types say what they take and answer.

use super::{Answers, Sketch, Takes};
use std::future::Future;

/// A handler whose parameters and answer can be read off its type `D`, the tuple of its parameters.
pub trait Described<D> {
    /// Writes them down.
    fn describe(sketch: &mut Sketch<'_>);
}

macro_rules! described {
    ($($taken:ident),*) => {
        impl<F, Fut, $($taken,)*> Described<($($taken,)*)> for F
        where
            F: FnOnce($($taken),*) -> Fut,
            Fut: Future<Output: Answers>,
            $($taken: Takes,)*
        {
            fn describe(sketch: &mut Sketch<'_>) {
                $($taken::describe(sketch);)*
                <Fut::Output as Answers>::describe(sketch);
            }
        }
    };
}

described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);
described!(A, B, C, D, E, G);
