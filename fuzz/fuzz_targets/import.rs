//! Whatever is in an import file, its entries are read or refused one by one, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = market::import::parse_json(bytes);
    let _ = market::import::parse_csv(bytes);
});
