package web

import "net/http"

// permissions turns off what no page here asks of the device.
const permissions = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"

// SecurityHeaders confines the pages that next serves: csp is the Content-Security-Policy
// (W3C CSP Level 3), and with it go the headers that keep a page out of other sites' frames and
// windows, keep its address out of Referer, and keep the browser from guessing content types and
// from lending it the device.
//
// The headers are set before next runs, so next may change one for its own answer: a page that
// records sets a Permissions-Policy with the microphone.
func SecurityHeaders(csp string) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", csp)
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Permissions-Policy", permissions)
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			next.ServeHTTP(w, r)
		})
	}
}
