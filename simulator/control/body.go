package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/clock"
)

// body reads a request's JSON object into a struct; what is not in it stays as it is. No body is an empty object.
func (c *call) body(into any) error {
	rc := http.NewResponseController(c.w)
	_ = rc.SetReadDeadline(clock.Wall{}.In(c.s.config.Patience)) // not every writer has one
	data, err := io.ReadAll(c.r.Body)
	_ = rc.SetReadDeadline(time.Time{})
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		return large()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, tooSlow, "", "the body did not arrive within %v", c.s.config.Patience)
	case err != nil:
		return refuse(http.StatusBadRequest, badRequest, "", "the body broke off: %v", err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if t, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, wrongType, "send it with curl --json '{…}', or with the header Content-Type: application/json",
			"a body of type %q; want application/json", clip(c.r.Header.Get("Content-Type")))
	}
	return decode(data, into)
}

// decode reads one JSON object into a struct, and refuses keys that the struct has not.
func decode(data []byte, into any) error {
	malformed := func(why string) *Problem {
		return refuse(http.StatusBadRequest, badRequest, "", "the body is not a JSON object: %s", why)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return malformed("it is a JSON " + wrong.Value)
		}
		return malformed(err.Error())
	}
	if keys == nil {
		return malformed("it is null")
	}
	if key, double := twice(json.NewDecoder(bytes.NewReader(data))); double {
		return refuse(http.StatusUnprocessableEntity, unprocessable, "say it once", "the key %q is there twice", clip(key))
	}
	valid := keysOf(reflect.TypeOf(into).Elem())
	for key := range keys {
		if !slices.Contains(valid, key) {
			return unknownKey(key, valid)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return refuse(http.StatusUnprocessableEntity, unprocessable, "", "%s: expected %s, found a JSON %s", wrong.Field, wanted(wrong.Type), wrong.Value)
	case err != nil:
		return refuse(http.StatusUnprocessableEntity, unprocessable, "", "the body: %v", err)
	}
	return nil
}

// twice finds a key that an object has two times, of which the last would win in silence. What it reads is well-formed,
// with a bound to its depth.
func twice(dec *json.Decoder) (key string, double bool) {
	token, _ := dec.Token()
	open, _ := token.(json.Delim)
	seen := map[string]bool{}
	for (open == '{' || open == '[') && dec.More() {
		if open == '{' {
			token, _ := dec.Token()
			if key, _ = token.(string); seen[key] {
				return key, true
			}
			seen[key] = true
		}
		if key, double = twice(dec); double {
			return key, true
		}
	}
	if open != 0 {
		_, _ = dec.Token() // its end
	}
	return "", false
}

// unknownKey says which key there is not, which was probably meant, and which there are.
func unknownKey(key string, valid []string) *Problem {
	next := "it takes " + strings.Join(valid, ", ")
	if len(valid) == 0 {
		next = "this call takes no keys"
	}
	return refuse(http.StatusUnprocessableEntity, unprocessable, next, "unknown key %q%s", clip(key), scenarios.DidYouMean(key, valid))
}

// keysOf are the JSON keys of a struct.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys = append(keys, key)
	}
	return keys
}

// wanted is what a field takes, for people.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64, reflect.Int:
		return "a number"
	case reflect.Slice:
		return "a list of strings"
	case reflect.Map:
		return "an object"
	case reflect.Pointer:
		return wanted(t.Elem())
	}
	return "another value"
}
