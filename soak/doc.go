// Package soak shows what only processes can show: that several portals on one
// database refresh a token once, that a kill at any moment loses nothing that
// was promised, that an outage logs nobody out, and that a restart is noticed
// by nobody. Real binaries, a real PostgreSQL, the sandbox in GoTo's place, and
// browsers without scripts.
//
// It is part of no product: the folder holds tests. `go test` runs a seeded
// sample of a few seconds each; `make soak` (SOAK=1) runs the full figures and
// prints a line for each. SOAK_SEED repeats the choices of an earlier run; how
// processes interleave is up to the machine.
package soak
