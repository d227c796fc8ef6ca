package sandbox

// Routes names every operation and page, as the call counters do.
func (s *Sandbox) Routes() []string {
	var names []string
	for _, rt := range s.routes() {
		names = append(names, rt.name())
	}
	return names
}
