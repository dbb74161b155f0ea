package control

import (
	"sync"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/live"
)

// session is what the API knows of one life of the world.
type session struct {
	number  int // of the life, from 1
	life    *live.Life
	checker *scenarios.Checker
	pace    pace
	asked   questions

	faults sync.Mutex // one fault is injected, replaced or healed at a time
	mu     sync.Mutex
	by     map[*simulator.Injected]string // who injected it; those not there are the scenario's
}

// session is that of the present life.
func (s *Server) session() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	life := s.config.Host.Life()
	if s.now == nil || s.now.life != life {
		s.lives++
		s.now = &session{number: s.lives, life: life, checker: scenarios.NewChecker(&life.World.Scenario().World, fault.Vocabulary()),
			pace: pace{world: life.World, pace: s.config.Speed}, by: map[*simulator.Injected]string{}}
	}
	return s.now
}

// scenario is who injects the faults of a scenario's steps.
const scenario = "scenario"

func (s *session) injectedBy(in *simulator.Injected) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if by, ok := s.by[in]; ok {
		return by
	}
	return scenario
}

// pace is how fast the world goes, and goes on after a pause. While a question is under way a world that stands still goes
// all the same, because nothing would come of the question otherwise.
type pace struct {
	mu    sync.Mutex
	world *simulator.World
	// speed is what was asked for, 0 for a pause, and pace the last that was more than 0. With no question under way the
	// world has that speed.
	speed, pace float64
	questions   int // under way
}

// look makes sure of speed. The caller holds mu.
func (p *pace) look() {
	if p.questions > 0 {
		return
	}
	if p.speed = p.world.Speed(); p.speed > 0 {
		p.pace = p.speed
	}
}

// apply gives the world the speed that it is to have. The caller holds mu.
func (p *pace) apply() error {
	speed := p.speed
	if speed == 0 && p.questions > 0 {
		speed = p.pace
	}
	if p.world.Speed() == speed {
		return nil
	}
	return p.world.SetSpeed(speed)
}

// set changes the pace; 0 pauses.
func (p *pace) set(speed float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	if p.speed = speed; speed > 0 {
		p.pace = speed
	}
	return p.apply()
}

// resume has a world that stands still go on as it did.
func (p *pace) resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	p.speed = p.pace
	return p.apply()
}

// ride has the world go until done is called.
func (p *pace) ride() (done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	p.questions++
	done = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.questions--
		_ = p.apply() // it has taken this speed before
	}
	if err := p.apply(); err != nil {
		p.questions--
		return nil, err
	}
	return done, nil
}

// paused tells whether the world stands still but for questions.
func (p *pace) paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	return p.speed == 0
}
