// Package control is an HTTP API to a world that runs: to read its state, to break and heal it, to move its clock, and to
// follow its journal. The OpenAPI document, /openapi.json, describes every call.
//
// It promises that nobody commands a world by accident or from a web page: every call but /healthz and /readyz needs the
// token; the Host header must be an address of this machine's own (or a name that was configured), so that a name
// that was made to point here does not lead here; requests that another site's page sends are refused; bodies,
// connections and streams are bounded. What is refused is answered with a problem (RFC 9457) that says what was expected
// and what to do next, and the world is as it was. Every act is in the world's journal with who did it.
//
// It goes by the wall where it deals with real connections, and by the world's clock in everything it tells.
package control
