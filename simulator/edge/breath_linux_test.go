package edge

import "testing"

// A breath comes back, whether there is anybody else or not, and leaves nothing behind.
func TestBreath(t *testing.T) {
	var b breath
	defer b.close()
	for range 100_000 { // more than a pipe holds
		b.take()
	}
	if b.failed || b.in == nil {
		t.Error("it fell back to a mere yield")
	}
}

// Where no pipe can be had, or one is taken away, the loop goes on without.
func TestBreathWithoutPipe(t *testing.T) {
	b := breath{failed: true}
	b.take()
	b.close()
	b = breath{}
	b.take()
	b.close()
	b.take()
	if !b.failed {
		t.Error("a closed pipe goes unnoticed")
	}
}

func BenchmarkBreath(b *testing.B) {
	var x breath
	defer x.close()
	b.ReportAllocs()
	for b.Loop() {
		x.take()
	}
}
