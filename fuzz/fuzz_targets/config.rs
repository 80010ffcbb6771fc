//! Whatever is in a configuration file, it is loaded or its problems are listed, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: String| {
    let files = vec![settings::SourceFile { name: "fuzz.yaml".to_owned(), text }];
    let _ = settings::load(&settings::Sources { files, ..settings::Sources::default() });
});
