package authoritative

import "github.com/miekg/dns"

// AnswerNow answers what needs no waiting and no key: an ordinary question over UDP or TCP. ok false means that Serve
// has to answer. A nil reply with ok true means that nothing is sent back. The reply is the caller's. Answers given
// before are kept packed until the zone changes, so most calls cost one allocation.
func (s *Server) AnswerNow(query []byte, from Peer) (reply []byte, ok bool) {
	if len(query) < headerLen || query[2]&flagQR != 0 {
		return nil, true
	}
	var p plainQuestion
	if !p.read(query) {
		return nil, false
	}
	v := s.viewFor(&from, "")
	if v == nil {
		return s.answerSlowly(query, from, nil, nil)
	}
	h := v.find(p.name[:p.length], p.qtype)
	if h == nil {
		return s.answerSlowly(query, from, nil, nil)
	}
	sv := h.current()
	if sv == nil {
		return s.answerSlowly(query, from, nil, nil)
	}
	var buf [maxName + 8]byte
	key := p.key(buf[:0], query)
	packed := sv.answers.get(key)
	if packed == nil || s.extend(&p.edns, from.Addr.Addr()) != dns.RcodeSuccess || s.badCookie(&p.edns, from.Network) {
		return s.answerSlowly(query, from, sv, key)
	}
	size := len(packed) + p.edns.optionsLen()
	if size > p.edns.limit(from.Network) {
		return s.answerSlowly(query, from, sv, key)
	}
	reply = append(make([]byte, 0, size), packed...)
	reply[0], reply[1] = query[0], query[1]
	reply[2] |= query[2] & flagRD
	return p.edns.appendOptions(reply), true
}

// answerSlowly puts the answer together record by record, and keeps it in sv under key if sv is what it was made from.
func (s *Server) answerSlowly(query []byte, from Peer, sv *served, key []byte) ([]byte, bool) {
	q, err := unpackQuery(query)
	if err != nil {
		return nil, false
	}
	a := s.respond(q, request{peer: from})
	packed := a.fit(a.edns.limit(from.Network))
	if sv != nil && a.from == sv && !a.msg.Truncated && !a.dropped {
		kept := a.edns.bare(packed)
		kept[2] &^= flagRD
		sv.answers.put(key, kept)
	}
	return packed, true
}
