-- +goose Up
-- Who did what to which meeting. Rows are added, and nothing changes or deletes
-- them. The entry begins with its time in nanoseconds, so that its order is
-- the order of time; search holds all that can be looked for, in lower case,
-- since the engines do not agree on what lower case is.
CREATE TABLE audit (
    entry       TEXT   NOT NULL PRIMARY KEY,
    account_key TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    user_key    TEXT   NOT NULL,
    user_name   TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    meeting_id  TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,
    request_id  TEXT   NOT NULL,
    search      TEXT   NOT NULL
);
CREATE INDEX audit_by_account ON audit (account_key, entry);
