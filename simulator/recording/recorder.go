package recording

import (
	"errors"
	"sync"
	"sync/atomic"

	"faultzone/simulator"
	"faultzone/simulator/network"
)

// Config says what records, and how.
type Config struct {
	// Name is what the recording is called in metrics, such as "pcap".
	Name string
	Sink Sink
	// Live has legs queued, and dropped rather than waited for.
	Live bool
	// Room is how many octets of messages may be queued; 0: 8 MiB.
	Room int
}

// Room that a queue has, in octets of messages and in legs.
const (
	defaultRoom  = 8 << 20
	octetsPerLeg = 256 // there is room for one leg in so many octets: what a leg takes beside its message
)

// Recorder records the worlds that it is attached to, one after another or several at once. Its methods may be called
// from any goroutine.
type Recorder struct {
	config  Config
	written atomic.Uint64
	dropped atomic.Uint64

	// mu guards the queue in live time, and the sink too in virtual time.
	mu     sync.Mutex
	queue  batch
	kept   uint64 // written to the sink since its last flush
	closed bool

	wake   chan struct{} // has room for one; closed to end the writer
	writer sync.WaitGroup
	close  sync.Once
	err    error // of the close
}

// batch is legs in the order in which they were seen, their messages behind one another.
type batch struct {
	legs []queued
	data []byte
}

type queued struct {
	Leg
	from, to int // of the message in batch.data, if there is one
}

// New begins a recording; the caller closes it.
func New(c Config) *Recorder {
	if c.Room <= 0 {
		c.Room = defaultRoom
	}
	r := &Recorder{config: c}
	if c.Live {
		r.wake = make(chan struct{}, 1)
		r.writer.Go(r.write)
	}
	return r
}

// Name is the recording's.
func (r *Recorder) Name() string { return r.config.Name }

// Attach records what crosses the world's network from now on: from its beginning, when it is called in
// [simulator.Options.OnBuilt]. The worlds of a host that begins anew are attached one by one.
func (r *Recorder) Attach(w *simulator.World) {
	scene := newScene(w)
	w.Observe(func(e network.Event) { r.see(w, scene, e) })
}

// Counts are how many legs were written, and how many were dropped, so far.
func (r *Recorder) Counts() (written, dropped uint64) { return r.written.Load(), r.dropped.Load() }

func (r *Recorder) see(w *simulator.World, scene *Scene, e network.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	// The time is read under the lock, so that legs are seen in its order.
	seen := w.Now()
	if !r.config.Live {
		r.put(&Leg{Event: e, Scene: scene, Seen: seen})
		return
	}
	q := &r.queue
	if len(q.data)+len(e.Data) > r.config.Room || len(q.legs) >= r.config.Room/octetsPerLeg {
		r.dropped.Add(1)
		return
	}
	from := len(q.data)
	q.data = append(q.data, e.Data...)
	q.legs = append(q.legs, queued{Leg{Event: e, Scene: scene, Seen: seen}, from, len(q.data)})
	if len(q.legs) == 1 {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// put hands a leg to the sink.
func (r *Recorder) put(l *Leg) {
	switch err := r.config.Sink.Write(l); {
	case err == nil:
		r.kept++
	case !errors.Is(err, ErrLeftOut):
		r.dropped.Add(r.kept + 1)
		r.kept = 0
	}
}

// flush has the sink hand on what was put.
func (r *Recorder) flush(err error) {
	if err != nil {
		r.dropped.Add(r.kept)
	} else {
		r.written.Add(r.kept)
	}
	r.kept = 0
}

// write empties the queue until it is closed. Only it calls the sink.
func (r *Recorder) write() {
	var b batch
	for open := true; open; {
		_, open = <-r.wake
		for {
			r.mu.Lock()
			b, r.queue = r.queue, b
			r.mu.Unlock()
			if len(b.legs) == 0 {
				break
			}
			for i := range b.legs {
				q := &b.legs[i]
				if q.Data != nil {
					q.Data = b.data[q.from:q.to]
				}
				r.put(&q.Leg)
			}
			clear(b.legs)
			b.legs, b.data = b.legs[:0], b.data[:0]
			r.flush(r.config.Sink.Flush())
		}
	}
}

// Close writes what is queued and closes the sink. It waits for them no longer than the sink does. It may be called
// more than once; what crosses the network afterwards is not recorded. The error is the sink's.
func (r *Recorder) Close() error {
	r.close.Do(func() {
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		if r.config.Live {
			close(r.wake)
			r.writer.Wait()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.err = r.config.Sink.Close()
		r.flush(r.err)
	})
	return r.err
}
