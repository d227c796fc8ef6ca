package sandbox

import (
	"bytes"
	"html/template"
	"net/http"
)

type (
	field       struct{ Name, Value string }
	person      struct{ Email, Name, Role string }
	problemPage struct{ Title, Text, Home string }
	consentPage struct {
		Client, Back string
		Scopes       []string
		Users        []person
		Hidden       []field
	}
	joinPage struct {
		Subject, Organizer, ID, Home string
		Active                       bool
	}
	hostPage struct {
		Subject, ID, Home string
		People            []string
		Hidden            []field
		Ended             bool
		Minutes           int
	}
)

func (consentPage) name() string { return "consent" }
func (problemPage) name() string { return "problem" }
func (joinPage) name() string    { return "join" }
func (hostPage) name() string    { return "host" }

// page renders one of the pages for people. The policy forbids scripts and
// foreign content; form-action is left open, since browsers apply it to the
// redirect that follows consent.
func page(status int, view interface{ name() string }) reply {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, view.name(), view); err != nil {
		return reply{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return reply{status: status, body: b.Bytes(), header: http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Cache-Control":           {"no-store"},
		"Referrer-Policy":         {"same-origin"},
		"X-Content-Type-Options":  {"nosniff"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"},
	}}
}

func pagePtr(status int, view interface{ name() string }) *reply {
	rep := page(status, view)
	return &rep
}

var templates = template.Must(template.New("sandbox").Parse(`
{{define "top"}}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{{.}} · GoTo sandbox</title>
<style>
:root{color-scheme:light dark;--ink:#1d2433;--soft:#566076;--line:#d5dae3;--paper:#fff;--back:#eef1f6;--go:#1f5fbf;--stop:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebf2;--soft:#a7b0c2;--line:#3a4356;--paper:#1b2130;--back:#11151f;--go:#8db8ff;--stop:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;padding:2rem 1rem;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:30rem;margin:0 auto;padding:1.5rem;background:var(--paper);border:1px solid var(--line);border-radius:.75rem}
h1{font-size:1.4rem;line-height:1.25;margin:.25rem 0 1rem;overflow-wrap:anywhere}
p,ul{margin:0 0 1rem}.note{color:var(--soft);font-size:.875rem}
li{overflow-wrap:anywhere}
button{display:block;width:100%;min-height:2.75rem;margin:0 0 .5rem;padding:.6rem .9rem;text-align:start;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.5rem;cursor:pointer}
button:hover{border-color:var(--go)}button:focus-visible{outline:3px solid var(--go);outline-offset:2px}
button span{display:block;color:var(--soft);font-size:.875rem}
button.stop{color:var(--stop);border-color:currentColor;text-align:center;font-weight:600}
code{overflow-wrap:anywhere}a{color:var(--go)}
</style></head><body><main><p class="note">GoTo sandbox: sample data, nothing leaves this machine.</p>{{end}}
{{define "end"}}</main></body></html>{{end}}

{{define "home"}}{{if .}}<p><a href="{{.}}">Back to the portal</a></p>{{end}}{{end}}

{{define "problem"}}{{template "top" .Title}}<h1>{{.Title}}</h1><p>{{.Text}}</p>{{template "home" .Home}}{{template "end"}}{{end}}

{{define "consent"}}{{template "top" "Allow access"}}<h1>{{.Client}} asks for access</h1>
<p>It will be sent back to <code>{{.Back}}</code> with these permissions:</p>
<ul>{{range .Scopes}}<li><code>{{.}}</code></li>{{end}}</ul>
<form method="post" action="/sandbox/oauth/authorize">
{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<p>Sign in as</p>
{{range .Users}}<button name="user" value="{{.Email}}">{{.Name}} <span>{{.Email}} · {{.Role}}</span></button>
{{end}}<button name="user" value="deny" class="stop">Deny</button>
</form>{{template "end"}}{{end}}

{{define "join"}}{{template "top" .Subject}}<h1>{{.Subject}}</h1>
<p>Meeting <b>{{.ID}}</b>, organized by {{.Organizer}}.</p>
{{if .Active}}<p>The meeting is running. At GoTo the app would open now.</p>{{else}}<p>The meeting has not started. At GoTo you would wait here for the organizer.</p>{{end}}{{template "home" .Home}}{{template "end"}}{{end}}

{{define "host"}}{{template "top" .Subject}}<h1>{{.Subject}}</h1>
{{if .Ended}}<p>The meeting ended after {{.Minutes}} min. It is in the history now, with its attendees.</p>
{{else}}<p>Meeting <b>{{.ID}}</b> is running. At GoTo this would be the app; here people have come on their own:</p>
<ul>{{range .People}}<li>{{.}}</li>{{end}}</ul>
<form method="post" action="/sandbox/host">
{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<button class="stop">End meeting</button></form>{{end}}{{template "home" .Home}}{{template "end"}}{{end}}
`))
