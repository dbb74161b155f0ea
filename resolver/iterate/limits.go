package iterate

import "errors"

// Limits bound the work that one question may lead to. 0 in a field is its default.
type Limits struct {
	// Tries is how many queries one address gets for one question in one zone, over UDP; 0: 3.
	Tries int
	// ZoneQueries is how many queries all of a zone's servers get for one question; 0: 24 (Unbound: 32).
	ZoneQueries int
	// ZoneLookups is for how many of a zone's servers without glue the address is looked up (CVE-2020-12662,
	// "NXNSAttack"); 0: 5, as in BIND.
	ZoneLookups int
	// Referrals is how many delegations may lead on from one another for one question; 0: 64 (Unbound: 130).
	Referrals int
}

func (l *Limits) complete() error {
	if l.Tries < 0 || l.ZoneQueries < 0 || l.ZoneLookups < 0 || l.Referrals < 0 {
		return errors.New("a limit of the iteration is negative: 0 is its default")
	}
	orElse(&l.Tries, 3)
	orElse(&l.ZoneQueries, 24)
	orElse(&l.ZoneLookups, 5)
	orElse(&l.Referrals, 64)
	return nil
}

// Budget is what one question may still cost, shared by all that it leads to. It is for one goroutine at a time.
type Budget struct {
	// Queries may still be sent.
	Queries int
	// Lookups of name servers' addresses may still be made: Unbound has 64 a question.
	Lookups int
}
