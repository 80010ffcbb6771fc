//! How often the configuration was read again, and what came of it.

use api::SharedRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::sync::PoisonError;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Came {
    result: &'static str,
}

/// Told of every reload. Cheap to clone; the clones count together.
#[derive(Clone, Debug, Default)]
pub struct ConfigReloads(Family<Came, Counter>);

impl ConfigReloads {
    /// Makes and registers the counter, at zero.
    pub fn new(registry: &SharedRegistry) -> Self {
        let reloads = Self::default();
        for result in ["success", "refused"] {
            reloads.0.get_or_create(&Came { result }).inc_by(0);
        }
        reloads.register(&mut registry.lock().unwrap_or_else(PoisonError::into_inner));
        reloads
    }

    /// Registers the same counter in a further registry.
    pub fn register(&self, r: &mut Registry) {
        r.register("balance_alert_config_reload", "Reloads of the configuration", self.0.clone());
    }

    /// The new configuration is in force.
    pub fn accepted(&self) {
        self.0.get_or_create(&Came { result: "success" }).inc();
    }

    /// The new configuration was refused and the old one stays.
    pub fn refused(&self) {
        self.0.get_or_create(&Came { result: "refused" }).inc();
    }
}
