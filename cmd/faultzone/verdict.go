package main

import (
	"faultzone/scenarios"
	"faultzone/simulator/play"
)

// verdict is the JSON form of a test run. Fields are added to it; one that changes its meaning raises SchemaVersion.
type verdict struct {
	SchemaVersion int               `json:"schema_version"`
	Passed        int               `json:"passed"`
	Failed        int               `json:"failed"`
	Scenarios     []scenarioVerdict `json:"scenarios"`
}

// scenarioVerdict is one scenario in a verdict.
type scenarioVerdict struct {
	Name           string         `json:"name"`
	Title          string         `json:"title"`
	Passed         bool           `json:"passed"`
	Seed           uint64         `json:"seed"`
	Expectations   int            `json:"expectations"`
	VirtualSeconds float64        `json:"virtual_seconds"`
	WallSeconds    float64        `json:"wall_seconds"`
	Faults         []faultVerdict `json:"faults"`
	Failures       []failure      `json:"failures"`
}

// faultVerdict is what an injected fault did: the events that it saw, those that matched it, those that it changed.
type faultVerdict struct {
	Name    string `json:"name"`
	Fault   string `json:"fault"`
	Seen    int64  `json:"seen"`
	Matched int64  `json:"matched"`
	Changed int64  `json:"changed"`
}

// failure is a step that did not show what it must; Step 0 stands for the scenario as a whole.
type failure struct {
	Step    int      `json:"step"`
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	At      float64  `json:"at_seconds"`
	What    string   `json:"what"`
	Got     string   `json:"got,omitempty"`
	Reasons []string `json:"reasons"`
	Path    []string `json:"path,omitempty"`
}

func toVerdict(r *play.Report, s *scenarios.Scenario, seed *uint64) scenarioVerdict {
	v := scenarioVerdict{Name: r.Name, Title: r.Title, Passed: r.Passed, Seed: s.Seed, Expectations: r.Checked,
		VirtualSeconds: r.Virtual.Seconds(), WallSeconds: r.Wall.Seconds(), Faults: []faultVerdict{}, Failures: []failure{}}
	if seed != nil {
		v.Seed = *seed
	}
	for _, f := range r.Faults {
		v.Faults = append(v.Faults, faultVerdict{f.Label, f.Name, f.Counts.Seen, f.Counts.Matched, f.Counts.Changed})
	}
	for i, step := range r.Steps {
		if len(step.Failures) > 0 {
			v.Failures = append(v.Failures, failure{Step: i + 1, File: step.Pos.File, Line: step.Pos.Line, At: step.Began.Seconds(),
				What: step.What, Got: step.Got, Reasons: step.Failures, Path: step.Path})
		}
	}
	if len(r.Problems) > 0 {
		v.Failures = append(v.Failures, failure{What: "the scenario as a whole", Reasons: r.Problems})
	}
	return v
}
