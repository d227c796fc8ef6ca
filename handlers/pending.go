package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

const (
	pendingKey = "pending"
	newsKey    = "pending news"
	// pendingWait bounds how long a page waits for what it can do without.
	pendingWait = 2 * time.Second
)

// pending reads the user's deletes that wait, and news of them, once a
// request. Not being able to read them costs the block, never the page.
func (s *server) pending(c echo.Context) []meetings.Pending {
	if list, ok := c.Get(pendingKey).([]meetings.Pending); ok {
		return list
	}
	// An error page comes after the request's own deadline has been released.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), pendingWait)
	defer cancel()
	list, err := s.meetings.Pending(ctx, caller(c))
	if err != nil {
		s.log.ErrorContext(ctx, "held deletes not read", "error", err)
	}
	c.Set(pendingKey, list)
	return list
}

// going returns the user's delete of a meeting that is about to happen.
func (s *server) going(c echo.Context, meetingID string) (meetings.Pending, bool) {
	for _, p := range s.pending(c) {
		if p.MeetingID == meetingID && p.IsGoing() {
			return p, true
		}
	}
	return meetings.Pending{}, false
}

// notGoing keeps pages that make no sense with a meeting that is about to be
// deleted from being shown.
func (s *server) notGoing(c echo.Context, meetingID string) error {
	if p, ok := s.going(c, meetingID); ok {
		return &meetings.GoingError{Pending: p}
	}
	return nil
}

// pendingBlock is what every page shows of them. Whoever sees the page has
// been told the news.
func (s *server) pendingBlock(c echo.Context) views.PendingBlock {
	block := views.PendingBlock{Self: s.address("/pending", "here", pageOf(c.Request()))}
	var news []string
	for _, p := range s.pending(c) {
		v := s.viewPending(p)
		block.List = append(block.List, v)
		again := 0
		switch p.State {
		case meetings.PendingHeld:
			again = min(v.Left+1, 30)
		case meetings.PendingSending:
			again = 2
		case meetings.PendingUnresolved:
		default:
			news = append(news, p.ID)
		}
		if again > 0 && (block.Again == 0 || again < block.Again) {
			block.Again = again
		}
	}
	c.Set(newsKey, news)
	return block
}

func pendingNews(c echo.Context) []string {
	news, _ := c.Get(newsKey).([]string)
	return news
}

// tell notes that the news on a page need not be told again.
func (s *server) tell(c echo.Context) {
	if isHead(c.Request()) {
		return
	}
	ctx := context.WithoutCancel(c.Request().Context())
	for _, id := range pendingNews(c) {
		if err := s.meetings.Told(ctx, caller(c), id); err != nil {
			s.log.WarnContext(ctx, "news will be told again", "error", err)
		}
	}
}

func pendingName(p meetings.Pending) string {
	if p.Subject == "" {
		return "Meeting " + meetings.GroupID(p.MeetingID)
	}
	return p.Subject
}

func (s *server) viewPending(p meetings.Pending) views.Pending {
	v := views.Pending{Subject: pendingName(p), Action: s.address("/pending/" + p.ID), Kind: auth.Info}
	switch p.State {
	case meetings.PendingHeld:
		v.Left = max(0, int((p.Due.Sub(s.meetings.Now())+time.Second-1)/time.Second))
		v.When, v.Keep, v.Delete = inSeconds(v.Left), "Undo", "Delete now"
		v.Text, v.Badge = "will be deleted", "Deleted"
		if p.Late {
			v.Kind, v.Text, v.Badge = auth.Warning, "is not deleted yet, for GoTo does not answer. It is asked again", "GoTo is asked again"
		}
	case meetings.PendingSending:
		v.Text, v.Badge = "is being deleted.", "Being deleted"
	case meetings.PendingUnresolved:
		v.Kind, v.Keep, v.Delete = auth.Warning, "Keep it", "Delete it"
		v.Text = "is not deleted yet: your connection to GoTo was over before it could be. Delete it, or keep it?"
		if p.Tried {
			v.Text = "may be deleted or not: GoTo's answer was lost, and then your connection to GoTo was over. Delete it, or keep it?"
		}
	case meetings.PendingKept:
		v.Kind, v.Text = auth.Success, "is kept."
		if p.Tried {
			v.Kind, v.Text = auth.Warning, "is not deleted any more by the portal, but an earlier try may have reached GoTo. Look whether it is still among your meetings."
		}
	case meetings.PendingDeleted:
		v.Kind, v.Text = auth.Success, "is deleted."
	case meetings.PendingGone:
		v.Text = "was not there any more: somebody had deleted it at GoTo already."
	case meetings.PendingRefused:
		v.Kind, v.Text = auth.Warning, "is still there: GoTo refused to delete it. Open it to see whether it is still yours."
	}
	return v
}

// inSeconds says how far off something is; app.js counts it down in the same
// words.
func inSeconds(n int) string {
	switch n {
	case 0:
		return "now"
	case 1:
		return "in 1 second"
	}
	return fmt.Sprintf("in %d seconds", n)
}

// listPending shows what waits. htmx asks for the block alone, once something
// is due.
func (s *server) listPending(c echo.Context) error {
	b := s.base(c, "", "Held deletes")
	b.Here = pageOf(c.Request())
	block := b.Pending
	if b.Partial { // for which base builds none
		block = s.pendingBlock(c)
	}
	b.Pending = views.PendingBlock{} // the page itself shows it
	v := views.Held{Block: block, Next: views.Link{Label: "Upcoming meetings", URL: s.address("/meetings")}}
	if news := pendingNews(c); len(news) > 0 {
		for _, p := range block.List {
			v.Announce = strings.TrimSpace(v.Announce + " " + p.Subject + " " + p.Text)
		}
		c.Response().Header().Set("HX-Trigger", `{"settled":{"target":"body"}}`)
	}
	return s.page(c, http.StatusOK, views.HeldPage(b, v), views.PendingOnly)
}

// decidePending keeps a meeting, or deletes it now.
func (s *server) decidePending(c echo.Context) error {
	ctx, id := c.Request().Context(), c.Param("id")
	back := pageNamed(c.FormValue("here"))
	var p meetings.Pending
	var err error
	switch c.FormValue("action") {
	case "keep":
		p, err = s.meetings.Keep(ctx, caller(c), id)
	case "delete":
		p, err = s.meetings.DeleteNow(ctx, caller(c), id)
	default:
		return errNoDecision
	}
	if err != nil {
		return err
	}
	if p.State == meetings.PendingDeleted || p.State == meetings.PendingGone {
		if strings.HasPrefix(back, "/meetings/"+p.MeetingID) {
			back = "/meetings" // its own page is gone with it
		}
	}
	late := ""
	switch {
	case c.FormValue("action") == "keep":
		late = tooLateToKeep(p)
	case p.State == meetings.PendingKept:
		late = "“" + pendingName(p) + "” was kept. To delete it after all, press Delete on its page."
	}
	if late != "" {
		notify(c, auth.Warning, late)
		c.Set(newsKey, []string{id})
		s.tell(c)
	}
	return s.to(c, back)
}

// tooLateToKeep says what came before an Undo; "" when it was in time.
func tooLateToKeep(p meetings.Pending) string {
	switch p.State {
	case meetings.PendingSending:
		return "Too late to undo: “" + pendingName(p) + "” is being deleted at this moment."
	case meetings.PendingDeleted:
		return "Too late to undo: “" + pendingName(p) + "” is deleted already, and GoTo cannot bring it back."
	case meetings.PendingGone:
		return "Nothing to undo: “" + pendingName(p) + "” had been deleted at GoTo already."
	case meetings.PendingRefused:
		return "Nothing to undo: GoTo refused to delete “" + pendingName(p) + "”, so it is still there."
	}
	return ""
}

// here is the page that the request is about, to come back to.
func here(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	return returnPath(r.URL.Path)
}

// pageOf is the page that what is asked for stands on.
func pageOf(r *http.Request) string {
	if back := safeReturn(r.URL.Query().Get("here")); back != "" && r.URL.Path == "/pending" {
		return back
	}
	return here(r)
}

// pageNamed is the page of ours that a form names; the list when it is none.
func pageNamed(typed string) string {
	if path := safeReturn(typed); path != "" {
		return path
	}
	return "/meetings"
}
