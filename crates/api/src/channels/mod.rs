//! Channels and what was sent to them, over HTTP; never public. Secrets go in and do not come out again.

mod deliveries;
mod manage;
mod shapes;
mod trial;

use crate::{Admin, ApiError, Auth, Routes, Who};
use engine::Engine;
use model::Timestamp;
use notify::{ChannelDraft, ChannelRow, Deliverer, NotifyError};
use std::sync::Arc;
use store::{AuditEntry, Store, StoreError, Tx};

/// What the handlers of channels share. Cheap to clone.
#[derive(Clone)]
pub struct ChannelsState {
    /// The database.
    pub store: Store,
    /// The clock.
    pub engine: Arc<Engine>,
    /// Who may do what.
    pub auth: Auth,
    /// Who sends: a test takes the very path of a real send.
    pub deliverer: Arc<Deliverer>,
}

/// The state with what only the handlers keep.
#[derive(Clone)]
struct Shared {
    state: ChannelsState,
    pace: Arc<trial::Pace>,
}

impl std::ops::Deref for Shared {
    type Target = ChannelsState;

    fn deref(&self) -> &ChannelsState {
        &self.state
    }
}

/// Keeps and tries channels, shows and repeats deliveries.
pub fn router(state: ChannelsState) -> Routes {
    let routes = Routes::new(&state.auth)
        .get("/channels", Who::Viewer, "Where messages go.", manage::list)
        .post("/channels", Who::Admin, "Adds a channel.", manage::create)
        .get("/channels/kinds", Who::Viewer, "The kinds of channels and what each wants to know.", manage::kinds)
        .post("/channels/test", Who::Admin, "Sends a test message as a draft says.", trial::draft)
        .get("/channels/{id}", Who::Viewer, "One channel, without its secrets.", manage::one)
        .put("/channels/{id}", Who::Admin, "Changes a channel; secrets left out stay.", manage::update)
        .delete("/channels/{id}", Who::Admin, "Removes a channel and drops what waits for it.", manage::delete)
        .post("/channels/{id}/test", Who::Admin, "Sends a test message by the path of a real one.", trial::saved)
        .get("/channels/{id}/deliveries", Who::Viewer, "What was sent to a channel.", deliveries::of_channel)
        .get("/deliveries", Who::Viewer, "What was sent, what waits and what was given up.", deliveries::list)
        .post("/deliveries/resend", Who::Admin, "Sends what was given up again, by filter.", deliveries::resend_all)
        .post("/deliveries/{id}/resend", Who::Admin, "Sends one that was given up again.", deliveries::resend);
    Routes::new(&state.auth).nest("/api/v1", routes).with_state(Shared { state, pace: Arc::default() })
}

impl ChannelsState {
    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// The channel, or 404.
    async fn channel(&self, id: i64) -> Result<ChannelRow, ApiError> {
        let row = notify::get_channel(&self.store, id).await?;
        row.ok_or_else(|| ApiError::not_found(format!("channel {id}")))
    }

    /// Writes in the transaction of a change who made it.
    async fn audit(&self, tx: &mut Tx, admin: Admin, action: &str, subject: String) -> Result<(), ApiError> {
        let entry = AuditEntry { at: self.now(), actor: admin.name.to_owned(), action: action.to_owned(), subject };
        Ok(store::audit(tx, &entry).await?)
    }
}

/// What a person is told when a draft cannot be used; what was secret in it is not repeated.
fn refused(error: NotifyError, draft: &ChannelDraft) -> ApiError {
    match error {
        NotifyError::Config(why) => ApiError::bad_request(notify::redacted(&why.0, draft)),
        NotifyError::Seal(_) => ApiError::conflict("its configuration cannot be unsealed: give the whole of it anew"),
        NotifyError::Store(StoreError::Conflict(_)) => ApiError::conflict("a channel of this name is there already"),
        NotifyError::Store(error) => error.into(),
    }
}
