// Package scenarios turns TOML into scenarios: [Load] and its like read a file, check all of it, and give plain data,
// of which a world is built and played. It holds the built-in catalogue and the worlds that scenarios are based on.
//
// It promises that what it returns is whole: every name in a step is that of a node, a zone, a view, a key or a fault
// that exists; every zone's data are a zone; no two nodes share an address; the steps stand in order of time. It reads
// files and nothing else: no network, no clock, no state but the embedded files. What a fault does, and whether a
// scenario holds, is for others.
//
// Errors are told all at once, as [Errors], each with its FILE:LINE:COLUMN, with what was expected and, for a name that
// does not exist, the nearest that does. Columns count octets. A syntax error stands alone, since what follows it would
// be guesswork. What is allowed and probably a mistake is a [Warning].
//
// A scenario that says base = "NAME" is put on top of worlds/NAME/world.toml: tables are merged key by key, all other
// values, arrays among them, take the place of the base's. A zone's file, data and primaries exclude one another, so a
// scenario that gives one drops those of the base. Where one string is as good as a list, it is a list of one.
// Zone files are found relative to the file that names them.
package scenarios
