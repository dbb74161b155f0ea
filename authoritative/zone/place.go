package zone

import "iter"

// Place says what part of a zone a name is: who is authoritative for it, and whether it owns anything.
type Place uint8

const (
	PlaceAbsent   Place = iota // not in the zone
	PlaceData                  // authoritative data
	PlaceEmpty                 // an empty non-terminal: only names below it have data (RFC 8020)
	PlaceCut                   // a delegation point: here the parent has the NS (not authoritative) and the DS
	PlaceOccluded              // below a delegation: glue, or data that nobody can ask this zone for
)

func (p Place) String() string {
	switch p {
	case PlaceData:
		return "authoritative data"
	case PlaceEmpty:
		return "empty non-terminal"
	case PlaceCut:
		return "delegation point"
	case PlaceOccluded:
		return "below a delegation"
	}
	return "absent"
}

// Name is one name of a zone, for those who walk it: a signer above all.
type Name struct {
	Name  string
	Place Place
	Types []uint16 // of the RRsets here, ascending; signatures are not counted
}

// Names gives every name in canonical order, the apex first, empty non-terminals included and the owners of NSEC3
// records left out.
func (z *Zone) Names() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		for _, n := range z.order {
			if n.parent == nil && n != z.apex {
				continue
			}
			types := make([]uint16, len(n.sets), len(n.sets)+3)
			for i, s := range n.sets {
				types[i] = s.Type
			}
			if !yield(Name{n.name, n.place, types}) {
				return
			}
		}
	}
}

// Place tells what part of the zone name is. No wildcard is looked for.
func (z *Zone) Place(name string) Place {
	wire, ok := wireOf(name)
	if !ok {
		return PlaceAbsent
	}
	if n := z.nodes[wire]; n != nil {
		return n.place
	}
	return PlaceAbsent
}

// IsDelegation tells whether the zone delegates name itself away.
func (z *Zone) IsDelegation(name string) bool { return z.Place(name) == PlaceCut }
