//! Who is told of requests.

use std::time::Duration;

/// Told of every request, for metrics.
pub trait Observer: Send + Sync {
    /// A request ended: `outcome` is `ok` or [`FetchError::class`].
    fn request(&self, _outcome: &'static str, _elapsed: Duration) {}

    /// A request waited so long for its turn, or was turned away after it.
    fn waited(&self, _elapsed: Duration) {}

    /// From now on the browser asks, or plain requests do.
    fn browser_mode(&self, _on: bool) {}

    /// So many pages are open in the browser now.
    fn browser_pages(&self, _open: usize) {}
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
