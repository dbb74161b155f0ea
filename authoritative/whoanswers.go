package authoritative

import "github.com/miekg/dns"

// WhoAnswers tells which view a question of that type for name meets, and which zone of the view would answer it, when it
// comes from a peer under the TSIG key of that name ("" for an unsigned one). Origin is "" where the view has none for the
// name; ok is false when no view takes the peer, and for what is no domain name.
func (s *Server) WhoAnswers(from Peer, key, name string, qtype uint16) (id ZoneID, ok bool) {
	if key != "" {
		key = dns.CanonicalName(key)
	}
	v := s.viewFor(&from, key)
	if v == nil {
		return ZoneID{}, false
	}
	wire, err := wireName(name)
	if err != nil {
		return ZoneID{}, false
	}
	id.View = v.name
	if h := v.find([]byte(wire), qtype); h != nil {
		id.Origin = h.origin
	}
	return id, true
}
