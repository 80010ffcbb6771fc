//! What came into a folder since it was last read.

use super::{Brief, Session, failure, uids, within};
use crate::options::MailboxOptions;
use crate::scan::{Mail, Words, judge};
use crate::store::{Hit, Mark};
use async_imap::types::Fetch;
use engine::FetchError;
use futures::TryStreamExt as _;
use model::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Messages asked for with one command.
const BATCH: usize = 50;
/// Bytes of the answer beside the messages, for each of them.
const OVERHEAD: u64 = 4 * 1024;
/// Bytes of an answer that is a list of numbers.
const LIST: u64 = 32 * 1024 * 1024;

pub(super) struct Reading<'a> {
    pub words: &'a Words,
    pub options: &'a MailboxOptions,
    pub until: Instant,
}

pub(super) struct Read {
    pub mark: Mark,
    pub scanned: u32,
    pub more: bool,
    pub hits: Vec<Hit>,
}

/// Which messages are to be read, and whether there are more behind them.
struct Span {
    uids: Vec<u32>,
    mark: Mark,
    more: bool,
}

impl Reading<'_> {
    pub(super) async fn read(&self, session: &mut Session, brief: &Brief) -> Result<Read, FetchError> {
        let span = within(self.options.step_timeout, "opening the folder", self.span(session, brief)).await?;
        let mut read = Read { mark: span.mark, scanned: 0, more: span.more, hits: Vec::new() };
        for (n, batch) in span.uids.chunks(BATCH).enumerate() {
            let done = if n > 0 && Instant::now() >= self.until {
                Err(FetchError::Transient("out of time".to_owned()))
            } else {
                within(self.options.step_timeout, "reading messages", self.batch(session, batch, &mut read)).await
            };
            match done {
                Ok(()) => read.mark.last_uid = batch.last().copied().unwrap_or(read.mark.last_uid),
                Err(e) if n == 0 => return Err(e),
                Err(e) => {
                    // What has been read counts; the rest is for the next scan, which says so if it cannot go on.
                    tracing::debug!(error = %e, read = read.scanned, "a scan stopped in the middle");
                    read.hits.retain(|h| h.uid <= read.mark.last_uid);
                    read.more = true;
                    return Ok(read);
                }
            }
        }
        // Messages that vanished while being read are behind us too.
        read.mark.last_uid = read.mark.last_uid.max(span.uids.last().copied().unwrap_or(0));
        Ok(read)
    }

    /// The messages since the mark; those at the end of the folder when there is no mark for its numbering.
    async fn span(&self, session: &mut Session, brief: &Brief) -> Result<Span, FetchError> {
        let folder = session.examine(&brief.folder).await;
        let folder = folder.map_err(|e| failure(&format!("folder {}", brief.folder), &e))?;
        let none = || FetchError::Malformed("the server gives no UIDVALIDITY".to_owned());
        let uidvalidity = folder.uid_validity.ok_or_else(none)?;
        let most = usize::try_from(self.options.max_messages.max(1)).unwrap_or(usize::MAX);
        session.get_mut().allow(LIST);
        if let Some(mark) = brief.mark.filter(|m| m.uidvalidity == uidvalidity) {
            let mut uids = Vec::new();
            if folder.uid_next.is_none_or(|next| next > mark.last_uid.saturating_add(1)) {
                let range = format!("UID {}:*", mark.last_uid.saturating_add(1));
                let found = session.uid_search(range).await.map_err(|e| failure("SEARCH", &e))?;
                // `*` is the last message, even if it is before the range.
                uids.extend(found.into_iter().filter(|uid| *uid > mark.last_uid));
                uids.sort_unstable();
            }
            let more = uids.len() > most;
            uids.truncate(most);
            return Ok(Span { uids, mark, more });
        }
        let mut uids: Vec<u32> = Vec::new();
        if folder.exists > 0 {
            let from = folder.exists.saturating_sub(self.options.max_messages.max(1) - 1).max(1);
            let newest = session.fetch(format!("{from}:*"), "(UID)").await.map_err(|e| failure("FETCH", &e))?;
            let newest: Vec<Fetch> = newest.try_collect().await.map_err(|e| failure("FETCH", &e))?;
            uids.extend(newest.iter().filter_map(|f| f.uid));
            uids.sort_unstable();
        }
        let before = uids.first().or(folder.uid_next.as_ref()).map_or(0, |uid| uid.saturating_sub(1));
        Ok(Span { uids, mark: Mark { uidvalidity, last_uid: before }, more: false })
    }

    async fn batch(&self, session: &mut Session, batch: &[u32], read: &mut Read) -> Result<(), FetchError> {
        let cap = self.options.max_message_bytes;
        let messages = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        session.get_mut().allow(messages.saturating_mul(u64::from(cap) + OVERHEAD).saturating_add(LIST / 32));
        let what = format!("(UID INTERNALDATE BODY.PEEK[]<0.{cap}>)");
        let stream = session.uid_fetch(uids::set(batch), what).await.map_err(|e| failure("FETCH", &e))?;
        let mut stream = std::pin::pin!(stream);
        while let Some(fetch) = stream.try_next().await.map_err(|e| failure("FETCH", &e))? {
            let (Some(uid), Some(raw)) = (fetch.uid, fetch.body()) else { continue };
            if !batch.contains(&uid) {
                continue;
            }
            read.scanned += 1;
            // A message that trips the parser must not keep the others from being read, for ever.
            let hit = catch_unwind(AssertUnwindSafe(|| self.hit(uid, raw, received(&fetch))));
            match hit {
                Ok(hit) => read.hits.extend(hit),
                Err(_) => tracing::warn!(uid, "a message could not be parsed; it is passed over"),
            }
        }
        Ok(())
    }

    fn hit(&self, uid: u32, raw: &[u8], received: Option<Timestamp>) -> Option<Hit> {
        let mail = Mail::read(raw)?;
        let finding = judge(&mail, self.words)?;
        Some(Hit {
            message_hash: mail.hash(),
            message_id: plain(&mail.message_id, 250),
            uid,
            received_at: received.or(mail.date.map(Timestamp)),
            sender: plain(&mail.sender, 250),
            subject: plain(&mail.subject, 500),
            service: plain(&finding.service, 64),
            amount: finding.amount.as_ref().map(|a| a.value),
            currency: finding.amount.map(|a| a.currency.to_owned()),
            words: finding.words,
        })
    }
}

fn received(fetch: &Fetch) -> Option<Timestamp> {
    fetch.internal_date().map(|d| Timestamp(d.timestamp_millis()))
}

/// A text without what databases and terminals choke on, cut to `most` characters.
fn plain(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect::<String>().trim().to_owned()
}
