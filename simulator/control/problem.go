package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"faultzone/scenarios"
)

// Problem is why a call was refused (RFC 9457).
type Problem struct {
	Type   string `json:"type"` // a URN that programs can tell problems apart by
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Next is what to do about it.
	Next string `json:"next,omitempty"`
	// Errors are all that is wrong with a body, where that is more than one thing.
	Errors []string `json:"errors,omitempty"`
}

// Error is the detail with the next step.
func (p *Problem) Error() string {
	if p.Next == "" {
		return p.Detail
	}
	return p.Detail + "; " + p.Next
}

// Kinds of problem.
const (
	badRequest    = "bad-request"
	wrongToken    = "wrong-token"
	foreign       = "foreign"
	limited       = "limit"
	unknown       = "unknown"
	wrongMethod   = "wrong-method"
	conflict      = "conflict"
	tooLarge      = "too-large"
	wrongType     = "wrong-content-type"
	misdirected   = "misdirected"
	unprocessable = "unprocessable"
	failed        = "failed"
	busy          = "busy"
	tooSlow       = "too-slow"
)

// refuse makes a problem. kind is one of the constants.
func refuse(status int, kind, next, format string, args ...any) *Problem {
	return &Problem{Type: "urn:faultzone:problem:" + kind, Title: http.StatusText(status), Status: status,
		Detail: fmt.Sprintf(format, args...), Next: next}
}

// problemOf makes a problem of whatever went wrong.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var list scenarios.Errors
	if errors.As(err, &list) && len(list) > 0 {
		p := refuse(http.StatusUnprocessableEntity, unprocessable, "", "%s", list[0].Message)
		if len(list) > 1 {
			for _, e := range list {
				p.Errors = append(p.Errors, e.Message)
			}
			p.Detail = strings.Join(p.Errors, "; ")
		}
		return p
	}
	return refuse(http.StatusInternalServerError, failed, "", "%v", err)
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="faultzone"`)
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		h.Set("Connection", "close")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(p) // the client may be gone
}
