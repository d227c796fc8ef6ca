package views

import "github.com/a-h/templ"

// describe ties a field to its hint and its refusal for assistive technology.
func describe(list []Problem, name, hint string) templ.Attributes {
	a := templ.Attributes{}
	by := ""
	if hint != "" {
		by = name + "-hint"
	}
	if problemOf(list, name) != "" {
		a["aria-invalid"] = "true"
		if by != "" {
			by += " "
		}
		by += name + "-error"
	}
	if by != "" {
		a["aria-describedby"] = by
	}
	return a
}

// refused ties one of several rows to the refusal of their field.
func refused(list []Problem, name string, bad bool) templ.Attributes {
	if !bad || problemOf(list, name) == "" {
		return nil
	}
	return describe(list, name, "")
}

// partial lets htmx replace only the co-organizer rows when a button of theirs
// posts the form.
func partial(action string) templ.Attributes {
	return templ.Attributes{"hx-post": action, "hx-target": "#co_organizer_keys", "hx-swap": "outerHTML", "hx-include": "closest form"}
}

// focus leads the keyboard to the element of this id if it is the one wanted.
// In a part that htmx swaps in app.js does it: browsers complain of an
// autofocus that comes late.
func focus(b Base, wanted, id string) templ.Attributes {
	switch {
	case wanted != id:
		return nil
	case b.Partial:
		return templ.Attributes{"data-focus": true}
	}
	return templ.Attributes{"autofocus": true}
}
