package auth

// Vault seals what the portal has to open by itself, while no browser is there
// to bring its cookie: under the master key alone. What is sealed opens only
// with the table, column and row it was sealed for. Whoever keeps such rows
// seals them again at every start, or a key could never be dropped.
type Vault struct {
	sealer sealer
	table  string
}

// Vault returns the vault of a table.
func (a *Auth) Vault(table string) Vault { return Vault{a.sealer, table} }

// Seal seals plain with the first key, which keyID names.
func (v Vault) Seal(column, row string, plain []byte) (keyID string, sealed []byte, err error) {
	return v.sealer.seal(place{v.table, column, row}, nil, plain)
}

// Open opens what Seal sealed for this column and row. An error says that it
// was sealed for another place, was changed, or that its key is not here.
func (v Vault) Open(column, row, keyID string, sealed []byte) ([]byte, error) {
	return v.sealer.open(place{v.table, column, row}, nil, keyID, sealed)
}

// UserRef names the session's user among those of all accounts. A user whom
// GoTo does not name is told apart by the session.
func (s *Session) UserRef() string { return userRef(s.User(), s.ticket.hash) }
