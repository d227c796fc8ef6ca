package handlers

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"portal/meetings"
	"portal/views"
)

// zoneNames are the IANA zones offered, at least one for every offset and
// larger country; the user's own is always added.
var zoneNames = strings.Fields(`UTC
Africa/Abidjan Africa/Algiers Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi Africa/Tunis
America/Anchorage America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver America/Halifax America/Havana
America/La_Paz America/Lima America/Los_Angeles America/Mexico_City America/Montevideo America/New_York America/Noronha America/Nuuk America/Panama
America/Phoenix America/Santiago America/Sao_Paulo America/St_Johns America/Toronto America/Vancouver
Asia/Almaty Asia/Baghdad Asia/Baku Asia/Bangkok Asia/Beirut Asia/Colombo Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh Asia/Hong_Kong Asia/Jakarta
Asia/Jerusalem Asia/Kabul Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Kuala_Lumpur Asia/Manila Asia/Riyadh Asia/Seoul Asia/Shanghai
Asia/Singapore Asia/Taipei Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Tokyo Asia/Yangon Asia/Yekaterinburg
Atlantic/Azores Atlantic/Cape_Verde Atlantic/Reykjavik
Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Lord_Howe Australia/Melbourne Australia/Perth Australia/Sydney
Europe/Amsterdam Europe/Athens Europe/Belgrade Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Copenhagen Europe/Dublin
Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Madrid Europe/Moscow Europe/Oslo Europe/Paris Europe/Prague
Europe/Rome Europe/Sofia Europe/Stockholm Europe/Vienna Europe/Vilnius Europe/Warsaw Europe/Zurich
Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Fiji Pacific/Guam Pacific/Honolulu Pacific/Kiritimati Pacific/Marquesas Pacific/Pago_Pago Pacific/Tongatapu`)

// zoneOptions offers the zones by city, with their offsets at t. A chosen zone
// that is none is kept too, so that a refused form shows what was sent.
func zoneOptions(chosen string, own *time.Location, t time.Time) []views.Option {
	names := slices.Clone(zoneNames)
	for _, name := range []string{own.String(), chosen} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	options := make([]views.Option, 0, len(names))
	for _, name := range names {
		label := name
		if loc, err := time.LoadLocation(name); err == nil {
			label = meetings.ZoneLabel(loc, t)
		}
		options = append(options, views.Option{Value: name, Label: label, Selected: name == chosen})
	}
	slices.SortStableFunc(options, func(a, b views.Option) int { return cmp.Compare(a.Label, b.Label) })
	return options
}
