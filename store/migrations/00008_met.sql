-- +goose Up

-- Whom each user has met, so that everybody's list of people is their own. What
-- these people are called stands in known_people.
CREATE TABLE met_people (
    account_key TEXT NOT NULL,
    viewer_key  TEXT NOT NULL,
    user_key    TEXT NOT NULL,
    PRIMARY KEY (account_key, viewer_key, user_key)
);
