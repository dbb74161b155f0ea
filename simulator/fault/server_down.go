package fault

import (
	"faultzone/scenarios"
	"faultzone/simulator/network"
)

// process stops a node's program and starts it again.
type process struct {
	node string
	look network.State
	p    Process
	down *layer[network.State]
	seen int64 // counts at the injection
	lost int64
}

func serverDownSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "server-down",
			Summary: "a server's or resolver's process dies, or its host with it",
			Text: "With looks = \"silent\" nothing comes back, as from a host that is dark or behind a firewall that drops: " +
				"clients pay their timeout. With \"refused\" the host lives and its kernel says that nobody listens: clients " +
				"move on at once. With \"hang\" the process lives and answers nothing; TCP still connects. Healing starts the " +
				"process anew: a resolver's cache is empty then, a secondary has its zones from disk.",
			Params: []scenarios.ParamSpec{
				{Name: "node", Kind: scenarios.Node, Required: true, Summary: "the node"},
				{Name: "looks", Kind: scenarios.String, Default: "silent", Choices: []string{"silent", "refused", "hang"},
					Summary: "how its addresses look from outside"},
			},
		},
		New: func(p Params) (Fault, error) {
			looks := map[string]network.State{"silent": network.Silent, "refused": network.Refusing, "hang": network.Hanging}
			return &process{node: p.String("node", ""), look: looks[p.String("looks", "silent")]}, nil
		},
	}
}

func stubListenerDownSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "stub-listener-down",
			Summary: "a client's local stub at 127.0.0.53 is gone",
			Text: "The host's own resolver service has crashed: its socket on 127.0.0.53 is closed, so lookups are refused at " +
				"once although every resolver behind it is healthy.",
			Params: []scenarios.ParamSpec{
				{Name: "client", Kind: scenarios.ClientNode, Required: true, Summary: "a client with a local stub"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &process{node: p.String("client", ""), look: network.Refusing}, nil
		},
	}
}

func (f *process) Inject(w World) error {
	p, err := w.Process(f.node)
	if err != nil {
		return err
	}
	f.p = p
	f.seen, f.lost = p.Counts()
	f.down, err = lay(w.Layers(), "process of "+f.node,
		func() (network.State, error) { return network.Up, nil },
		func(s network.State) error {
			if s == network.Up {
				p.Start()
			} else {
				p.Stop(s)
			}
			return nil
		},
		func(network.State) network.State { return f.look })
	return err
}

func (f *process) Heal() error { return f.down.lift() }

func (f *process) Counts() Counts {
	if f.p == nil {
		return Counts{}
	}
	seen, lost := f.p.Counts()
	return Counts{Seen: seen - f.seen, Matched: seen - f.seen, Changed: lost - f.lost}
}
