// Package gotomeeting is a typed client of GoTo's services: GoToMeeting's
// REST API (v1), the part of the Admin API that the portal needs, and SCIM's
// "me".
//
// It is the only room that knows GoTo's wire format, its quirks and its
// limits. It is lenient in what it reads and exact in what it sends. It keeps
// no tokens, caches nothing and decides nothing about meetings: it is told
// which token to use by a [TokenSource], and says what GoTo answered as plain
// values or as an [Error] that classifies what went wrong.
//
// Ids and keys are strings throughout, since GoTo's keys reach 19 digits and
// do not fit a float. Times are UTC.
package gotomeeting
