//! The accounts that the configuration keeps.

use crate::draft::Stated;
use crate::options::AccountOptions;
use crate::provider::Catalog;
use crate::store::{Account, AccountPatch, add_account, adopt, find_account_by_name, kept_accounts, update_account};
use model::{TargetState, Timestamp};
use settings::Secret;
use store::{Keyring, Store, StoreError, Tx};

/// What keeping came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Accounts that were not there.
    pub added: usize,
    /// Accounts that said otherwise.
    pub changed: usize,
    /// Accounts that the configuration no longer names: they stay, and can be removed by hand.
    pub released: Vec<String>,
}

/// Why an account cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The account will not do.
    #[error("accounts.list: {name}: {fault}")]
    Stated {
        /// Its name.
        name: String,
        /// What is wrong and how to mend it.
        fault: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds the accounts that are missing and changes what is stated otherwise; what is not stated stays as people set it.
/// All of them or none.
pub async fn keep(
    store: &Store,
    stated: &[Stated],
    (providers, keyring, options): (&Catalog, &Keyring, &AccountOptions),
    now: Timestamp,
) -> Result<Kept, KeepError> {
    let mut kept = Kept::default();
    let mut tx = store.begin().await?;
    let mut named = Vec::new();
    for one in stated {
        let name = one.name.clone().unwrap_or_default();
        let fault = |fault: String| KeepError::Stated { name: name.clone(), fault };
        match find_account_by_name(&mut tx, &name).await? {
            None => {
                let draft = one.draft(providers, keyring, options, "config").map_err(fault)?;
                named.push(add_account(&mut tx, &draft, now).await.map_err(|e| taken(&name, e))?);
                kept.added += 1;
            }
            Some(account) => {
                let changed = change(&mut tx, &account, one, (providers, keyring), now).await?;
                kept.changed += usize::from(changed);
                named.push(account.id);
            }
        }
    }
    for (id, name) in kept_accounts(&mut tx).await? {
        if !named.contains(&id) {
            adopt(&mut tx, id, "ui").await?;
            kept.released.push(name);
        }
    }
    tx.commit().await?;
    Ok(kept)
}

fn taken(name: &str, e: StoreError) -> KeepError {
    match e {
        StoreError::Conflict(_) => {
            KeepError::Stated { name: name.to_owned(), fault: "another account has its secret".into() }
        }
        e => e.into(),
    }
}

async fn change(
    tx: &mut Tx,
    account: &Account,
    stated: &Stated,
    (providers, keyring): (&Catalog, &Keyring),
    now: Timestamp,
) -> Result<bool, KeepError> {
    let fault = |fault: String| KeepError::Stated { name: account.name.clone(), fault };
    let opened = account.secret.as_deref().map(|sealed| keyring.open(sealed)).transpose();
    let secret = Secret::new(opened.map_err(|e| fault(e.to_string()))?.unwrap_or_default());
    let known = (account.provider.as_str(), &secret, &account.params);
    let mut patch = stated.patch(providers, keyring, known).map_err(fault)?;
    drop_same(&mut patch, account, stated, &secret);
    if account.origin != "config" {
        adopt(tx, account.id, "config").await?;
    }
    if patch == AccountPatch::default() {
        return Ok(false);
    }
    update_account(tx, account, &patch, now).await.map_err(|e| taken(&account.name, e))?;
    Ok(true)
}

/// Takes out of the patch what is so already.
fn drop_same(patch: &mut AccountPatch, account: &Account, stated: &Stated, secret: &Secret) {
    fn unless<T: PartialEq>(new: &mut Option<T>, old: &T) {
        if new.as_ref() == Some(old) {
            *new = None;
        }
    }
    unless(&mut patch.name, &account.name);
    unless(&mut patch.group, &account.group);
    unless(&mut patch.tags, &account.tags);
    unless(&mut patch.params, &account.params);
    unless(&mut patch.thresholds, &account.thresholds);
    unless(&mut patch.interval, &account.interval);
    // Paused by hand stays paused.
    if patch.state == Some(TargetState::Active) {
        patch.state = None;
    }
    unless(&mut patch.state, &account.state);
    if stated.secret.as_ref().is_some_and(|new| new.reveal().trim() == secret.reveal()) {
        patch.secret = None;
    }
}
