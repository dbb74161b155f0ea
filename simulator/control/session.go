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

// pace is how fast the world goes, and goes on after a pause. A question that is put to a world that stands still has it
// go for as long as the question takes, because nothing would come of it otherwise.
type pace struct {
	mu     sync.Mutex
	world  *simulator.World
	pace   float64 // when it goes
	riding int     // questions for which a world goes that should stand still
	orders int     // how often the pace was set
}

// set changes the pace; 0 pauses.
func (p *pace) set(speed float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.world.SetSpeed(speed); err != nil {
		return err
	}
	if speed > 0 {
		p.pace = speed
	}
	p.riding = 0 // those under way have no more to stop
	p.orders++
	return nil
}

// resume has a world that stands still go on as it did.
func (p *pace) resume() error {
	p.mu.Lock()
	speed := p.pace
	p.mu.Unlock()
	return p.set(speed)
}

// ride has the world go until done is called.
func (p *pace) ride() (done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.riding == 0 && p.world.Speed() != 0 {
		return func() {}, nil
	}
	if p.riding == 0 {
		if err := p.world.SetSpeed(p.pace); err != nil {
			return nil, err
		}
	}
	p.riding++
	orders := p.orders
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.orders != orders {
			return
		}
		if p.riding--; p.riding == 0 {
			_ = p.world.SetSpeed(0) // it has gone at another speed, so it takes this one
		}
	}, nil
}

// paused tells whether the world stands still but for questions.
func (p *pace) paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.riding > 0 || p.world.Speed() == 0
}
