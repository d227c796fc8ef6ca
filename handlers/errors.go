package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/reports"
)

// Refusals of the portal itself.
var (
	errCrossOrigin    = &refusal{http.StatusForbidden, "This came from another site", "For your safety the portal only accepts what you send from its own pages. Open the page here and try again; nothing was changed.", "", ""}
	errNotAForm       = &refusal{http.StatusUnsupportedMediaType, "This is not a form", "The portal reads what its own forms send. Open the page here and try again; nothing was changed.", "", ""}
	errUnreadableForm = &refusal{http.StatusBadRequest, "This form cannot be read", "Go back to the page you came from and try again; nothing was changed.", "", ""}
	errNoMeeting      = &refusal{http.StatusNotFound, "No such meeting", "This is no meeting ID: it is a number such as 123-456-789, with or without the dashes. Check it, or look for the meeting in your list.", "Upcoming meetings", "/meetings"}
	errAdminsOnly     = &refusal{http.StatusForbidden, "Only for account admins", "GoTo shows other people's meetings and the account's users to admins only. Ask an admin of your account, or look at your own meetings.", "Your meetings", "/meetings"}
	errStoreDown      = &refusal{http.StatusServiceUnavailable, "The portal cannot reach its own data", "Nothing is lost, and you stay signed in. Try again in a moment.", "", ""}
)

// refusal is an error that already knows its page: status, heading, what
// happened and what to do, and where to go next.
type refusal struct {
	status    int
	title     string
	text      string
	next, url string // a link's label and path; "" leaves the default
}

func (r *refusal) Error() string { return r.title }

// noSession asks for the start page: the request needs a signed-in user.
type noSession struct{}

func (noSession) Error() string { return "no session" }

// signInFault is why a sign-in came to nothing, and where it would have led.
type signInFault struct {
	err  error
	back string
}

func (f *signInFault) Error() string { return "sign in: " + f.err.Error() }
func (f *signInFault) Unwrap() error { return f.err }

// retell tells it to somebody who is not signed in.
func (f *signInFault) retell(told refusal) refusal {
	if told.status >= http.StatusInternalServerError {
		told.text = "You are not signed in yet. Try again in a moment; if it stays, tell whoever runs the portal the number below."
		told.next, told.url = "Connect GoTo", "/auth/connect"
	}
	if told.url == "/auth/connect" && safeReturn(f.back) != "" {
		told.url += "?return=" + queryEscape(f.back)
	}
	return told
}

// explain turns any error into what the user is told. cause tells whether the
// log should keep err as an error rather than as the user's affair.
func explain(err error, r *http.Request) (told refusal, retryAfter time.Duration, cause bool) {
	reconnect := "/auth/connect?return=" + queryEscape(auth.SafeReturn(here(r)))
	if fault, ok := errors.AsType[*signInFault](err); ok {
		told, retryAfter, cause = explain(fault.err, r)
		return fault.retell(told), retryAfter, cause
	}
	if fault, ok := errors.AsType[*feedFault](err); ok {
		told, retryAfter, cause = explain(fault.err, r)
		return fault.retell(told), retryAfter, cause
	}
	if known, ok := errors.AsType[*refusal](err); ok {
		told = *known
		if told.status == http.StatusServiceUnavailable {
			return told, 5 * time.Second, true
		}
		return told, 0, false
	}
	if limit, ok := errors.AsType[*tooMany](err); ok {
		return refusal{http.StatusTooManyRequests, "That was too much at once", "The portal takes a pause before it answers more of this. Nothing is lost: wait " + seconds(limit.wait) + ", then try again.", "", ""}, limit.wait, false
	}
	if refused, ok := errors.AsType[*auth.NotAdmittedError](err); ok {
		text := "This portal belongs to another GoTo account. Connect with an account of this organization (GoTo may sign you in again by itself: then sign out there first), or ask whoever runs the portal to admit yours (setting ALLOWED_ACCOUNTS)."
		if refused.MissingScope != "" {
			text = "GoTo did not say which account you belong to, so the portal cannot tell whether you may come in. Whoever runs the portal can add the scope identity: to its OAuth client at GoTo; then connect again."
		}
		told := refusal{http.StatusForbidden, "Your GoTo account is not admitted here", text, "Connect with another account", "/auth/connect"}
		if refused.MissingScope != "" {
			told.next, told.url = "Back to the start page", "/"
		}
		return told, 0, false
	}
	if unsure, ok := errors.AsType[*meetings.UnsureError](err); ok {
		told := refusal{http.StatusBadGateway, "It is not certain that the meeting was made", "", "Upcoming meetings", "/meetings"}
		switch {
		case unsure.Alike > 0:
			told.text = "GoTo's answer was lost, and your upcoming meetings hold " + strconv.Itoa(unsure.Alike) + " that might be it. Look there first; sending the form again makes another one."
		case !unsure.Listed:
			told.text = "GoTo's answer was lost, and your upcoming meetings cannot be read just now. Send the form again in a moment: the portal looks there first, so that the meeting is not made twice."
		default:
			told.text = "GoTo's answer was lost, and the meeting is not among your upcoming ones. Look there before you send the form again, so that it is not made twice."
		}
		if fault, ok := errors.AsType[*meetings.Fault](unsure.Err); ok {
			kept, after, _ := explainFault(fault, "")
			told.status, retryAfter = kept.status, after
		}
		return told, retryAfter, true
	}
	if going, ok := errors.AsType[*meetings.GoingError](err); ok {
		told := refusal{http.StatusConflict, "This meeting is being deleted", "“" + pendingName(going.Pending) + "” is deleted soon. Undo that first, above; then you can start it or change it.", "The meeting", "/meetings/" + going.Pending.MeetingID}
		if going.Pending.State == meetings.PendingSending {
			told.text = "GoTo is being asked to delete “" + pendingName(going.Pending) + "” at this moment, so it cannot be started or changed."
		}
		return told, 0, false
	}
	if errors.Is(err, meetings.ErrNoPending) {
		return *errNoPending, 0, false
	}
	if errors.Is(err, reports.ErrNoReport) {
		return *errNoReport, 0, false
	}
	if errors.Is(err, reports.ErrStopping) {
		return refusal{http.StatusServiceUnavailable, "The portal is about to restart", "It takes no new report just now. Nothing is lost: send the form again in a moment.", "Reports", "/reports"}, 10 * time.Second, false
	}
	if errors.Is(err, meetings.ErrNoAlias) {
		return *errNoAlias, 0, false
	}
	if errors.Is(err, meetings.ErrStillAsking) {
		return refusal{http.StatusServiceUnavailable, "GoTo is still being asked", "The same form was sent a moment ago and GoTo has not answered yet. Send it again in a moment: the meeting is made once.", "Upcoming meetings", "/meetings"}, 5 * time.Second, false
	}
	if fault, ok := errors.AsType[*meetings.Fault](err); ok {
		return explainFault(fault, reconnect)
	}
	switch {
	case errors.Is(err, meetings.ErrAdminsOnly):
		return *errAdminsOnly, 0, false
	case errors.Is(err, meetings.ErrNotOrganizer):
		return *errNotYours, 0, false
	case errors.Is(err, auth.ErrDenied):
		return refusal{http.StatusForbidden, "You did not allow the connection", "You pressed Deny at GoTo, so the portal is not connected. Nothing was stored. Connect again whenever you like.", "Connect GoTo", "/auth/connect"}, 0, false
	case errors.Is(err, auth.ErrOtherUser):
		return refusal{http.StatusForbidden, "The feed was not connected", "At GoTo it was allowed by another user than the one who asked for it here, or that one is signed out by now. The permission is given back. Sign in here, choose the same user at GoTo (sign out there first if it chooses by itself), and try again.", "Settings", "/settings"}, 0, false
	case errors.Is(err, auth.ErrState):
		return refusal{http.StatusBadRequest, "This sign-in cannot be finished", "The sign-in was too old, was already used, or was not started in this browser. Start again; it takes a few seconds.", "Connect GoTo", "/auth/connect"}, 0, false
	case errors.Is(err, auth.ErrRefused):
		return refusal{http.StatusBadRequest, "GoTo did not accept this sign-in", "The code that GoTo handed out is no longer good. Start again; it takes a few seconds.", "Connect GoTo", "/auth/connect"}, 0, false
	case errors.Is(err, auth.ErrClient):
		return refusal{http.StatusBadGateway, "GoTo does not know this portal", "GoTo refuses the portal's client id and secret. Whoever runs the portal has to check them; you stay signed in.", "Back to the start page", "/"}, 0, true
	case errors.Is(err, auth.ErrUnavailable):
		return refusal{http.StatusServiceUnavailable, "GoTo's sign-in service does not answer", "You stay signed in, and nothing is lost. Try again in a moment.", "", ""}, 10 * time.Second, true
	case errors.Is(err, auth.ErrStore), errors.Is(err, meetings.ErrForgotten), errors.Is(err, meetings.ErrMemory):
		return *errStoreDown, 5 * time.Second, true
	case errors.Is(err, context.DeadlineExceeded):
		return refusal{http.StatusGatewayTimeout, "GoTo is too slow just now", "The portal waited as long as it could. Nothing is lost; try again in a moment.", "", ""}, 0, true
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return explainHTTP(he.Code), 0, he.Code >= 500
	}
	return refusal{http.StatusInternalServerError, "Something went wrong here", "This is the portal's fault, not yours. Try again; if it stays, tell whoever runs the portal the number below.", "", ""}, 0, true
}

func explainFault(f *meetings.Fault, reconnect string) (told refusal, retryAfter time.Duration, cause bool) {
	switch f.Kind {
	case meetings.NotFound:
		return refusal{http.StatusNotFound, "GoTo knows no such meeting", "It may have been deleted, or it belongs to somebody else: GoTo shows a meeting to its organizer and co-organizers only.", "Upcoming meetings", "/meetings"}, 0, false
	case meetings.MissingScope:
		return refusal{http.StatusForbidden, "The portal lacks a permission at GoTo", "GoTo wants the scope identity: for this. Whoever runs the portal can add it to the OAuth client in GoTo's developer portal; then connect again.", "Reconnect GoTo", reconnect}, 0, false
	case meetings.Forbidden:
		return refusal{http.StatusForbidden, "GoTo does not allow this", "GoTo shows a meeting's people to its organizer and to account admins only. Ask an admin of your account, or the meeting's organizer.", "Upcoming meetings", "/meetings"}, 0, false
	case meetings.InvalidToken:
		return refusal{http.StatusForbidden, "GoTo no longer accepts this connection", "Connect again to go on; you come back to this page.", "Reconnect GoTo", reconnect}, 0, false
	case meetings.RateLimited:
		return refusal{http.StatusServiceUnavailable, "Too many calls to GoTo at once", "GoTo answers ten calls a second. Wait a few seconds and try again; nothing is lost.", "", ""}, max(f.RetryAfter, 2*time.Second), false
	case meetings.Unavailable:
		return refusal{http.StatusServiceUnavailable, "GoTo does not answer just now", "You stay signed in, and nothing is lost. Try again in a moment.", "", ""}, max(f.RetryAfter, 10*time.Second), true
	case meetings.TimedOut:
		return refusal{http.StatusGatewayTimeout, "GoTo is too slow just now", "The portal waited as long as it could. Nothing is lost; try again in a moment.", "", ""}, 0, true
	case meetings.Refused:
		return refusal{http.StatusUnprocessableEntity, "GoTo refuses this", "GoTo did not accept what was sent. Check the details and try again; if it stays, tell whoever runs the portal the number below.", "", ""}, 0, true
	default:
		return refusal{http.StatusBadGateway, "GoTo's answer cannot be read", "GoTo sent something the portal does not understand. Try again in a moment; if it stays, tell whoever runs the portal the number below.", "", ""}, 0, true
	}
}

func explainHTTP(status int) refusal {
	switch status {
	case http.StatusNotFound:
		return refusal{status, "Page not found", "There is nothing at this address. It may have been mistyped, or the page has moved.", "Upcoming meetings", "/meetings"}
	case http.StatusMethodNotAllowed:
		return refusal{status, "This page cannot be used that way", "Go back to the page you came from and use its buttons.", "Upcoming meetings", "/meetings"}
	case http.StatusRequestEntityTooLarge:
		return refusal{status, "That is too much at once", "The form is larger than the portal accepts (64 KB and 1,000 fields). Shorten it and try again.", "", ""}
	case http.StatusBadRequest:
		return refusal{status, "This request cannot be read", "Go back to the page you came from and try again.", "", ""}
	}
	return refusal{status, fmt.Sprintf("The portal answers %d", status), "Go back and try again.", "", ""}
}

var (
	errSignedInAlready = &refusal{http.StatusBadRequest, "You are signed in already", "This sign-in was finished before, or was not started in this browser. Nothing has changed.", "Upcoming meetings", "/meetings"}

	errNotYours   = &refusal{http.StatusForbidden, "Only the organizer can change this meeting", "You are its co-organizer: you can open and start it.", "Upcoming meetings", "/meetings"}
	errNoHostURL  = &refusal{http.StatusBadGateway, "GoTo's start link cannot be read", "GoTo answered with something that is no link. Try again in a moment.", "Upcoming meetings", "/meetings"}
	errNoPending  = &refusal{http.StatusNotFound, "No such held delete", "It was decided long ago, or it is somebody else's. Look at the meeting itself.", "Upcoming meetings", "/meetings"}
	errNoDecision = &refusal{http.StatusUnprocessableEntity, "Delete or keep?", "Go back and press one of the two buttons; nothing was changed.", "Held deletes", "/pending"}
)

// seconds writes a wait for people, rounded up.
func seconds(d time.Duration) string {
	return count(wholeSeconds(d), "second", "seconds")
}

func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// noOccurrence says that a meeting has no such session, and where the others
// are.
func noOccurrence(id string) error {
	return &refusal{http.StatusNotFound, "No such session", "Nobody is recorded for this session of the meeting. Choose another.", "All its sessions", "/meetings/" + id + "/attendees"}
}

func isSessionGone(err error) bool {
	if _, ok := errors.AsType[noSession](err); ok {
		return true
	}
	return errors.Is(err, auth.ErrSessionEnded)
}
