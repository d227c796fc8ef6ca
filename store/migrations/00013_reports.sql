-- +goose Up

-- Reports that are being made, and what came of them. The result names people,
-- so it is sealed: it opens with the master key alone, and is empty until there
-- is one.
CREATE TABLE reports (
    id        TEXT   NOT NULL PRIMARY KEY,
    owner     TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    why       TEXT   NOT NULL,
    place     TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    beat      BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    request   TEXT   NOT NULL,
    progress  TEXT   NOT NULL,
    key_id    TEXT   NOT NULL,
    result    BYTEA  NOT NULL
);
-- Asked for twice, a report is made once.
CREATE UNIQUE INDEX reports_running ON reports (owner) WHERE state = 'running';
CREATE INDEX reports_by_owner ON reports (owner, created);
