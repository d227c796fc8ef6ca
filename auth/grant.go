package auth

import "log/slog"

const (
	sessionTable = "sessions"
	feedTable    = "feeds"
	tokensColumn = "tokens"
)

// grant is a Grant with what opens its tokens, beside the master key.
type grant struct {
	Grant
	salt []byte // the secret of the session's cookie; none for a feed
}

func (t ticket) grant() grant { return grant{Grant{IDHash: t.hash}, t.secret[:]} }

// place is where a column of the row is sealed for.
func (g Grant) place(column string) place {
	if g.Feed {
		return place{feedTable, column, g.IDHash}
	}
	return place{sessionTable, column, g.IDHash}
}

// attr names the grant in the log.
func (g Grant) attr() slog.Attr {
	if g.Feed {
		return slog.String("feed", g.IDHash[:8])
	}
	return slog.String("session", g.IDHash[:8])
}
