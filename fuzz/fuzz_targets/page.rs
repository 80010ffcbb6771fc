//! Whatever an upstream answers, a search page is read or refused, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = market::fetch::wire::parse_page(body);
});
