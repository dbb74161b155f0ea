// Package interop has package authoritative work with the programs that it will meet: named, NSD and knotd on either side
// of transfers, NOTIFY and updates; the checkers of ISC, NLnet Labs and CZ.NIC on its signed zones; unbound, named, delv,
// drill and dnsviz before a whole hierarchy of its servers; nsupdate, dig and kdig.
//
// It is tests alone. Each starts its programs itself, in the foreground, on free ports of the loopback or in a network
// namespace of its own, and ends them by their process IDs. A test whose program is not installed is skipped, or fails
// where FAULTZONE_REQUIRE_TOOLS=1.
package interop
