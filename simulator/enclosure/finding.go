package enclosure

// Finding is one thing that this machine allows, or does not.
type Finding struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Needed: without it there is no enclosure.
	Needed bool `json:"needed"`
	// Detail is what was tried, or what the system said.
	Detail string `json:"detail"`
	// Advice is what to do about it; sentences, a line each.
	Advice []string `json:"advice,omitempty"`
}

// finding makes one of an error.
func finding(name, tried string, err error) Finding {
	f := Finding{Name: name, OK: err == nil, Needed: true, Detail: tried}
	if err == nil {
		return f
	}
	f.Detail = err.Error()
	if refused, ok := err.(*Refused); ok {
		f.Detail, f.Advice = refused.Step+": "+refused.Err.Error(), refused.Advice
	}
	return f
}
