package control

import (
	_ "embed"
	"net/http"
)

// document describes every call (OpenAPI 3.1). The tests hold it against the handlers.
//
//go:embed openapi.json
var document []byte

// Document is the OpenAPI document, as /openapi.json serves it.
func Document() []byte { return append([]byte(nil), document...) }

func serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document) // the client may be gone
}
