-- +goose Up

-- What was asked of GoTo, written before it was asked, so that no meeting is
-- made twice. The key names one form with one content.
CREATE TABLE creates (
    intent_key TEXT   NOT NULL PRIMARY KEY,
    begun      BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    meeting_id TEXT   NOT NULL
);
CREATE INDEX creates_by_begin ON creates (begun);
