-- +goose Up

-- How often the user changed something at GoTo: part of the keys of what is
-- cached, so that no replica shows a list older than one's own change.
ALTER TABLE sessions ADD COLUMN writes BIGINT NOT NULL DEFAULT 0;

-- A coarse name such as "Firefox on Windows", for the list of one's sessions.
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';

-- Who refreshes a session's tokens just now. Expiry is by the database's clock.
CREATE TABLE refresh_leases (
    id_hash TEXT   NOT NULL PRIMARY KEY REFERENCES sessions (id_hash) ON DELETE CASCADE,
    holder  TEXT   NOT NULL,
    fence   BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX refresh_leases_by_expiry ON refresh_leases (expires);
