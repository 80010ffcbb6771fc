//! What is done to a run.

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to one that schedules and records.
    KillServe,
    /// SIGKILL to two that crawl.
    KillWorkers,
    /// Redis forgets everything.
    FlushRedis,
    /// Redis is killed and is back, empty, after three seconds.
    KillRedis,
    /// SIGKILL to the database, which is back after three seconds.
    KillDatabase,
    /// One that crawls hangs for ten seconds (SIGSTOP), then goes on with what it held.
    HangWorker,
    /// SIGKILL to all that schedule and record.
    KillAllServes,
    /// One that schedules and two that crawl reach neither database nor Redis for ten seconds; what was under way is lost.
    CutSome,
    /// Nobody reaches database or Redis for five seconds; what was under way is lost.
    CutAll,
    /// The disk of the database is full, until five seconds after it first refused a write.
    FillDisk,
    /// The clock of one that crawls is an hour ahead for five seconds, then as much behind.
    JumpWorkerClock,
    /// The clock of one that schedules is ten minutes ahead for five seconds, then as much behind.
    JumpServeClock,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 12] = [
        Self::KillServe,
        Self::KillWorkers,
        Self::FlushRedis,
        Self::KillRedis,
        Self::KillDatabase,
        Self::HangWorker,
        Self::CutSome,
        Self::CutAll,
        Self::FillDisk,
        Self::JumpWorkerClock,
        Self::JumpServeClock,
        Self::KillAllServes,
    ];

    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillServe => "kill one serve",
            Self::KillWorkers => "kill two workers",
            Self::FlushRedis => "flush Redis",
            Self::KillRedis => "kill Redis, back after 3 s",
            Self::KillDatabase => "kill MariaDB, back after 3 s",
            Self::HangWorker => "hang one worker for 10 s",
            Self::KillAllServes => "kill every serve",
            Self::CutSome => "cut off 1 serve, 2 workers, 10 s",
            Self::CutAll => "cut off everybody, 5 s",
            Self::FillDisk => "database's disk full, 5 s of it",
            Self::JumpWorkerClock => "clock of a worker +-1 h, 10 s",
            Self::JumpServeClock => "clock of a serve +-10 min, 10 s",
        }
    }
}
