package control

// MostStreams and Crowd are for the tests.
const MostStreams, Crowd = mostStreams, crowd

// QueryKeys are the keys that a call's query may have.
func (s *Server) QueryKeys(route string) []string {
	for _, one := range s.routes() {
		if one.method+" "+one.path == route {
			return one.query
		}
	}
	return nil
}

// Routes are all calls, "METHOD /path" each.
func (s *Server) Routes() (list []string) {
	for _, one := range s.routes() {
		list = append(list, one.method+" "+one.path)
	}
	return list
}

// Streams is how many are open.
func (s *Server) Streams() int { return len(s.streams) }

// Unready takes back what Ready said.
func (s *Server) Unready() { s.ready.Store(false) }
