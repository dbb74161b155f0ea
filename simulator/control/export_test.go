package control

// MostStreams is for the tests.
const MostStreams = mostStreams
