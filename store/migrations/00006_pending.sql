-- +goose Up

-- Deletes that wait, so that they can be undone, and what became of them. Both
-- sealed columns open with the master key alone; the token is empty once it is
-- used or of no more use.
CREATE TABLE pending (
    id          TEXT   NOT NULL PRIMARY KEY,
    owner       TEXT   NOT NULL,
    account_key TEXT   NOT NULL,
    meeting_id  TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    place       TEXT   NOT NULL,
    due         BIGINT NOT NULL,
    lapses      BIGINT NOT NULL,
    tried       BIGINT NOT NULL,
    told        BIGINT NOT NULL,
    key_id      TEXT   NOT NULL,
    details     BYTEA  NOT NULL,
    token       BYTEA  NOT NULL
);
-- Asked twice, a meeting is deleted once.
CREATE UNIQUE INDEX pending_open ON pending (owner, meeting_id) WHERE state IN ('held', 'sending', 'unresolved');
CREATE INDEX pending_by_state ON pending (state);
CREATE INDEX pending_by_owner ON pending (owner, told);
