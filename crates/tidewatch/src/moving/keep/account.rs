//! Projects become accounts.

use super::{Done, Fault, Place, there_already};
use accounts::draft::Stated;
use accounts::store::{Account, AccountPatch, add_account, find_account_by_name, update_account};
use model::TargetState;
use settings::Secret;
use store::Tx;

/// Adds an account, or changes what the file says otherwise. What the file does not say stays as people set it.
pub(super) async fn keep(tx: &mut Tx, stated: &Stated, place: &Place<'_>) -> Result<Done, Fault> {
    let name = stated.name.as_deref().unwrap_or_default();
    let Some(account) = find_account_by_name(tx, name).await? else {
        let draft = stated.draft(place.providers, place.keyring, place.accounts, "import")?;
        let id = add_account(tx, &draft, place.now).await?;
        place.audit(tx, "account.create", format!("account:{id}")).await?;
        return Ok(Done::Created(id));
    };
    if account.origin == "config" {
        return Ok(Done::Skipped("kept by the configuration (accounts.list)".into()));
    }
    if !place.upsert {
        return Ok(there_already());
    }
    let patch = patch(&account, stated, place)?;
    if patch == AccountPatch::default() {
        return Ok(Done::Unchanged(account.id));
    }
    update_account(tx, &account, &patch, place.now).await?;
    place.audit(tx, "account.update", format!("account:{}", account.id)).await?;
    Ok(Done::Updated(account.id))
}

/// What is otherwise. The parameters are not the file's: who changed them here meant it.
fn patch(account: &Account, stated: &Stated, place: &Place<'_>) -> Result<AccountPatch, Fault> {
    let opened = account.secret.as_deref().map(|sealed| place.keyring.open(sealed)).transpose();
    let before = Secret::new(opened.map_err(|e| Fault::Stated(e.to_string()))?.unwrap_or_default());
    let stated = Stated { params: None, ..stated.clone() };
    let known = (account.provider.as_str(), &before, &account.params);
    let mut patch = stated.patch(place.providers, place.keyring, known)?;
    fn unless<T: PartialEq>(new: &mut Option<T>, old: &T) {
        new.take_if(|new| new == old);
    }
    unless(&mut patch.name, &account.name);
    unless(&mut patch.group, &account.group);
    unless(&mut patch.thresholds, &account.thresholds);
    unless(&mut patch.interval, &account.interval);
    unless(&mut patch.state, &account.state);
    // Paused by hand stays paused.
    unless(&mut patch.state, &TargetState::Active);
    if stated.secret.is_some_and(|new| new.reveal().trim() == before.reveal()) {
        patch.secret = None;
    }
    Ok(patch)
}
