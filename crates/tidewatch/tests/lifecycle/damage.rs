//! What is wrong with a backup is found before anything is written.

use super::fill::{NOW, filled, open, sqlite};
use aws_lc_rs::digest::{SHA256, digest};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use store::{Migration, Store};
use tidewatch::app::database::migrations;
use tidewatch::archive::{Archive, ArchiveError, Passphrase, write};

const HASH: usize = 32;

async fn backup(store: &Store, migrations: &[Migration], passphrase: Option<&Passphrase>) -> Vec<u8> {
    write(store, migrations, (Vec::new(), passphrase, None), NOW, &mut |_, _| {}).await.unwrap().0
}

fn opened(dir: &Path, bytes: &[u8], passphrase: Option<Passphrase>) -> Result<Archive, ArchiveError> {
    let file = dir.join("candidate");
    fs::write(&file, bytes).unwrap();
    Archive::open(&file, passphrase, &migrations(), &[])
}

fn passphrase(dir: &Path, text: &str) -> Passphrase {
    fs::write(dir.join("passphrase"), format!("{text}\n")).unwrap();
    Passphrase::read(&dir.join("passphrase")).unwrap()
}

/// With a checksum that is right again.
fn forged(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - HASH;
    let hash = digest(&SHA256, &bytes[..end]);
    bytes[end..].copy_from_slice(hash.as_ref());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_anywhere_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&sqlite(dir.path(), "t.db"), 3).await;
    let whole = backup(&store, &migrations(), None).await;
    assert!(opened(dir.path(), &whole, None).is_ok());
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let found = opened(dir.path(), &changed, None).err();
        assert!(
            matches!(found, Some(ArchiveError::Damaged(_) | ArchiveError::Foreign | ArchiveError::Newer(_))),
            "byte {at}: {found:?}"
        );
    }
    for length in (0..whole.len()).step_by(7) {
        assert!(opened(dir.path(), &whole[..length], None).is_err(), "cut at {length}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(opened(dir.path(), &longer, None).is_err());
    assert!(opened(dir.path(), &[whole.clone(), whole.clone()].concat(), None).is_err());
    assert!(opened(dir.path(), b"{}", None).is_err() && opened(dir.path(), b"", None).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_backup_opens_with_its_passphrase_only_and_cannot_be_forged() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&sqlite(dir.path(), "t.db"), 400).await;
    let right = || passphrase(dir.path(), "correct horse");
    let sealed = backup(&store, &migrations(), Some(&right())).await;
    let plain = backup(&store, &migrations(), None).await;
    assert!(!sealed.windows(6).any(|part| part == plain[plain.len() - 60..plain.len() - 54].to_vec()));
    let opened_right = opened(dir.path(), &sealed, Some(right())).unwrap();
    assert_eq!(opened_right.contents.digests, opened(dir.path(), &plain, None).unwrap().contents.digests);
    assert!(matches!(opened(dir.path(), &sealed, None), Err(ArchiveError::Sealed)));
    let wrong = passphrase(dir.path(), "wrong horse");
    assert!(matches!(opened(dir.path(), &sealed, Some(wrong)), Err(ArchiveError::Passphrase)));
    // Whoever cannot open it cannot change it either, even with a new checksum: a bit of a part, the header, the end.
    let head = sealed.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).unwrap().0 + 1;
    let first = u32::from_be_bytes(sealed[head..head + 4].try_into().unwrap()) as usize;
    assert!(head + 4 + first + 4 + HASH < sealed.len(), "there are several parts");
    for at in [head + 4, head + 200, sealed.len() - HASH - 5] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(opened(dir.path(), &forged(changed), Some(right())).is_err(), "byte {at}");
    }
    let mut cut = sealed[..head + 4 + first].to_vec();
    cut.extend([0; 4]);
    cut.extend([0; HASH]);
    assert!(matches!(opened(dir.path(), &forged(cut), Some(right())), Err(ArchiveError::Passphrase)));
    let at = sealed.windows(9).position(|part| part == b"\"made_at\"").unwrap() + 11;
    let mut dated = sealed.clone();
    dated[at] = if dated[at] == b'2' { b'3' } else { b'2' };
    assert!(matches!(opened(dir.path(), &forged(dated), Some(right())), Err(ArchiveError::Passphrase)));
}

/// A backup of these unpacked lines, with a header as `of` has it.
fn packed(of: &[u8], lines: &[u8]) -> Vec<u8> {
    let head = of.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).unwrap().0 + 1;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(lines).unwrap();
    let mut bytes = of[..head].to_vec();
    for part in gzip.finish().unwrap().chunks(256 << 10) {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part);
    }
    bytes.extend([0; 4 + HASH]);
    forged(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_that_unpacks_to_a_huge_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&sqlite(dir.path(), "t.db")).await;
    store.migrate(&migrations(), NOW).await.unwrap();
    let plain = backup(&store, &migrations(), None).await;
    let mut lines = b"{\"table\":\"meta\"}\n[\"a\",\"".to_vec();
    lines.resize(lines.len() + (80 << 20), b'x');
    let bomb = packed(&plain, &lines);
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    assert!(matches!(opened(dir.path(), &bomb, None), Err(ArchiveError::Wrong(_))));
    let mut lines = b"{\"table\":\"meta\"}\n".to_vec();
    for i in 0..400 {
        lines.extend(format!("[\"{i}\",\"").bytes());
        lines.resize(lines.len() + (1 << 20), b'x');
        lines.extend(b"\"]\n");
    }
    let found = opened(dir.path(), &packed(&plain, &lines), None).err();
    assert!(matches!(&found, Some(ArchiveError::Wrong(why)) if why.contains("more than a file")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_tables_that_do_not_belong_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&sqlite(dir.path(), "t.db")).await;
    store.migrate(&migrations(), NOW).await.unwrap();
    let plain = backup(&store, &migrations(), None).await;
    for lines in [
        "{\"table\":\"sqlite_master\"}\n",
        "{\"table\":\"../../etc/passwd\"}\n",
        "[\"a\",\"b\"]\n",
        "{\"table\":\"meta\"}\n[\"a\"]\n",
        "{\"table\":\"meta\"}\n[1,\"b\"]\n",
        "{\"table\":\"meta\"}\n[null,\"b\"]\n",
        "{\"end\":0}\n",
        "{\"drop\":\"meta\"}\n",
        "",
    ] {
        assert!(opened(dir.path(), &packed(&plain, lines.as_bytes()), None).is_err(), "{lines}");
    }
    let name = b"[\"source_id\",\"text\"]";
    let at = plain.windows(name.len()).position(|part| part == name).unwrap();
    let mut renamed = plain.clone();
    renamed[at + 2] = b'S';
    assert!(matches!(opened(dir.path(), &forged(renamed), None), Err(ArchiveError::Wrong(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_newer_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&sqlite(dir.path(), "t.db")).await;
    let sql = "CREATE TABLE IF NOT EXISTS future (id @ID@) @TABLE@";
    let newer = [migrations(), vec![Migration { name: "future/001-first", sql }]].concat();
    store.migrate(&newer, NOW).await.unwrap();
    let bytes = backup(&store, &newer, None).await;
    let found = opened(dir.path(), &bytes, None).err();
    assert!(matches!(&found, Some(ArchiveError::Newer(what)) if what.contains("future/001-first")), "{found:?}");
}
