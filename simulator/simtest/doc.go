// Package simtest gives a Go test a world of DNS to break: a small internet of its own, healthy or broken as a scenario
// says, which the code under test resolves names in and dials into.
//
//	func TestFallsBackWhenSignaturesExpire(t *testing.T) {
//		w := simtest.Start(t, "rrsig-expired")
//		service := New(Config{Resolver: w.Resolver("resolver-a"), Now: w.Now})
//		w.Advance(2 * time.Hour) // an hour after the signatures' end
//		...
//	}
//
// [Start] takes the name of a built-in scenario or world, or a scenario's file relative to the test's folder; [StartWith]
// takes [Options], among them a scenario as a text or built in Go. Each call makes a world that shares nothing with any
// other, so tests may be parallel and hundreds of worlds may stand in one binary. It is closed with the test.
//
// # Virtual and live
//
// A world is virtual unless [Options].Live says otherwise: it is in memory, and its time stands still until something
// needs it. A question takes the world's time that it takes (tens of milliseconds, or many seconds when nobody answers)
// and next to none of the test's; [World.Advance] moves a week on in milliseconds. The same test sees the same, every
// time. Code under test that keeps time itself gets its time from [World.Now].
//
// A live world is on real sockets of 127.0.0.1, for other processes and for code that cannot be given a resolver or a
// dialer ([World.Addr]). Its time follows the wall from now on, and is moved by Advance too. Its links have no latency,
// so that a cold answer takes as long as its work does and not the 150 milliseconds of the world's geography, unless
// Options.Latency asks for that.
//
// # Steps
//
// The scenario's steps play as the world's time comes to them: those of the first moment when the world starts, the others
// when Advance passes them, each at its own time and before whatever the test does next; in a live world as the wall
// brings them too. So Start(t, "auth-outage") is a world whose caches are warm, and Advance(3*time.Minute) is one whose
// name servers are gone. What the steps expect is not checked then, because a test that interferes has expectations of its
// own; a step that cannot be done fails the test. [World.Play] plays what is left at once and fails the test for each
// expectation of the whole scenario that did not hold. Options.NoSteps leaves the steps out.
//
// # Resolvers and dialers
//
// [World.Resolver] is a *net.Resolver that asks one node of the world, or looks names up as a client of the world does,
// with that client's resolv.conf and stub. It is Go's own resolver, which reads /etc/resolv.conf and /etc/hosts of the
// machine that the test runs on. Of these only what cannot be helped shows: names in /etc/hosts are answered from there,
// and the Server of a *net.DNSError is the machine's. That the machine has several name servers, or a search list, does
// not: questions go to the world once an attempt, and a name with one of the machine's search domains behind it is not
// found, unless the world has a zone of that domain. A lookup asks for A and AAAA at the same time, from two goroutines
// whose order nobody promises; where a test compares journals it looks up "ip4".
//
// In a virtual world a resolver's waits are the world's. An attempt waits for five seconds, Go's own, and there are as
// many as the machine's resolv.conf has (two, where it says nothing). A lookup at a dead resolver so takes ten seconds of
// the world's time for each type, and comes back at once, with a *net.DNSError whose IsTimeout is true. The deadline of a
// lookup's context counts in the world's time too where Go lets a dialer see it: for every lookup but those of addresses
// (LookupHost, LookupNetIP and their like), which take their whole time.
//
// [World.DialContext] resolves a host in the world and connects to what stands for its address: a handler
// ([World.Serve]), a listener ([World.Listen]), a server that is there already ([World.Backend]), or one of the scenario's
// own web hosts. It never leaves the
// process for an address that nobody stands for: that is refused or unreachable, as its host exists in the world or does not.
//
// # When a test fails
//
// Its log has the way through the world of each question from outside that brought no good answer (those of the scenario's
// steps that are to fail left out), with what the resolvers on the way say of it, and the journal is in the test's artifact
// folder as JSON lines (kept with go test -artifacts). Every fault is healed when the test ends.
package simtest
