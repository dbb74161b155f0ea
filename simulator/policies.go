package simulator

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
	"faultzone/scenarios"
)

// setPolicies gives a resolver's configuration what the scenario says of its policies. The loader knows no words but
// those that stand here.
func setPolicies(c *resolver.Config, s *scenarios.Resolver) error {
	p := &s.Policies
	actions := map[string]resolver.Action{"allow": resolver.Answer, "refuse": resolver.Refuse, "drop": resolver.Drop}
	for _, rule := range p.Access {
		c.Access = append(c.Access, resolver.AccessRule{Prefix: rule.Prefix, Action: actions[rule.Action]})
	}
	for _, text := range p.Local {
		rr, err := dns.NewRR(text)
		if err != nil {
			return fmt.Errorf("resolver %s, local data %q: %w", s.Name, text, err)
		}
		c.Local = append(c.Local, rr)
	}
	types := map[string]resolver.LocalType{"static": resolver.LocalStatic, "transparent": resolver.LocalTransparent,
		"redirect": resolver.LocalRedirect, "nodata": resolver.LocalNoData, "nxdomain": resolver.LocalNXDOMAIN, "refuse": resolver.LocalRefuse}
	for _, z := range p.LocalZones {
		c.LocalZones = append(c.LocalZones, resolver.LocalZone{Name: z.Name, Type: types[z.Type], EDE: z.EDE, Text: z.Text})
	}
	c.NonRecursive = map[string]resolver.NonRecursive{"refuse": resolver.NonRecursiveRefuse, "referral": resolver.NonRecursiveReferral}[p.NonRecursive]
	c.SpecialNames = map[string]resolver.SpecialNames{"all": resolver.SpecialAll, "none": resolver.SpecialNone}[p.SpecialNames]
	c.BelowNXDOMAIN = map[string]resolver.NXDOMAINCut{"always": resolver.CutAlways, "never": resolver.CutNever}[p.BelowNXDOMAIN]
	c.Version, c.ID = p.Version, p.ID
	c.MaxUDPSize, c.UpstreamUDPSize = p.MaxUDPSize, p.UpstreamUDPSize
	c.FullResponses = p.FullResponses
	if p.AllANY {
		c.ANY = resolver.ANYAll
	}
	c.NoKeySentinel, c.AuthorityNS, c.SHA1, c.MaxNSEC3Iterations = p.NoKeySentinel, p.AuthorityNS, p.SHA1, p.MaxNSEC3Iterations
	c.MaxWaiting, c.DropWaiting = p.MaxWaiting, p.DropWaiting
	c.MinNegativeTTL, c.FailureTTL, c.MaxFailureTTL = p.MinNegativeTTL, p.FailureTTL, p.MaxFailureTTL
	c.CacheBytes = p.CacheBytes
	c.Prefetch.Trigger, c.Prefetch.Eligible = p.PrefetchTrigger, p.PrefetchLife
	c.ServeStale.Answer = map[string]resolver.StaleAnswer{"at-once": resolver.StaleAtOnce, "after-failure": resolver.StaleAfterFailure}[p.Stale.Answer]
	c.ServeStale.ClientTimer, c.ServeStale.TTL, c.ServeStale.Recheck = p.Stale.ClientTimer, p.Stale.TTL, p.Stale.Recheck
	c.ServeStale.Reset, c.ServeStale.NotForBogus = p.Stale.Reset, p.Stale.NotForBogus
	c.NoIPv4, c.Prime = p.NoIPv4, !p.NoPriming // RFC 9609, as real resolvers do
	c.MinimiseType = p.MinimisationType
	c.Cookies, c.RandomCase = p.Cookies, p.RandomCase
	if c.LameTTL = p.LameTTL; p.ForgetLame {
		c.LameTTL = -time.Nanosecond
	}
	c.Skew = p.Skew
	c.AnchorUpdates = resolver.AnchorUpdates{On: p.AnchorUpdates, AddHoldDown: p.AnchorAddHoldDown, RemoveHoldDown: p.AnchorKeepRevoked}
	c.Limits = resolver.Limits(p.Limits)
	return nil
}

// keepAnchors has a resolver with AnchorUpdates ask for the keys of its anchors as often as RFC 5011 wants it, as long
// as its process lives.
func (n *node) keepAnchors(ctx context.Context, r *resolver.Resolver) {
	if n.anchored == nil {
		return
	}
	n.anchored(func() { _ = r.RefreshAnchors(ctx) }) // it ends with the process
}
