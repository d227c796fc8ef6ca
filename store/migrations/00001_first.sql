-- One text for both engines: BYTEA and BIGINT are PostgreSQL's names, and
-- SQLite stores a blob or an integer under either. Times are milliseconds
-- since 1970 in UTC. A migration that was released never changes; the next
-- one goes forward.

-- +goose Up

-- Browser sessions. Both sealed columns open with the browser's cookie alone.
CREATE TABLE sessions (
    id_hash           TEXT   NOT NULL PRIMARY KEY,
    user_ref          TEXT   NOT NULL,
    created           BIGINT NOT NULL,
    last_seen         BIGINT NOT NULL,
    idle_deadline     BIGINT NOT NULL,
    absolute_deadline BIGINT NOT NULL,
    version           BIGINT NOT NULL,
    key_id            TEXT   NOT NULL,
    sealed            BYTEA  NOT NULL,
    tokens_version    BIGINT NOT NULL,
    tokens_key_id     TEXT   NOT NULL,
    tokens_sealed     BYTEA  NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_ref);
CREATE INDEX sessions_by_idle_deadline ON sessions (idle_deadline);

-- Connect flows under way.
CREATE TABLE flows (
    state_hash   TEXT   NOT NULL PRIMARY KEY,
    browser_hash TEXT   NOT NULL,
    expires      BIGINT NOT NULL,
    key_id       TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL
);
CREATE INDEX flows_by_browser ON flows (browser_hash);
CREATE INDEX flows_by_expiry ON flows (expires);

-- Single values by name.
CREATE TABLE meta (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- What GoTo will not say again about a meeting.
CREATE TABLE remembered_meetings (
    account_key TEXT NOT NULL,
    meeting_id  TEXT NOT NULL,
    audio       TEXT NOT NULL,
    audio_text  TEXT NOT NULL,
    join_url    TEXT NOT NULL,
    PRIMARY KEY (account_key, meeting_id)
);

-- The address book of each account.
CREATE TABLE known_people (
    account_key TEXT   NOT NULL,
    user_key    TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    email       TEXT   NOT NULL,
    given       BIGINT NOT NULL,
    PRIMARY KEY (account_key, user_key)
);
