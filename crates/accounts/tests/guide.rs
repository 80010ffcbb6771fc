//! What the guide to providers shows must be so.

#![allow(clippy::unwrap_used, reason = "a guide that cannot be read must fail")]

use accounts::provider::Provider;
use std::path::Path;
use std::sync::Arc;

#[test]
fn the_provider_of_the_guide_is_one() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let example = guide.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let provider = Arc::new(Provider::parse("example.yaml", example).unwrap());
    assert_eq!((provider.name.as_str(), provider.samples.len()), ("example", 2));
    let faults: Vec<String> = provider.check_samples().iter().map(ToString::to_string).collect();
    assert_eq!(faults, Vec::<String>::new());
}
