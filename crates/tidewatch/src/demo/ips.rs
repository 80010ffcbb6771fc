//! The IPs of a demo.

use settings::IpSettings;
use sim::Profile;
use sim::replay::Recording;

/// What the IPs of a simulated market are called in the configuration.
pub fn ips_of(profiles: &[Profile]) -> Vec<IpSettings> {
    let ip = |profile: &Profile| IpSettings {
        name_en: profile.name_en.clone(),
        name_cn: profile.name_cn.clone(),
        category: profile.category.clone(),
        tags: profile.tags.clone(),
        notes: "simulated data".to_owned(),
        ..named(&profile.name)
    };
    profiles.iter().map(ip).collect()
}

/// An IP for every keyword that was recorded, in order.
pub fn keywords(recordings: &[Recording]) -> Vec<IpSettings> {
    let mut ips: Vec<IpSettings> = Vec::new();
    for keyword in recordings.iter().map(|recording| recording.asked.keyword.trim()) {
        if !keyword.is_empty() && !ips.iter().any(|ip| ip.name == keyword) {
            ips.push(IpSettings { notes: "recorded pages".to_owned(), ..named(keyword) });
        }
    }
    ips
}

fn named(name: &str) -> IpSettings {
    IpSettings {
        name: name.to_owned(),
        name_en: String::new(),
        name_cn: String::new(),
        category: String::new(),
        tags: Vec::new(),
        image_url: String::new(),
        external_id: String::new(),
        notes: String::new(),
        weight: 1.0,
    }
}
