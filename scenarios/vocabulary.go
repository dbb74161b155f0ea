package scenarios

// Vocabulary is what the loader is told about faults: it knows none by itself, so that the catalogue of faults can grow
// without it. The zero value knows no fault at all.
type Vocabulary struct {
	Faults []FaultSpec
}

// FaultSpec is one fault and the parameters that an inject step may give it.
type FaultSpec struct {
	Name    string // as inject says it: "resigning-stopped"
	Summary string // one line
	Text    string // what breaks, how it looks and how to tell it from others
	Params  []ParamSpec
}

// ParamSpec is one parameter of a fault: a key of the step that injects it. The keys at, inject, as, for, note and
// expect are every step's and cannot be parameters.
type ParamSpec struct {
	Name     string
	Kind     ParamKind
	Required bool
	// Default says, to whoever reads the catalogue, what a parameter left out means. The loader does not fill it in:
	// a parameter left out is not in InjectStep.Params.
	Default string
	// Choices, when not empty, are all the values that a String, or an element of Strings, may have.
	Choices []string
	Summary string
}

// ParamKind says how a parameter is written, what its value in InjectStep.Params is, and what the loader checks it
// against.
type ParamKind string

// The kinds of parameter. Where the value is a list, one string alone is taken as a list of one.
const (
	String   ParamKind = "string"    // string, not empty
	Strings  ParamKind = "strings"   // []string
	Int      ParamKind = "integer"   // int64
	Bool     ParamKind = "boolean"   // bool
	Duration ParamKind = "duration"  // "90s", "2d": time.Duration, not negative
	Time     ParamKind = "date-time" // 2026-04-10T12:00:00Z: time.Time, UTC

	Node         ParamKind = "node"     // string: the name of any node of the world
	Nodes        ParamKind = "nodes"    // []string
	ServerNode   ParamKind = "server"   // string: an authoritative server's name
	ServerNodes  ParamKind = "servers"  // []string
	ResolverNode ParamKind = "resolver" // string: a resolver's name
	ClientNode   ParamKind = "client"   // string: a client's name
	ZoneName     ParamKind = "zone"     // string: the origin of a zone of the world, lower case, absolute
	ViewName     ParamKind = "view"     // string: a view of the servers that the step names, or of any when it names none
	Prefix       ParamKind = "prefix"   // string: "10.0.5.0/24"; an address alone becomes /32 or /128
	Prefixes     ParamKind = "prefixes" // []string
	Places       ParamKind = "places"   // []string: nodes' names, prefixes and addresses, as they are written
)

// fault finds a fault by name.
func (v Vocabulary) fault(name string) (FaultSpec, bool) {
	for _, f := range v.Faults {
		if f.Name == name {
			return f, true
		}
	}
	return FaultSpec{}, false
}

func (v Vocabulary) names() []string {
	names := make([]string, len(v.Faults))
	for i, f := range v.Faults {
		names[i] = f.Name
	}
	return names
}
