package control

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"faultzone/simulator/clock"
)

// guard lets through what may command the world. A page of another site fails at the Host header where it has its name
// point here (DNS rebinding), at Origin where it calls by our own, and at the token in any case.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if s.open.Load() > crowd {
			w.Header().Set("Connection", "close")
		}
		refused := s.check(r)
		if r.ContentLength != 0 {
			// Before an answer net/http waits for the rest of a body that nobody has read, unless the connection is not to
			// go on, and after it in any case.
			_ = http.NewResponseController(w).SetReadDeadline(clock.Wall{}.In(s.config.Patience)) // not every writer has one
			if unread := r.Method != http.MethodPost && r.Method != http.MethodPut; unread || refused != nil {
				w.Header().Set("Connection", "close")
			}
		}
		if p := refused; p != nil {
			p.write(w)
			return
		}
		if r.ContentLength > mostBody {
			large().write(w)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		next.ServeHTTP(w, r)
	})
}

func large() *Problem {
	return refuse(http.StatusRequestEntityTooLarge, tooLarge, "", "the body is larger than %d octets, the most that is read", mostBody)
}

func (s *Server) check(r *http.Request) *Problem {
	if !s.ours(r) {
		next := "call it by 127.0.0.1 and its port"
		if s.config.Public {
			next = "call it by its address, or name the host with --control-name when the world is started"
		}
		return refuse(http.StatusMisdirectedRequest, misdirected, next, "the Host header %q is not a name of this API", clip(r.Host))
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return refuse(http.StatusForbidden, foreign, "", "a page of %s must not command this world", clip(origin))
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return refuse(http.StatusForbidden, foreign, "", "a page of another site must not command this world")
	}
	if open(r.URL.Path) || s.authorised(r) {
		return nil
	}
	next := "send the header Authorization: Bearer TOKEN, with what faultzone token prints or the file of --token-file holds"
	if r.Header.Get("Authorization") == "" {
		return refuse(http.StatusUnauthorized, wrongToken, next, "this call needs the world's token, and has none")
	}
	return refuse(http.StatusUnauthorized, wrongToken, next, "the token is not this world's")
}

// open tells what is answered without a token: whether the world is there, and no more.
func open(path string) bool { return path == "/healthz" || path == "/readyz" }

// ours tells whether a request is meant for this API: by an address of loopback with the port that it came to, by the
// address that it listens on, or by a configured name. An address cannot be made to point elsewhere, so a public API takes
// any, and any port, since it may stand behind one that is mapped.
func (s *Server) ours(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return true // no TCP, so no browser
	}
	host, port := r.Host, "80"
	if h, p, err := net.SplitHostPort(r.Host); err == nil {
		host, port = h, p
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if !s.config.Public && port != strconv.Itoa(local.Port) {
		return false
	}
	if host == "localhost" || slices.ContainsFunc(s.config.Names, func(name string) bool { return strings.EqualFold(host, name) }) {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (s.config.Public || a.IsLoopback() || a.Unmap() == local.AddrPort().Addr().Unmap())
}

// clip keeps what others wrote short.
func clip(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
