package simulator

import (
	"reflect"
	"testing"
	"time"

	"faultzone/resolver"
	"faultzone/scenarios"
)

// Every policy reaches the resolver: one that is set leaves no field of the configuration for it as it was.
func TestEveryPolicyIsPassedOn(t *testing.T) {
	t.Parallel()
	var s scenarios.Resolver
	fill(t, reflect.ValueOf(&s.Policies).Elem())
	s.Access[0].Action, s.LocalZones[0].Type, s.Local[0] = "drop", "nxdomain", "a.example. 60 IN A 10.0.0.1"
	s.NonRecursive, s.SpecialNames, s.BelowNXDOMAIN, s.Stale.Answer = "refuse", "none", "never", "at-once"
	var c resolver.Config
	if err := setPolicies(&c, &s); err != nil {
		t.Fatal(err)
	}
	// Those that are set elsewhere: by older keys, or by the world.
	elsewhere := map[string]bool{"Name": true, "Hints": true, "TrustAnchors": true, "Clock": true, "Exchanger": true, "Rand": true, "Report": true,
		"Allow": true, "NotSpecial": true, "TCPIdle": true, "CookieSecret": true, "MinTTL": true, "MaxTTL": true, "MaxNegativeTTL": true, "IPv6": true, "Prime": true,
		"AggressiveNSEC": true, "QNAMEMinimisation": true, "MaxMinimiseCount": true, "MinimiseOneLabel": true, "Forward": true, "Stub": true, "DomainInsecure": true,
		"ServeStale.On": true, "ServeStale.Maximum": true, "Prefetch.On": true, "AnchorUpdates.Known": true}
	check(t, "", reflect.ValueOf(c), elsewhere)
	if c.LameTTL >= 0 {
		t.Errorf("LameTTL is %v, want below 0 for what is not remembered", c.LameTTL)
	}
	s.ForgetLame = false
	if err := setPolicies(&c, &s); err != nil || c.LameTTL != time.Duration(1) {
		t.Errorf("LameTTL is %v, %v", c.LameTTL, err)
	}
}

// fill sets all that it finds: numbers to 1, flags, texts, and one element in each list.
func fill(t *testing.T, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Struct && f.Type().PkgPath() == "faultzone/scenarios":
			fill(t, f)
		case f.Kind() == reflect.Struct: // a prefix: any will do
		case f.Kind() == reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			if e := f.Index(0); e.Kind() == reflect.Struct {
				fill(t, e)
			}
		case f.CanInt():
			f.SetInt(1)
		case f.CanUint():
			f.SetUint(1)
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Kind() == reflect.String:
			f.SetString("x")
		default:
			t.Fatalf("a field of kind %v: %s", f.Kind(), v.Type().Field(i).Name)
		}
	}
}

// check wants every field but some to be set.
func check(t *testing.T, path string, v reflect.Value, elsewhere map[string]bool) {
	for i := range v.NumField() {
		name := path + v.Type().Field(i).Name
		f := v.Field(i)
		switch {
		case elsewhere[name]:
		case f.Kind() == reflect.Struct:
			check(t, name+".", f, elsewhere)
		case f.IsZero():
			t.Errorf("%s is not set", name)
		}
	}
}
