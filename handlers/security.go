package handlers

import (
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// contentSecurityPolicy allows our own files and nothing else. Connect is a
// link and Start answers with a Refresh header, so form-action needs no
// foreign host. htmx writes HTML through the Trusted Types policy "htmx" that
// app.js registers.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types htmx"

const permissionsPolicy = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), " +
	"geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), magnetometer=(), microphone=(), midi=(), payment=(), " +
	"publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"

// What a form may hold: bytes, and fields.
const (
	maxForm   = "64KiB"
	maxFields = 1000
)

// secureHeaders sets the headers that every answer carries, whoever gives it.
func secureHeaders(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		// With no-referrer browsers send "Origin: null" and forms would
		// be refused.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", permissionsPolicy)
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Cache-Control", "no-store")
		if https {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another site may have made the browser send:
// http.CrossOriginProtection, and beyond it a change from this host's pages
// without TLS, a change that carries a cookie but says nothing about where it
// comes from, a body that no form sends, and loads of pages by other sites and
// origins as anything but a document.
func sameOrigin(public *url.URL) (echo.MiddlewareFunc, error) {
	guard := http.NewCrossOriginProtection()
	own := public.Scheme + "://" + public.Host
	if err := guard.AddTrustedOrigin(own); err != nil {
		return nil, err
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if err := guard.Check(r); err != nil {
				return errCrossOrigin
			}
			site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
			switch r.Method {
			case http.MethodGet, http.MethodHead:
				dest, foreign := r.Header.Get("Sec-Fetch-Dest"), site == "cross-site" || site == "same-site"
				if foreign && dest != "" && dest != "document" && len(r.Cookies()) > 0 {
					return errCrossOrigin
				}
			default:
				if site == "" && origin != own && (origin != "" || len(r.Cookies()) > 0) {
					return errCrossOrigin
				}
				if kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); r.ContentLength != 0 &&
					(err != nil || kind != echo.MIMEApplicationForm && kind != echo.MIMEMultipartForm) {
					return errNotAForm
				}
			}
			return next(c)
		}
	}, nil
}

// readForm reads a form once for all, so that what is too large, has too many
// fields or is no form is refused here and never read as half of itself.
func readForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method != http.MethodPost {
			return next(c)
		}
		if _, err := c.FormParams(); err != nil {
			if tooLarge, ok := errors.AsType[*echo.HTTPError](err); ok {
				return tooLarge
			}
			return errUnreadableForm
		}
		fields := 0
		for _, values := range r.PostForm {
			fields += len(values)
		}
		if fields > maxFields {
			return echo.ErrStatusRequestEntityTooLarge
		}
		return next(c)
	}
}

// clientIP reads the address of the browser: the peer's, or, when the peer is
// a trusted proxy, the last address in X-Forwarded-For that is not one.
func clientIP(trusted []netip.Prefix) echo.IPExtractor {
	isTrusted := func(a netip.Addr) bool {
		for _, p := range trusted {
			if p.Contains(a.Unmap()) {
				return true
			}
		}
		return false
	}
	return func(r *http.Request) string {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return ""
		}
		at := peer.Addr()
		if !isTrusted(at) {
			return at.Unmap().String()
		}
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0; i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			at = hop
			if !isTrusted(at) {
				break
			}
		}
		return at.Unmap().String()
	}
}
